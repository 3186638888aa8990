"""Reductions of rows that belong together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.registry import lower
from anyhub.engines.portable.values import cast, dtype_name, to_device

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute, Factory
    from anyhub.graph.const_call import Array

_backend = primitives("reducing")

_SORTED = (
    "segment ids must be known when the model is compiled, since the number of rows depends on them"
)
_NANS = "which of a segment's numbers is found if there is a NaN differs"
_DROPPED = "on a device ids that are too large are dropped, where TensorFlow's CPU kernel raises"


def _unsorted(reduce: Compute) -> Factory:
    def build(_: NodeView) -> Compute:
        return lambda data, ids, count: reduce(data, ids, int(count.item()))

    return build


def _limits(name: str) -> str:
    return f"{_DROPPED}; {_NANS}" if name in ("Max", "Min") else _DROPPED


# The ops of version 2 have kernels for compiled graphs only, and do there what the unsorted do.
for _name in ("Sum", "Prod", "Max", "Min"):
    lower(f"UnsortedSegment{_name}", f"Segment{_name}V2", host=(2,), limits=_limits(_name))(
        _unsorted(getattr(_backend, f"segment_{_name.lower()}"))
    )


def _count(ids: Array) -> int:
    """The number of segments of sorted ids."""
    if ids.ndim != 1 or np.any(np.diff(ids) < 0) or np.any(ids[:1] < 0):
        raise ValueError("segment ids must be a vector of numbers from 0 on that do not decrease")
    return int(ids[-1]) + 1 if ids.size else 0


def _check_rows(data: Any, ids: Array) -> None:
    if data.shape[:1] != ids.shape:
        raise ValueError(f"{ids.size} segment ids for data of shape {tuple(data.shape)}")


def _sorted(reduce: Compute, is_zero_if_empty: bool) -> Factory:
    def build(_: NodeView) -> Compute:
        def run(data: Any, ids: Array) -> Any:
            count = _count(ids)
            _check_rows(data, ids)
            found = reduce(data, to_device(ids), count)
            sizes = np.bincount(ids, minlength=count)
            if not is_zero_if_empty or np.all(sizes > 0):
                return found
            is_empty = to_device((sizes == 0).reshape(-1, *(1,) * (len(data.shape) - 1)))
            return _backend.without(found, is_empty)

        return run

    return build


for _name in ("Sum", "Prod", "Max", "Min"):
    lower(f"Segment{_name}", host=(1,), limits=_SORTED)(
        _sorted(getattr(_backend, f"segment_{_name.lower()}"), _name in ("Max", "Min"))
    )


@lower("SegmentMean", host=(1,), limits=_SORTED)
def segment_mean(node: NodeView) -> Compute:
    is_integer = "int" in node.dtype("T")
    dtype = node.dtype("T")

    def run(data: Any, ids: Array) -> Any:
        count = _count(ids)
        _check_rows(data, ids)
        total = _backend.segment_sum(data, to_device(ids), count)
        sizes = np.maximum(np.bincount(ids, minlength=count), 1).astype(np.int32)
        divisor = cast(to_device(sizes.reshape(-1, *(1,) * (len(data.shape) - 1))), dtype)
        return _backend.truncated(total, divisor) if is_integer else total / divisor

    return run


# The power of a segment's size that its rows are weighted by, by the end of the op's name.
_POWERS = {"Sum": 0.0, "Mean": -1.0, "SqrtN": -0.5}


def _weights(name: str, ids: Any, count: int, like: Any) -> Any:
    """For each segment, with as many dimensions as the data has."""
    dtype = dtype_name(like)
    # Half precision counts to 2048 only, and less.
    ones = cast(K.ones_like(ids), "float64" if dtype == "float64" else "float32")
    sizes = _backend.segment_sum(ones, ids, count)
    sizes = sizes + cast(sizes == 0, dtype_name(ones))
    found = K.reshape(sizes ** _POWERS[name], (count,) + (1,) * (len(like.shape) - 1))
    return cast(found, dtype)


def _gathered(name: str, data: Any, indices: Any, ids: Any, count: int) -> Any:
    total = _backend.segment_sum(K.take(data, indices, axis=0), ids, count)
    return total if name == "Sum" else total * _weights(name, ids, count, data)


# The attribute sparse_gradient says in which form derivatives come, not which.
def _sparse(name: str) -> Factory:
    def build(_: NodeView) -> Compute:
        def run(data: Any, indices: Any, ids: Array) -> Any:
            return _gathered(name, data, indices, to_device(ids), _count(ids))

        return run

    return build


def _sparse_with_count(name: str) -> Factory:
    def build(_: NodeView) -> Compute:
        def run(data: Any, indices: Any, ids: Any, count: Array) -> Any:
            return _gathered(name, data, indices, ids, int(count.item()))

        return run

    return build


def _spread(name: str, grad: Any, indices: Any, ids: Any, count: int) -> Any:
    """The derivative of `_gathered` by data of so many rows."""
    if name != "Sum":
        grad = grad * _weights(name, ids, grad.shape[0], grad)
    return _backend.segment_sum(K.take(grad, ids, axis=0), indices, count)


def _sparse_grad(name: str) -> Factory:
    def build(_: NodeView) -> Compute:
        def run(grad: Any, indices: Any, ids: Any, count: Array) -> Any:
            return _spread(name, grad, indices, ids, int(count.item()))

        return run

    return build


def _sparse_grad_of_rows(name: str) -> Factory:
    def build(node: NodeView) -> Compute:
        dtype = node.dtype("Tidx")

        def run(grad: Any, indices: Array, ids: Any, _count: Any) -> Any:
            rows, places = np.unique(indices, return_inverse=True)
            places = to_device(places.reshape(-1).astype(np.int32))
            return _spread(name, grad, places, ids, len(rows)), rows.astype(dtype)

        return run

    return build


_INDICES = "indices out of range are not noticed on a device"
for _name in _POWERS:
    lower(f"SparseSegment{_name}", host=(2,), limits=f"{_SORTED}; {_INDICES}")(_sparse(_name))
    lower(f"SparseSegment{_name}WithNumSegments", host=(3,), limits=f"{_DROPPED}; {_INDICES}")(
        _sparse_with_count(_name)
    )
    lower(f"SparseSegment{_name}Grad", host=(3,), limits=_INDICES)(_sparse_grad(_name))
    lower(
        f"SparseSegment{_name}GradV2",
        host=(1,),
        limits="indices must be known when the model is compiled",
    )(_sparse_grad_of_rows(_name))
