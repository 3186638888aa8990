"""Ops that join known values or take them apart.

Source: TensorFlow 2.21, `tensorflow/core/kernels/{pack_op,unpack_op,concat_op,split_op,split_v_op,
dynamic_stitch_op}.cc`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anyhub.graph.const_call import Array, Call, Evaluators


def _pack(call: Call) -> list[Array]:
    first = call.inputs[0]
    if any(x.shape != first.shape for x in call.inputs):
        call.fail("shapes differ")
    axis = call.axis(call.integer_attribute("axis"), first.ndim + 1)
    call.same_dtypes(*call.inputs)
    call.check_size([len(call.inputs), *first.shape])
    return [np.stack(call.inputs, axis)]


def _unpack(call: Call) -> list[Array]:
    (x,) = call.take(1)
    axis = call.axis(call.integer_attribute("axis"), x.ndim)
    count = call.integer_attribute("num")
    if x.shape[axis] != count:
        call.fail(f"shape {x.shape} has not {count} parts along axis {axis}")
    return [np.take(x, index, axis) if x.ndim > 1 else x[index : index + 1].reshape(())
            for index in range(count)]  # fmt: skip


def _concat_v2(call: Call) -> list[Array]:
    return _concat(call, call.inputs[:-1], call.inputs[-1])


def _concat_v1(call: Call) -> list[Array]:
    return _concat(call, call.inputs[1:], call.inputs[0])


def _concat(call: Call, values: Sequence[Array], axis_array: Array) -> list[Array]:
    axis = call.axis(call.integer(axis_array), values[0].ndim)
    call.same_dtypes(*values)
    call.check_size([sum(x.size for x in values)])
    return [np.concatenate(values, axis)]


def _split(call: Call) -> list[Array]:
    axis_array, x = call.take(2)
    axis = call.axis(call.integer(axis_array), x.ndim)
    count = call.integer_attribute("num_split")
    if count < 1 or x.shape[axis] % count:
        call.fail(f"shape {x.shape} has no {count} equal parts along axis {axis}")
    return np.split(x, count, axis)


def _split_v(call: Call) -> list[Array]:
    x, sizes_array, axis_array = call.take(3)
    axis = call.axis(call.integer(axis_array), x.ndim)
    sizes = call.integers(sizes_array)
    rest = x.shape[axis] - sum(size for size in sizes if size != -1)
    if sizes.count(-1) > 1 or any(s < -1 for s in sizes) or rest < 0 or (rest and -1 not in sizes):
        call.fail(f"sizes {sizes} do not add up to {x.shape[axis]}")
    whole = [rest if size == -1 else size for size in sizes]
    return np.split(x, np.cumsum(whole)[:-1], axis)


def _dynamic_stitch(call: Call) -> list[Array]:
    half = len(call.inputs) // 2
    indices, values = call.inputs[:half], call.inputs[half:]
    dtype = call.same_dtypes(*values)
    tail = values[0].shape[indices[0].ndim :]
    for index, value in zip(indices, values, strict=True):
        if value.shape != index.shape + tail or index.dtype.kind not in "iu" or np.any(index < 0):
            call.fail(f"indices of shape {index.shape} for values of shape {value.shape}")
    used = {int(number) for index in indices for number in index.ravel().tolist()}
    length = max(used, default=-1) + 1
    if len(used) != length:
        call.fail("indices leave gaps, which TensorFlow does not fill")
    result = np.empty(call.check_size([length, *tail]), dtype)
    for index, value in zip(indices, values, strict=True):
        for position, number in enumerate(index.ravel().tolist()):
            result[number] = value.reshape(index.size, *tail)[position]
    return [result]


EVALUATORS: Evaluators = {
    "Concat": _concat_v1,
    "ConcatV2": _concat_v2,
    "DynamicStitch": _dynamic_stitch,
    "Pack": _pack,
    "Split": _split,
    "SplitV": _split_v,
    "Unpack": _unpack,
}
