"""Reductions: what combines elements along axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.registry import lower, lower_host
from anyhub.engines.portable.values import cast, device_dtype, to_device
from anyhub.savedmodel.dtypes import dtype_by_name

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute, Factory
    from anyhub.graph.const_call import Array

_backend = primitives("reducing")


def _axes(indices: Array) -> tuple[int, ...]:
    return tuple(indices.ravel().tolist())


def _reduction(reduce: Compute) -> Factory:
    def build(node: NodeView) -> Compute:
        keep = node.boolean("keep_dims")
        return lambda x, indices: reduce(x, _axes(indices), keep)

    return build


for _op, _reduce in {
    "Sum": _backend.sum_,
    "Prod": _backend.prod,
    "All": _backend.all_,
    "Any": _backend.any_,
}.items():
    lower(_op, host=(1,))(_reduction(_reduce))

lower(
    "Mean",
    host=(1,),
    limits="integers are added in 64 bits, in 32 bits on JAX without 64-bit types; on torch uint64 "
    "from 2**63 on is not averaged right",
)(_reduction(_backend.mean))


def _extreme(reduce: Compute, sign: int) -> Factory:
    def build(node: NodeView) -> Compute:
        keep, limit = node.boolean("keep_dims"), _limit(node.dtype("T"), sign)

        def run(x: Any, indices: Array) -> Any:
            axes = _axes(indices)
            if 0 in x.shape:
                return to_device(np.full(_reduced(tuple(x.shape), axes, keep), limit, limit.dtype))
            return reduce(x, axes, keep)

        return run

    return build


def _limit(dtype: str, sign: int) -> Any:
    """What the greatest (or least, sign -1) of nothing is."""
    known = np.dtype(dtype_by_name(dtype).numpy)
    if known.kind not in "iu":
        return np.asarray(-sign * np.inf, known)
    limits = np.iinfo(device_dtype(dtype))
    return np.asarray(limits.min if sign > 0 else limits.max, known)


def _reduced(shape: tuple[int, ...], axes: tuple[int, ...], keep: bool) -> tuple[int, ...]:
    gone = {axis % len(shape) for axis in axes}
    sizes = [1 if axis in gone else size for axis, size in enumerate(shape)]
    return tuple(size for axis, size in enumerate(sizes) if keep or axis not in gone)


lower("Max", host=(1,))(_extreme(_backend.max_, 1))
lower("Min", host=(1,))(_extreme(_backend.min_, -1))


@lower("EuclideanNorm", host=(1,))
def euclidean_norm(node: NodeView) -> Compute:
    keep, dtype, sqrt = node.boolean("keep_dims"), node.dtype("T"), primitives("linalg").sqrt
    is_float = np.dtype(dtype_by_name(dtype).numpy).kind not in "iu"

    def run(x: Any, indices: Array) -> Any:
        square = x * _backend.conj(x) if dtype.startswith("complex") else x * x
        total = _backend.sum_(square, _axes(indices), keep)
        return sqrt(total) if is_float else cast(sqrt(cast(total, "float64")), dtype)

    return run


def _arg_extreme(find: Compute) -> Factory:
    def build(node: NodeView) -> Compute:
        dtype = node.dtype("output_type")

        def run(x: Any, dimension: Array) -> Any:
            _check_axis(x, dimension)
            return cast(find(x, int(dimension.item())), dtype)

        return run

    return build


def _arg_extreme_on_host(sign: int) -> Factory:
    def build(node: NodeView) -> Compute:
        dtype, limit = node.dtype("output_type"), _finite_limit(node.dtype("T"), sign)
        find = np.argmax if sign > 0 else np.argmin

        def run(x: Array, dimension: Array) -> Array:
            _check_axis(x, dimension)
            if limit is not None:
                x = np.where(x > limit if sign > 0 else x < limit, x, limit)
            return np.asarray(find(x, int(dimension.item())), dtype)

        return run

    return build


def _finite_limit(dtype: str, sign: int) -> Any:
    """The lowest (or highest, sign -1) number of a floating-point type, None for other types."""
    known = np.dtype(dtype_by_name(dtype).numpy)
    if known.kind in "iub":
        return None
    end = np.asarray(-sign * np.inf, known)
    return np.nextafter(end, np.asarray(0, known))


def _check_axis(x: Any, dimension: Array) -> None:
    axis, rank = int(dimension.item()), len(x.shape)
    if not -rank <= axis < rank:
        raise ValueError(f"axis {axis} of a tensor of rank {rank}")
    if x.shape[axis] == 0:
        raise ValueError(f"axis {axis} of shape {tuple(x.shape)} is empty")


for _op, _find, _sign in (("ArgMax", _backend.argmax, 1), ("ArgMin", _backend.argmin, -1)):
    lower(_op, host=(1,))(_arg_extreme(_find))
    lower_host(_op)(_arg_extreme_on_host(_sign))
