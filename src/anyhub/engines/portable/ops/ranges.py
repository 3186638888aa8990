"""Sequences of numbers, and which indices there are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.ops.reshaping import axis_of, check_size
from anyhub.engines.portable.registry import lower, lower_host
from anyhub.engines.portable.values import cast, dtype_name
from anyhub.graph.const_ops import compute

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute

_move = primitives("indexing")


@lower_host("Range", limits="All inputs have to be known where code is compiled.")
def range_(node: NodeView) -> Compute:
    def run(start: Any, limit: Any, delta: Any) -> Any:
        dtype = start.dtype
        if not delta or (limit < start if delta > 0 else limit > start):
            raise ValueError(f"no range from {start} to {limit} by {delta}")
        check_size(node, [math.ceil(abs(limit.item() - start.item()) / abs(delta.item()))])
        if dtype.kind in "iu":
            # Python's range is exact where NumPy's of unsigned integers is not.
            return np.asarray(range(start.item(), limit.item(), delta.item()), dtype)
        count = math.ceil(abs((limit - start) / delta))
        return start + np.arange(count).astype(dtype) * delta

    return run


@lower("LinSpace", host=(2,))
def lin_space(node: NodeView) -> Compute:
    dtype = node.dtype("T")

    def run(start: Any, stop: Any, count_array: Any) -> Any:
        count = count_array.item()
        if count <= 0:
            raise ValueError(f"LinSpace of {count} numbers")
        # TensorFlow gives no derivatives here.
        start, stop = K.stop_gradient(start), K.stop_gradient(stop)
        numbers = _move.arange(count)
        if count == 1:
            return _move.broadcast_to(start, (1,))
        found = start + (stop - start) / (count - 1) * cast(numbers, dtype)
        found = _move.where(numbers == 0, start, found)
        return _move.where(numbers == count - 1, stop, found)

    return run


@lower("OneHot", host=(1,))
def one_hot(node: NodeView) -> Compute:
    axis = node.integer("axis")

    def run(indices: Any, depth: Any, on: Any, off: Any) -> Any:
        rank = len(indices.shape) + 1
        place = axis_of(axis, rank)
        shape = tuple(-1 if i == place else 1 for i in range(rank))
        numbers = cast(_move.reshape(_move.arange(depth.item()), shape), "int64")
        hits = _move.expand_dims(cast(indices, "int64"), place) == numbers
        # TensorFlow gives no derivatives here.
        return _move.where(hits, K.stop_gradient(on), K.stop_gradient(off))

    return run


@lower_host("OneHot")
def one_hot_on_host(node: NodeView) -> Compute:
    axis = node.integer("axis")

    def run(indices: Any, depth: Any, on: Any, off: Any) -> Any:
        place = axis_of(axis, indices.ndim + 1)
        shape = [-1 if i == place else 1 for i in range(indices.ndim + 1)]
        numbers = np.arange(depth.item()).reshape(shape)
        return np.where(np.expand_dims(indices, place) == numbers, on, off)

    return run


@lower_host("Where", limits="The input has to be known where code is compiled.")
@lower_host("InvertPermutation")
def evaluated(node: NodeView) -> Compute:
    return lambda *values: compute(node.node, values)[0]


@lower("InvertPermutation", limits="What is no permutation is found out on the host alone.")
def invert_permutation(_: NodeView) -> Compute:
    return lambda x: cast(K.argsort(x), dtype_name(x))


@lower("UnravelIndex", host=(1,), limits="An index that is out of range raises on the host alone.")
def unravel_index(_: NodeView) -> Compute:
    def run(indices: Any, dims: Any) -> Any:
        sizes = dims.tolist()
        strides = [math.prod(sizes[i + 1 :]) for i in range(len(sizes))]
        parts = [indices // stride % size for stride, size in zip(strides, sizes, strict=True)]
        return _move.stack(parts, 0)

    return run


@lower_host("UnravelIndex")
def unravel_index_on_host(_: NodeView) -> Compute:
    def run(indices: Any, dims: Any) -> Any:
        return np.stack(np.unravel_index(indices, dims.tolist())).astype(indices.dtype)

    return run


@lower_host("ListDiff")
def list_diff(node: NodeView) -> Compute:
    dtype = node.dtype("out_idx")

    def run(x: Any, y: Any) -> Any:
        excluded = set(y.tolist())
        kept = [index for index, value in enumerate(x.tolist()) if value not in excluded]
        return [x[kept], np.asarray(kept, dtype)]

    return run
