"""Ops that take parts of known values.

Source: TensorFlow 2.21, `tensorflow/core/util/strided_slice_op.cc`,
`tensorflow/core/kernels/{slice_op,gather_op,gather_nd_op}.cc`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from anyhub.graph.const_call import as_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anyhub.graph.const_call import Array, Call, Evaluators

_RANGE, _SHRINK, _NEW, _ELLIPSIS = "range", "shrink_axis", "new_axis", "ellipsis"


def _slice(call: Call) -> list[Array]:
    x, begin_array, size_array = call.take(3)
    begin, size = call.integers(begin_array), call.integers(size_array)
    if not len(begin) == len(size) == x.ndim:
        call.fail(f"begin {begin} and size {size} for rank {x.ndim}")
    index = []
    for start, count, full in zip(begin, size, x.shape, strict=True):
        length = full - start if count == -1 else count
        if start < 0 or length < 0 or start + length > full:
            call.fail(f"begin {begin} and size {size} for shape {x.shape}")
        index.append(slice(start, start + length))
    return [x[tuple(index)]]


def _strided_slice(call: Call) -> list[Array]:
    x, begin, end, strides = call.take(4)
    bounds = [call.integers(array) for array in (begin, end, strides)]
    index = strided_index(call, x.shape, bounds)
    # With an ellipsis NumPy gives an array even where nothing but one element is left.
    return [x[(*index, ...)]]


def strided_index(
    call: Call, shape: Sequence[int | None], bounds: Sequence[Sequence[int]]
) -> list[Any]:
    """The index that makes NumPy do what StridedSlice does.

    Args:
        call: The node.
        shape: Of the input; None where unknown, and bounds are not checked there.
        bounds: Begin, end and strides.

    Raises:
        SavedModelError: TensorFlow would refuse them.
    """
    count = len(bounds[0])
    if any(len(values) != count for values in bounds):
        call.fail("begin, end and strides differ in length")
    kinds = _kinds(call, count)
    if _ELLIPSIS not in kinds:
        kinds, bounds = [*kinds, _ELLIPSIS], [[*values, 1] for values in bounds]
    spare = len(shape) - kinds.count(_RANGE) - kinds.count(_SHRINK)
    if spare < 0:
        call.fail(f"{count} indices for rank {len(shape)}")
    index: list[Any] = []
    dim = 0
    for i, kind in enumerate(kinds):
        begin, end, stride = (values[i] for values in bounds)
        if kind == _NEW:
            index.append(np.newaxis)
            continue
        if kind == _ELLIPSIS:
            index += [slice(None)] * spare
        elif kind == _SHRINK:
            index.append(_single(call, begin, stride, shape[dim]))
        elif not stride:
            call.fail("a stride is 0")
        else:
            start = None if call.integer_attribute("begin_mask") >> i & 1 else begin
            stop = None if call.integer_attribute("end_mask") >> i & 1 else end
            index.append(slice(start, stop, stride))
        dim += spare if kind == _ELLIPSIS else 1
    return index


def _kinds(call: Call, count: int) -> list[str]:
    """What each index does; where masks contradict each other, the first in this order counts."""
    masks = {kind: call.integer_attribute(f"{kind}_mask") for kind in (_ELLIPSIS, _NEW, _SHRINK)}
    if masks[_ELLIPSIS].bit_count() > 1:
        call.fail("several ellipses")
    return [
        next((kind for kind, mask in masks.items() if mask >> i & 1), _RANGE) for i in range(count)
    ]


def _single(call: Call, begin: int, stride: int, size: int | None) -> int:
    if stride <= 0 or (size is not None and not -size <= begin < size):
        call.fail(f"index {begin} with stride {stride} for size {size}")
    return begin


def _gather_v1(call: Call) -> list[Array]:
    params, indices = call.take(2)
    return [_gather(call, params, indices, 0, 0)]


def _gather_v2(call: Call) -> list[Array]:
    params, indices, axis_array = call.take(3)
    axis = call.axis(call.integer(axis_array), params.ndim)
    batch = call.integer_attribute("batch_dims")
    return [_gather(call, params, indices, axis, batch + indices.ndim if batch < 0 else batch)]


def _gather(call: Call, params: Array, indices: Array, axis: int, batch: int) -> Array:
    if indices.dtype.kind not in "iu" or not params.ndim:
        call.fail(f"params of rank {params.ndim}, indices of type {indices.dtype}")
    if not 0 <= batch <= min(axis, indices.ndim) or params.shape[:batch] != indices.shape[:batch]:
        call.fail(f"{batch} batch dimensions for shapes {params.shape} and {indices.shape}")
    if np.any((indices < 0) | (indices >= params.shape[axis])):
        call.fail(f"an index is beyond the size {params.shape[axis]}")
    shape = (*params.shape[:axis], *indices.shape[batch:], *params.shape[axis + 1 :])
    call.check_size(shape)
    if not batch:
        return as_array(np.take(params, indices, axis), params.dtype)
    rows = int(np.prod(params.shape[:batch]))
    flat = params.reshape(rows, *params.shape[batch:])
    flat_indices = indices.reshape(rows, *indices.shape[batch:])
    result = np.empty((rows, *shape[batch:]), params.dtype)
    for row in range(rows):
        result[row] = np.take(flat[row], flat_indices[row], axis - batch)
    return result.reshape(shape)


def _gather_nd(call: Call) -> list[Array]:
    params, indices = call.take(2)
    if indices.dtype.kind not in "iu" or not indices.ndim or indices.shape[-1] > params.ndim:
        call.fail(f"indices of shape {indices.shape} for rank {params.ndim}")
    depth = indices.shape[-1]
    if np.any((indices < 0) | (indices >= np.array(params.shape[:depth], np.int64))):
        call.fail("an index is out of bounds")
    call.check_size([*indices.shape[:-1], *params.shape[depth:]])
    if not depth:
        return [np.broadcast_to(params, [*indices.shape[:-1], *params.shape])]
    return [params[(*np.moveaxis(indices, -1, 0), ...)]]


EVALUATORS: Evaluators = {
    "Gather": _gather_v1,
    "GatherNd": _gather_nd,
    "GatherV2": _gather_v2,
    "Slice": _slice,
    "StridedSlice": _strided_slice,
}
