"""Slices: which part of a tensor a piece of a partitioned variable is, and the key of the piece.

Source: `tensorflow/core/framework/tensor_slice.{proto,cc}`, `EncodeTensorNameSlice` in
`tensorflow/core/util/saved_tensor_slice_util.cc`, `tensorflow/core/lib/strings/ordered_code.cc`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from anyhub.errors import SavedModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

_WHOLE = -1  # stands for the length of an extent that is a whole dimension
_NOTATION = re.compile(r"-|(\d{1,19}),(\d{1,19})", re.ASCII)
_SPECIAL = re.compile(rb"[\x00\xff]")


class Extent(NamedTuple):
    """A range of indices along one dimension."""

    start: int
    length: int

    @property
    def stop(self) -> int:
        """The index after the last one."""
        return self.start + self.length


Box: TypeAlias = tuple[Extent, ...]
"""A part of a tensor of known shape: an extent for each dimension."""


@dataclass(frozen=True, slots=True)
class TensorSlice:
    """A part of a tensor.

    Attributes:
        extents: For each dimension a range, or None for all of it. Both forms of "all" exist in
            files and make different keys.
    """

    extents: tuple[Extent | None, ...]

    @classmethod
    def parse(cls, text: str) -> TensorSlice:
        """Read TensorFlow's notation: "0,5:-" is rows 0 to 4, all columns; "" is a scalar.

        Raises:
            SavedModelError: The text is something else.
        """
        parts = [_NOTATION.fullmatch(part) for part in text.split(":")] if text else []
        if None in parts:
            raise SavedModelError(
                f"{text!r} is no slice; write start,length or - for each dimension, e.g. '0,5:-'"
            )
        found = [part.groups() for part in parts if part]
        return cls(tuple(Extent(int(start), int(size)) if size else None for start, size in found))

    def __str__(self) -> str:
        return ":".join("-" if e is None else f"{e.start},{e.length}" for e in self.extents)

    def within(self, shape: Sequence[int]) -> Box:
        """Fill in the dimensions of a tensor of this shape.

        Raises:
            SavedModelError: The tensor has no such part.
        """
        if len(shape) != len(self.extents):
            raise SavedModelError(f"slice {str(self)!r} has not {len(shape)} dimensions")
        pairs = zip(self.extents, shape, strict=True)
        box = tuple(Extent(0, size) if extent is None else extent for extent, size in pairs)
        for extent, size in zip(box, shape, strict=True):
            if extent.start < 0 or extent.length < 0 or extent.stop > size:
                raise SavedModelError(f"slice {str(self)!r} exceeds shape {list(shape)}")
        return box

    def key(self, name: bytes) -> bytes:
        """The key of the entry for this part of the tensor of that name."""
        numbers = [number for e in self.extents for number in (e or (0, _WHOLE))]
        return (
            _encode_number(0)
            + _encode_string(name)
            + _encode_number(len(self.extents))
            + b"".join(map(_encode_signed, numbers))
        )


def whole(shape: Sequence[int]) -> Box:
    """All of a tensor of that shape."""
    return tuple(Extent(0, size) for size in shape)


def box_shape(box: Box) -> tuple[int, ...]:
    """The shape of a part."""
    return tuple(extent.length for extent in box)


def box_volume(box: Box) -> int:
    """How many elements a part has."""
    return math.prod(box_shape(box))


def intersection(one: Box, other: Box) -> Box | None:
    """What two parts of a tensor have in common, None if no element."""
    common = []
    for left, right in zip(one, other, strict=True):
        start = max(left.start, right.start)
        length = min(left.stop, right.stop) - start
        if length <= 0:
            return None
        common.append(Extent(start, length))
    return tuple(common)


def _encode_string(data: bytes) -> bytes:
    return _SPECIAL.sub(lambda found: found[0] + bytes([found[0][0] ^ 0xFF]), data) + b"\0\1"


def _encode_number(value: int) -> bytes:
    size = (value.bit_length() + 7) // 8
    return bytes([size]) + value.to_bytes(size, "big")


def _encode_signed(value: int) -> bytes:
    """As many leading ones as bytes, then the sign and the number; inverted if negative."""
    size = (value if value >= 0 else ~value).bit_length() // 7 + 1
    header = ((1 << size) - 1) << (7 * size)
    return ((value % (1 << (8 * size))) ^ header).to_bytes(size, "big")
