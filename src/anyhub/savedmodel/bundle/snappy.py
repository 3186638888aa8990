"""Undoes Snappy, with which some TensorFlow releases compressed the index of a sharded save.

Source: google/snappy, `format_description.txt`. The length of the result comes first, then
elements: bytes as they are, or a place in the result so far to copy from.
"""

from __future__ import annotations

from anyhub.savedmodel.bundle.varints import decode_varint

_LITERAL, _SHORT_COPY, _, _FAR_COPY = range(4)
_LENGTH_FOLLOWS = 60
# The best that an element can do: 3 bytes for a copy of 64.
_BEST_RATIO = 22


def uncompress(data: bytes) -> bytes:
    """Undo Snappy.

    Raises:
        ValueError: The data is damaged.
    """
    size, position = decode_varint(data, 0, len(data))
    if size > _BEST_RATIO * len(data):
        raise ValueError(f"{len(data)} bytes cannot make {size}")
    result = bytearray()
    while position < len(data):
        if data[position] & 3 == _LITERAL:
            position = _add_literal(data, position, result)
        else:
            position = _add_copy(data, position, result)
        if len(result) > size:
            break
    if len(result) != size:
        raise ValueError(f"it makes {len(result)} bytes or more, and says {size}")
    return bytes(result)


def _add_literal(data: bytes, position: int, result: bytearray) -> int:
    length = data[position] >> 2
    position += 1
    if length >= _LENGTH_FOLLOWS:
        length, position = _number(data, position, length - _LENGTH_FOLLOWS + 1)
    end = position + length + 1
    if end > len(data):
        raise ValueError(f"it is cut off at {position}")
    result += data[position:end]
    return end


def _add_copy(data: bytes, position: int, result: bytearray) -> int:
    tag = data[position]
    if tag & 3 == _SHORT_COPY:
        length = (tag >> 2 & 7) + 4
        low, position = _number(data, position + 1, 1)
        distance = tag >> 5 << 8 | low
    else:
        length = (tag >> 2) + 1
        distance, position = _number(data, position + 1, 4 if tag & 3 == _FAR_COPY else 2)
    if not 0 < distance <= len(result):
        raise ValueError(f"a copy at {position} is from {distance} bytes before")
    start = len(result) - distance
    # What is copied may reach into the copy, and repeats then.
    pattern = result[start : start + length]
    result += (pattern * (length // len(pattern) + 1))[:length]
    return position


def _number(data: bytes, position: int, size: int) -> tuple[int, int]:
    end = position + size
    if end > len(data):
        raise ValueError(f"it is cut off at {position}")
    return int.from_bytes(data[position:end], "little"), end
