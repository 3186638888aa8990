"""How many elements are equal, or in a range; and between which bounds an element lies."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.registry import Factory, lower
from anyhub.engines.portable.values import cast, shape_of, to_device

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute

_move = primitives("indexing")


def _bound(side: str) -> Factory:
    def build(node: NodeView) -> Compute:
        dtype = node.dtype("out_type")
        return lambda rows, values: cast(_move.search_sorted(rows, values, side), dtype)

    return build


lower("LowerBound")(_bound("left"))
lower("UpperBound")(_bound("right"))


@lower("Bucketize")
def bucketize(node: NodeView) -> Compute:
    boundaries = np.asarray([node.numbers("boundaries")], np.float32)
    dtype = "float64" if node.dtype("T") == "float64" else "float32"

    def run(x: Any) -> Any:
        values = _move.reshape(cast(x, dtype), (1, math.prod(shape_of(x))))
        found = _move.search_sorted(to_device(boundaries.astype(dtype)), values, "right")
        return _move.reshape(found, shape_of(x))

    return run


_NEGATIVE = "Negative numbers are left out; TensorFlow's CPU takes them for an error."


@lower("Bincount", host=(1,), limits=_NEGATIVE)
def bincount(node: NodeView) -> Compute:
    dtype = node.dtype("T")

    def run(numbers: Any, size: Any, weights: Any) -> Any:
        count = math.prod(shape_of(numbers))
        return _counts(_move.reshape(numbers, (1, count)), size.item(), weights, dtype, False)[0]

    return run


@lower("DenseBincount", host=(1,), limits=_NEGATIVE)
def dense_bincount(node: NodeView) -> Compute:
    dtype, is_binary = node.dtype("T"), node.boolean("binary_output")

    def run(numbers: Any, size: Any, weights: Any) -> Any:
        shape = shape_of(numbers)
        rows = shape if len(shape) == 2 else (1, math.prod(shape))
        found = _counts(_move.reshape(numbers, rows), size.item(), weights, dtype, is_binary)
        return found if len(shape) == 2 else found[0]

    return run


def _counts(numbers: Any, size: int, weights: Any, dtype: str, is_binary: bool) -> Any:
    """For each row of numbers how often they occur, or the sums of their weights."""
    rows, length = shape_of(numbers)
    result = _move.zeros((rows * size,), dtype)
    if not rows * size * length:
        return _move.reshape(result, (rows, size))
    flat = _move.reshape(_row_places(numbers, size), (rows * length, 1))
    if is_binary or not math.prod(shape_of(weights)):
        weights = cast(_move.arange(rows * length) >= 0, dtype)
    else:
        weights = _move.reshape(weights, (rows * length,))
    how = "set" if is_binary else "add"
    # One more place for what is out of range: TensorFlow's CPU would complain.
    result = _move.scatter(_move.zeros((rows * size + 1,), dtype), flat, weights, how)
    return _move.reshape(result[: rows * size], (rows, size))


def _row_places(numbers: Any, size: int) -> Any:
    rows = shape_of(numbers)[0]
    starts = _move.reshape(_move.arange(rows), (rows, 1)) * size
    numbers = cast(numbers, "int64")
    inside = (numbers >= 0) & (numbers < size)
    return _move.where(inside, numbers + cast(starts, "int64"), numbers * 0 + rows * size)


@lower(
    "HistogramFixedWidth",
    host=(2,),
    limits="On JAX without 64-bit types, numbers at the border of two bins may be in the other.",
)
def histogram_fixed_width(node: NodeView) -> Compute:
    dtype = node.dtype("dtype")

    def run(values: Any, value_range: Any, bins_array: Any) -> Any:
        count, bins = math.prod(shape_of(values)), bins_array.item()
        low, high = value_range[0], value_range[1]
        step = cast(high - low, "float64") / bins
        places = cast(_move.reshape(values, (1, count)) - low, "float64") / step
        places = cast(K.clip(places, 0, bins - 1), "int64")
        return _counts(places, bins, _move.zeros((0,), dtype), dtype, False)[0]

    return run
