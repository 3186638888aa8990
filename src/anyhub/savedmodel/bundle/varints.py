"""Variable-length integers: seven bits a byte, lowest first, the top bit says that more follow.

Source: Protocol Buffers, "Encoding", section "Base 128 Varints"; LevelDB, `util/coding.cc`.
As there, an integer may take more bytes than it needs, up to the most that its type can need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anyhub.savedmodel.bundle.files import Octets

_LONGEST_64 = 10


def encode_varint(value: int) -> bytes:
    """The shortest form of an integer that is not negative."""
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def decode_varint(data: bytes, position: int, end: int, bits: int = 32) -> tuple[int, int]:
    """Read one integer.

    Args:
        data: The bytes.
        position: Where the integer begins.
        end: Where it must have ended.
        bits: The width of its type, 32 or 64.

    Returns:
        The integer, and the position after it.

    Raises:
        ValueError: It is cut off or too large.
    """
    value = shift = 0
    while position < end and shift < bits:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            if value >> bits:
                break
            return value, position
    if position == end and shift < bits:
        raise ValueError(f"an integer is cut off at {position}")
    raise ValueError(f"an integer before {position} takes more than {bits} bits")


def decode_varints(data: Octets, count: int) -> tuple[NDArray[np.uint64], int]:
    """Read many integers of 64 bits at once.

    Returns:
        The integers, and the position after the last one.

    Raises:
        ValueError: They are cut off, or one is too large.
    """
    head = data[: count * _LONGEST_64]
    ends = np.flatnonzero(head < 0x80)[:count]
    if len(ends) < count:
        raise ValueError(f"{count:,} lengths are expected, {len(ends):,} were found")
    if not count:
        return np.zeros(0, np.uint64), 0
    starts = np.concatenate(([0], ends[:-1] + 1))
    widths = ends - starts + 1
    widest = int(widths.max())
    if widest > _LONGEST_64 or np.any(head[ends[widths == _LONGEST_64]] > 1):
        raise ValueError("a length takes more than 64 bits")
    values = np.zeros(count, np.uint64)
    for index in range(widest):
        wide = widths > index
        part = (head[starts[wide] + index] & 0x7F).astype(np.uint64)
        values[wide] |= part << np.uint64(7 * index)
    return values, int(ends[-1]) + 1
