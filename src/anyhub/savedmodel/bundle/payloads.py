"""The bytes of a tensor: how strings and variants are laid out, and what is checksummed.

Source: WriteTensor, WriteStringTensor, WriteVariantTensor and their readers in
`tensorflow/core/util/tensor_bundle/tensor_bundle.cc`. Numbers are stored as in memory, row by row;
types of fewer than 8 bits take a byte each.

Strings: the lengths as varints, a checksum, the contents one after another. The first checksum
covers the lengths as numbers of 4 bytes (of 8 where they need them), the one in the entry the
same numbers, then the first checksum, then the contents.

Variants: for each a length as varint, a message and a checksum of all so far, with lengths taken
as numbers of 8 bytes.
"""

from __future__ import annotations

import struct
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from anyhub.savedmodel.bundle.checksums import extend_crc, mask_crc
from anyhub.savedmodel.bundle.entries import STRING, VARIANT, Entry
from anyhub.savedmodel.bundle.files import Octets, octets
from anyhub.savedmodel.bundle.varints import decode_varint, decode_varints, encode_varint

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from anyhub.savedmodel.dtypes import DType

_CHECKSUM = struct.Struct("<I")
_LONG = struct.Struct("<Q")
_LARGEST_SHORT = 0xFFFFFFFF
_LONGEST_VARINT = 10


def payload_crc(dtype: DType, elements: int, data: Octets) -> int:
    """The checksum of a tensor's bytes as its entry stores it.

    Raises:
        ValueError: The bytes are damaged so that they have no checksum.
    """
    if dtype.name == STRING:
        return mask_crc(_strings_crc(elements, data))
    if dtype.name == VARIANT:
        return mask_crc(_variants_crc(elements, data))
    return mask_crc(extend_crc(0, data))


def check_payload(entry: Entry, data: Octets) -> None:
    """Compare the bytes of a tensor with the checksums in them and in its entry.

    Raises:
        ValueError: They do not match.
    """
    found = payload_crc(entry.dtype, entry.elements, data)
    if found != entry.crc32c:
        raise ValueError(f"its checksum is {found:#010x}, the index says {entry.crc32c:#010x}")


def decode_values(entry: Entry, data: Octets) -> NDArray[Any]:
    """Make a read-only array of the bytes of a tensor: a view, or an array of strings.

    Args:
        entry: Its entry; `check_size` passed.
        data: As many bytes as the entry says.

    Raises:
        ValueError: The strings are damaged, or NumPy has no such arrays.
    """
    dtype = entry.dtype
    if dtype.numpy is None:
        raise ValueError(
            f"NumPy has no arrays of type {dtype.name} (if these are numbers, a newer ml_dtypes "
            "may have); read_raw gives the bytes"
        )
    if dtype.name != STRING:
        numbers: NDArray[Any] = data.view(dtype.numpy)
        return numbers.reshape(entry.shape)
    array = np.empty(entry.elements, object)
    array[:] = _decode_strings(entry.elements, data)
    array.flags.writeable = False
    return array.reshape(entry.shape)


def encode_strings(strings: Sequence[bytes]) -> tuple[list[Octets], int]:
    """Lay strings out.

    Returns:
        The pieces of their bytes, and the checksum for the entry.
    """
    lengths = b"".join(encode_varint(len(string)) for string in strings)
    crc = _lengths_crc(np.fromiter(map(len, strings), np.uint64, len(strings)))
    checksum = octets(_CHECKSUM.pack(mask_crc(crc)))
    contents = octets(b"".join(strings))
    crc = extend_crc(extend_crc(crc, checksum), contents)
    return [octets(lengths), checksum, contents], mask_crc(crc)


def _decode_strings(elements: int, data: Octets) -> list[bytes]:
    if not elements:
        return []
    lengths, start = _string_lengths(elements, data)
    ends = accumulate(lengths.tolist(), initial=start + _CHECKSUM.size)
    contents = data.data
    begin = next(ends)
    strings = []
    for end in ends:
        strings.append(bytes(contents[begin:end]))
        begin = end
    return strings


def _string_lengths(elements: int, data: Octets) -> tuple[NDArray[np.uint64], int]:
    """The lengths, and where the checksum after them begins."""
    lengths, position = decode_varints(data, elements)
    available = len(data) - position - _CHECKSUM.size
    # One by one first: their sum may exceed 64 bits.
    if available < 0 or np.any(lengths > available) or int(lengths.sum()) != available:
        raise ValueError(f"the strings do not take the {available:,} bytes that they have")
    return lengths, position


def _strings_crc(elements: int, data: Octets) -> int:
    if not len(data):
        return 0
    lengths, position = _string_lengths(elements, data)
    crc = _lengths_crc(lengths)
    checksum = data[position : position + _CHECKSUM.size]
    if checksum.tobytes() != _CHECKSUM.pack(mask_crc(crc)):
        raise ValueError("the checksum of the lengths of its strings does not match")
    return extend_crc(crc, data[position:])


def _lengths_crc(lengths: NDArray[np.uint64]) -> int:
    if not np.any(lengths > _LARGEST_SHORT):
        return extend_crc(0, octets(lengths.astype("<u4").tobytes()))
    return extend_crc(0, octets(b"".join(_encode_lengths(lengths.tolist()))))


def _encode_lengths(lengths: Iterable[int]) -> Iterable[bytes]:
    for length in lengths:
        yield (_CHECKSUM if length <= _LARGEST_SHORT else _LONG).pack(length)


def _variants_crc(elements: int, data: Octets) -> int:
    crc = position = 0
    for index in range(elements):
        head = data[position : position + _LONGEST_VARINT].tobytes()
        length, taken = decode_varint(head, 0, len(head), bits=64)
        end = position + taken + length
        if end + _CHECKSUM.size > len(data):
            raise ValueError(f"variant {index} exceeds its tensor")
        crc = extend_crc(crc, octets(_LONG.pack(length)))
        crc = extend_crc(crc, data[position + taken : end])
        position = end + _CHECKSUM.size
        checksum = data[end:position]
        if checksum.tobytes() != _CHECKSUM.pack(mask_crc(crc)):
            raise ValueError(f"the checksum of variant {index} does not match")
        crc = extend_crc(crc, checksum)
    if position != len(data):
        raise ValueError(f"{len(data) - position:,} bytes follow the last variant")
    return crc
