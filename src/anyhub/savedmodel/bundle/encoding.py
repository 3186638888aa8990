"""Turns a tensor into the bytes that a bundle stores for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from anyhub.savedmodel.bundle.entries import STRING, Entry, check_size
from anyhub.savedmodel.bundle.files import Octets, octets
from anyhub.savedmodel.bundle.payloads import encode_strings, payload_crc
from anyhub.savedmodel.bundle.values import RawTensor
from anyhub.savedmodel.dtypes import DType, dtype_of_array


@dataclass(frozen=True)
class Payload:
    """A tensor ready to be written.

    Attributes:
        dtype: Its element type.
        shape: Its shape.
        pieces: Its bytes.
        crc32c: Their checksum, masked.
    """

    dtype: DType
    shape: tuple[int, ...]
    pieces: list[Octets]
    crc32c: int

    @property
    def size(self) -> int:
        """How many bytes it takes."""
        return sum(map(len, self.pieces))


def encode_tensor(value: Any) -> Payload:
    """Lay a tensor out.

    Args:
        value: An array, something that NumPy can turn into one, or a RawTensor.

    Raises:
        ValueError: No type stores it, or the bytes of a RawTensor do not fit its type and shape.
    """
    if isinstance(value, RawTensor):
        return _encode_raw(value)
    if not hasattr(value, "__array__"):
        raise ValueError(f"it is a {type(value).__name__}; pass an array, e.g. np.asarray(value)")
    array = np.asarray(value)
    dtype = dtype_of_array(array)
    if dtype.name == STRING:
        pieces, crc = encode_strings([_to_bytes(item) for item in array.ravel().tolist()])
        return Payload(dtype, array.shape, pieces, crc)
    data = np.ascontiguousarray(array, array.dtype.newbyteorder("=")).reshape(-1).view(np.uint8)
    return Payload(dtype, array.shape, [data], payload_crc(dtype, array.size, data))


def _encode_raw(value: RawTensor) -> Payload:
    data = octets(value.data)
    entry = Entry("", value.dtype, tuple(value.shape), size=len(data))
    check_size(entry)
    return Payload(entry.dtype, entry.shape, [data], payload_crc(entry.dtype, entry.elements, data))


def _to_bytes(item: object) -> bytes:
    if isinstance(item, bytes):
        return item
    if isinstance(item, str):
        return item.encode()
    raise ValueError(f"one of its elements is a {type(item).__name__}; strings are bytes or str")
