"""Ops that look at shapes or make them, on known values.

Source: TensorFlow 2.21, `tensorflow/core/kernels/{shape_ops,sequence_ops,bcast_ops,where_op,
concat_op,inplace_ops,listdiff_op}.*`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from anyhub.graph.const_call import Array, Call, Evaluators


def _sized(call: Call, value: Any, attribute: str = "out_type") -> Array:
    dtype = np.dtype(call.dtype(attribute))
    wide = np.asarray(value, np.int64)
    if wide.size and int(wide.max()) > np.iinfo(dtype).max:
        call.fail(f"a size is beyond {dtype}")
    return wide.astype(dtype)


def _shape(call: Call) -> list[Array]:
    return [_sized(call, x.shape) for x in call.take(1)]


def _shape_n(call: Call) -> list[Array]:
    return [_sized(call, x.shape) for x in call.inputs]


def _size(call: Call) -> list[Array]:
    return [_sized(call, x.size) for x in call.take(1)]


def _rank(call: Call) -> list[Array]:
    return [np.asarray(x.ndim, np.int32) for x in call.take(1)]


def _fill(call: Call) -> list[Array]:
    dims, value = call.take(2)
    if value.ndim > 1 or value.size != 1:
        call.fail(f"value of shape {value.shape}, expected a scalar")
    return [np.full(call.check_size(call.integers(dims)), value.reshape(()), value.dtype)]


def _like(number: int, call: Call) -> list[Array]:
    (x,) = call.take(1)
    if x.dtype == object:
        if number:
            call.fail("strings have no one")
        return [np.full(x.shape, b"", object)]
    return [np.full(x.shape, number, x.dtype)]


def _range(call: Call) -> list[Array]:
    start, limit, delta = call.take(3)
    dtype = call.same_dtypes(start, limit, delta)
    if {start.ndim, limit.ndim, delta.ndim} != {0}:
        call.fail("start, limit and delta have to be scalars")
    if dtype.kind in "iu":
        first, last, step = (int(v.item()) for v in call.inputs)
        if not step or (last - first) * step < 0:
            call.fail(f"no range from {first} to {last} by {step}")
        call.check_size([-(-abs(last - first) // abs(step))])
        # Python's range is exact where NumPy's of unsigned integers is not.
        return [np.array(range(first, last, step), dtype)]
    return [_float_range(call, start, limit, delta)]


def _float_range(call: Call, start: Array, limit: Array, delta: Array) -> Array:
    if start.dtype not in (np.float32, np.float64):
        call.fail(f"element type {start.dtype} has no range here")
    if not np.isfinite([start, limit, delta]).all() or not delta or (limit - start) * delta < 0:
        call.fail(f"no range from {start} to {limit} by {delta}")
    (count,) = call.check_size([math.ceil(abs((limit - start) / delta))])
    # Older TensorFlow adds up, with the error of each step; newer multiplies.
    steps = np.full(count, delta, start.dtype)
    steps[:1] = start
    added = np.add.accumulate(steps, dtype=start.dtype)
    multiplied: Array = start + np.arange(count).astype(start.dtype) * delta
    if not np.array_equal(added, multiplied):
        call.fail("versions of TensorFlow round differently here")
    return multiplied


def _broadcast_args(call: Call) -> list[Array]:
    first, second = call.take(2)
    dtype = call.same_dtypes(first, second)
    a, b = call.integers(first), call.integers(second)
    rank = max(len(a), len(b))
    a, b = [1] * (rank - len(a)) + a, [1] * (rank - len(b)) + b
    if any(x != y and 1 not in (x, y) for x, y in zip(a, b, strict=True)):
        call.fail(f"shapes {a} and {b} do not broadcast")
    return [np.array([y if x == 1 else x for x, y in zip(a, b, strict=True)], dtype)]


def _broadcast_to(call: Call) -> list[Array]:
    x, shape = call.take(2)
    return [np.broadcast_to(x, call.check_size(call.integers(shape)))]


def _where(call: Call) -> list[Array]:
    (x,) = call.take(1)
    if x.dtype == object:
        call.fail("strings are neither true nor false")
    return [np.argwhere(x != np.zeros((), x.dtype)).astype(np.int64).reshape(-1, x.ndim)]


def _concat_offset(call: Call) -> list[Array]:
    axis_array, *shapes = call.inputs
    sizes = [call.integers(shape) for shape in shapes]
    rank = len(sizes[0])
    axis = call.axis(call.integer(axis_array), rank)
    if any([*s[:axis], *s[axis + 1 :]] != [*sizes[0][:axis], *sizes[0][axis + 1 :]] for s in sizes):
        call.fail(f"shapes {sizes} differ beside axis {axis}")
    offsets, start = [], 0
    for size, shape in zip(sizes, shapes, strict=True):
        offsets.append(np.array([start if i == axis else 0 for i in range(rank)], shape.dtype))
        start += size[axis]
    return offsets


def _invert_permutation(call: Call) -> list[Array]:
    (x,) = call.take(1)
    values = call.integers(x)
    if x.ndim != 1 or sorted(values) != list(range(len(values))):
        call.fail(f"{values} is no permutation")
    return [np.argsort(x).astype(x.dtype)]


def _list_diff(call: Call) -> list[Array]:
    x, y = call.take(2)
    call.same_dtypes(x, y)
    if x.ndim != 1 or y.ndim != 1 or x.dtype.kind not in "iub":
        call.fail("expected two vectors of integers")
    excluded = set(y.tolist())
    kept = [index for index, value in enumerate(x.tolist()) if value not in excluded]
    return [x[kept], np.array(kept, call.dtype("out_idx"))]


EVALUATORS: Evaluators = {
    "BroadcastArgs": _broadcast_args,
    "BroadcastTo": _broadcast_to,
    "ConcatOffset": _concat_offset,
    "Fill": _fill,
    "InvertPermutation": _invert_permutation,
    "ListDiff": _list_diff,
    "OnesLike": lambda call: _like(1, call),
    "Range": _range,
    "Rank": _rank,
    "Shape": _shape,
    "ShapeN": _shape_n,
    "Size": _size,
    "Where": _where,
    "ZerosLike": lambda call: _like(0, call),
}
