"""Shapes: TensorShapeProto to tuples and back."""

from __future__ import annotations

from typing import Any, TypeAlias

from anyhub.errors import SavedModelError
from anyhub.savedmodel import schema

Shape: TypeAlias = tuple[int | None, ...] | None
"""Dimensions, None where any size fits; None as a whole for an unknown rank."""

# TensorFlow's own limit, `TensorShape::MaxDimensions()`.
_MAX_RANK = 254


def read_shape(proto: Any) -> Shape:
    """Read a TensorShapeProto.

    Raises:
        SavedModelError: A dimension is less than -1, or there are more than TensorFlow allows.
    """
    if proto.unknown_rank:
        return None
    if len(proto.dim) > _MAX_RANK:
        raise SavedModelError(
            f"shape with {len(proto.dim)} dimensions; TensorFlow allows {_MAX_RANK}"
        )
    sizes = [dim.size for dim in proto.dim]
    if any(size < -1 for size in sizes):
        raise SavedModelError(f"shape {sizes} has a negative dimension other than -1 for 'any'")
    return tuple(None if size == -1 else size for size in sizes)


def shape_proto(shape: Shape) -> Any:
    """Make a TensorShapeProto."""
    proto = schema.TensorShapeProto()
    if shape is None:
        proto.unknown_rank = True
        return proto
    for size in shape:
        proto.dim.add(size=-1 if size is None else size)
    return proto


def shape_text(shape: Shape) -> str:
    """A shape as people write it: `(?, 3)`, `()`, `any shape`."""
    if shape is None:
        return "any shape"
    sizes = ", ".join("?" if size is None else str(size) for size in shape)
    return f"({sizes},)" if len(shape) == 1 else f"({sizes})"
