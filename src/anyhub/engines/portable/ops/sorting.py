"""The greatest, the n-th and the different elements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.registry import lower, lower_host
from anyhub.engines.portable.values import cast

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute
    from anyhub.graph.const_call import Array

_backend = primitives("reducing")

_NAN = "where NaN goes in the order is the backend's choice"


# The attribute sorted=False allows any order, so also this one.
@lower("TopKV2", host=(1,), limits=f"results are sorted also with sorted=False; {_NAN}")
def top_k_v2(node: NodeView) -> Compute:
    dtype = node.dtype("index_type")

    def run(x: Any, k: Array) -> Any:
        values, indices = _backend.top_k(x, int(k.item()))
        return values, cast(indices, dtype)

    return run


@lower("TopK", limits=f"results are sorted also with sorted=False; {_NAN}")
def top_k(node: NodeView) -> Compute:
    k = node.integer("k")

    def run(x: Any) -> Any:
        values, indices = _backend.top_k(x, k)
        return values, cast(indices, "int32")

    return run


# The attributes recall_target and reduction_input_size_override say how much may be missed;
# nothing is.
@lower("ApproxTopK", limits=f"results are exact; aggregate_to_topk=False is not supported; {_NAN}")
def approx_top_k(node: NodeView) -> Compute:
    k, axis, sign = node.integer("k"), node.integer("reduction_dimension"), 1
    if not node.boolean("aggregate_to_topk"):
        node.unsupported("aggregate_to_topk=False")
    if not node.boolean("is_max_k"):
        sign = -1

    def run(x: Any) -> Any:
        x = K.moveaxis(x, axis, -1)
        values, indices = _backend.top_k(x if sign > 0 else -x, k)
        values = values if sign > 0 else -values
        return K.moveaxis(values, -1, axis), K.moveaxis(cast(indices, "int32"), -1, axis)

    return run


@lower("NthElement", host=(1,), limits=f"{_NAN}; the derivative at infinities is zero")
def nth_element(node: NodeView) -> Compute:
    reverse, is_float = node.boolean("reverse"), "float" in node.dtype("T")

    def run(x: Any, n: Array) -> Any:
        size, index = x.shape[-1], int(n.item())
        if not 0 <= index < size:
            raise ValueError(f"element {index} of {size} in order")
        found = _backend.sort(x)[..., size - 1 - index if reverse else index]
        return _with_shared_derivative(found, x) if is_float else found

    return run


def _with_shared_derivative(found: Any, x: Any) -> Any:
    """The elements found in rows of x, with derivatives by all that equal them."""
    found = K.stop_gradient(found)
    is_it = cast(x == K.expand_dims(found, -1), "float32")
    zero = K.where(K.isfinite(x), x - K.stop_gradient(x), K.zeros_like(x))
    share = cast(is_it / K.sum(is_it, -1, keepdims=True), str(K.dtype(x)))
    return found + _backend.sum_(zero * share, (-1,), False)


def _in_top_k(predictions: Any, targets: Any, k: int) -> Any:
    count = predictions.shape[-1]
    is_known = K.logical_and(targets >= 0, targets < count)
    places = K.expand_dims(K.where(is_known, targets, K.zeros_like(targets)), -1)
    wanted = K.take_along_axis(predictions, cast(places, "int32"), -1)
    greater = K.sum(cast(predictions > wanted, "int32"), -1)
    # Of more than k greater ones the kernel sees no more, so that NaN may hide; the answer is no.
    is_finite = K.all(K.isfinite(predictions), -1)
    return K.logical_and(K.logical_and(is_known, is_finite), greater < k)


@lower("InTopK")
def in_top_k(node: NodeView) -> Compute:
    k = node.integer("k")
    return lambda predictions, targets: _in_top_k(predictions, targets, k)


@lower("InTopKV2", host=(2,))
def in_top_k_v2(_: NodeView) -> Compute:
    return lambda predictions, targets, k: _in_top_k(predictions, targets, int(k.item()))


def _unique(x: Array) -> tuple[Array, Array, Array]:
    """Where each first comes, which of these each element is, and how often each comes."""
    if x.ndim > 1:
        return _unique_rows(x)
    _, first, inverse, counts = np.unique(
        x, return_index=True, return_inverse=True, return_counts=True, equal_nan=False
    )
    order = np.argsort(first, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    return first[order], rank[inverse.reshape(-1)], counts[order]


def _unique_rows(x: Array) -> tuple[Array, Array, Array]:
    known: dict[Any, int] = {}
    first: list[int] = []
    inverse: list[int] = []
    for index, row in enumerate(x.reshape(x.shape[0], -1).tolist()):
        place = known.setdefault(tuple(row), len(known))
        if place == len(first):
            first.append(index)
        inverse.append(place)
    places = np.asarray(inverse, np.int64)
    return np.asarray(first, np.int64), places, np.bincount(places, minlength=len(first))


def _axis_of(x: Array, axes: Array) -> int:
    if axes.size == 0 and x.ndim == 1:
        return 0
    if axes.size != 1 or not -x.ndim <= axes.item() < x.ndim:
        raise ValueError(f"axes {axes.tolist()} of a tensor of rank {x.ndim}")
    return int(axes.item())


@lower_host("Unique", "UniqueWithCounts", "UniqueV2", "UniqueWithCountsV2")
def unique(node: NodeView) -> Compute:
    dtype, has_counts = node.dtype("out_idx"), "WithCounts" in node.op

    def run(x: Array, axes: Array | None = None) -> Any:
        if axes is None and x.ndim != 1:
            raise ValueError(f"a tensor of shape {x.shape}, where a vector is demanded")
        axis = 0 if axes is None else _axis_of(x, axes)
        first, inverse, counts = _unique(np.moveaxis(x, axis, 0))
        found = np.take(x, first, axis), inverse.astype(dtype), counts.astype(dtype)
        return found if has_counts else found[:2]

    return run
