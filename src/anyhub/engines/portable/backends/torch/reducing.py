"""Reductions, cumulative ops, segments and sorting that `keras.ops` computes otherwise, on torch.

Axes are tuples of integers.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

_UNSIGNED = (torch.uint16, torch.uint32, torch.uint64)
_HIGH_BIT = -(1 << 63)


def _widened(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compute with 64-bit integers what torch has no kernels for; they wrap alike."""

    @wraps(function)
    def run(x: Any, *rest: Any) -> Any:
        if x.dtype not in _UNSIGNED:
            return function(x, *rest)
        return function(x.to(torch.int64), *rest).to(x.dtype)

    return run


def _ordered(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compute with 64-bit integers, in the order of unsigned ones."""

    @wraps(function)
    def run(x: Any, *rest: Any) -> Any:
        if x.dtype not in _UNSIGNED:
            return function(x, *rest)
        if x.dtype != torch.uint64:
            return function(x.to(torch.int64), *rest).to(x.dtype)
        found = function(x.view(torch.int64) ^ _HIGH_BIT, *rest)
        return (found ^ _HIGH_BIT).view(torch.uint64)

    return run


@_widened
def sum_(x: Any, axes: tuple[int, ...], keep: bool) -> Any:
    """Add, in the element type of x."""
    # To torch no axes are all axes, here and below.
    return torch.sum(x, axes, keep, dtype=x.dtype) if axes else x


@_widened
def prod(x: Any, axes: tuple[int, ...], keep: bool) -> Any:
    """Multiply, in the element type of x."""
    if not axes:
        return x
    shape = torch.sum(x.detach(), axes, keep).shape
    last = torch.movedim(x, axes, tuple(range(-len(axes), 0)))
    return torch.prod(last.flatten(-len(axes)), -1, dtype=x.dtype).reshape(shape)


def mean(x: Any, axes: tuple[int, ...], keep: bool) -> Any:
    """Average; that of integers is a 64-bit sum, divided and rounded toward zero."""
    if x.dtype.is_floating_point or x.dtype.is_complex:
        return torch.mean(x, axes, keep) if axes else x
    wide = x.to(torch.int64)
    total = torch.sum(wide, axes, keep) if axes else wide
    count = max(x.numel(), 1) // max(total.numel(), 1) or 1
    return torch.div(total, count, rounding_mode="trunc").to(x.dtype)


def conj(x: Any) -> Any:
    """The complex conjugates."""
    return torch.conj(x)


def truncated(x: Any, divisor: Any) -> Any:
    """Integers divided and rounded toward zero."""
    if x.dtype in _UNSIGNED:
        return torch.div(x.to(torch.int64), divisor.to(torch.int64), rounding_mode="trunc").to(
            x.dtype
        )
    return torch.div(x, divisor, rounding_mode="trunc")


@_ordered
def max_(x: Any, axes: tuple[int, ...], keep: bool) -> Any:
    """The greatest, NaN where there is one."""
    return torch.amax(x, axes, keep) if axes else x


@_ordered
def min_(x: Any, axes: tuple[int, ...], keep: bool) -> Any:
    """The least, NaN where there is one."""
    return torch.amin(x, axes, keep) if axes else x


def all_(x: Any, axes: tuple[int, ...], keep: bool) -> Any:
    """Whether all are true."""
    return torch.all(x, dim=axes, keepdim=keep) if axes else x


def any_(x: Any, axes: tuple[int, ...], keep: bool) -> Any:
    """Whether any is true."""
    return torch.any(x, dim=axes, keepdim=keep) if axes else x


def _comparable(x: Any) -> Any:
    if x.dtype == torch.bool:
        return x.to(torch.uint8)
    if x.dtype == torch.uint64:
        return x.view(torch.int64) ^ _HIGH_BIT
    return x.to(torch.int64) if x.dtype in _UNSIGNED else x


def argmax(x: Any, axis: int) -> Any:
    """Where the first greatest is; NaN and what is beyond finite numbers count as the least."""
    if x.dtype.is_floating_point:
        lowest = torch.finfo(x.dtype).min
        x = torch.where(x > lowest, x, lowest)
    return torch.argmax(_comparable(x), axis)


def argmin(x: Any, axis: int) -> Any:
    """Where the first least is; NaN and what is beyond finite numbers count as the greatest."""
    if x.dtype.is_floating_point:
        highest = torch.finfo(x.dtype).max
        x = torch.where(x < highest, x, highest)
    return torch.argmin(_comparable(x), axis)


def _accumulation(function: Callable[..., Any], start: float) -> Callable[..., Any]:
    @_widened
    def run(x: Any, axis: int, exclusive: bool, reverse: bool) -> Any:
        if not -x.ndim <= axis < x.ndim:
            raise ValueError(f"axis {axis} of a tensor of rank {x.ndim}")
        x = torch.flip(x, (axis,)) if reverse else x
        if exclusive and x.shape[axis]:
            edge = torch.full_like(x.narrow(axis, 0, 1), start)
            x = torch.cat([edge, x.narrow(axis, 0, x.shape[axis] - 1)], axis)
        found = function(x, axis).to(x.dtype)
        return torch.flip(found, (axis,)) if reverse else found

    return run


cumsum = _accumulation(torch.cumsum, 0)
cumprod = _accumulation(torch.cumprod, 1)
cumlogsumexp = _accumulation(torch.logcumsumexp, -torch.inf)


@_widened
def segment_sum(data: Any, ids: Any, count: int) -> Any:
    """Sums by segment; ids outside of [0, count) are dropped."""
    data, ids = _flat(data, ids, count)
    found = torch.zeros((count + 1, *data.shape[1:]), dtype=data.dtype, device=data.device)
    return found.index_add(0, ids, data)[:count]


def _flat(data: Any, ids: Any, count: int) -> tuple[Any, Any]:
    """What is dropped goes to a row of its own at the end."""
    data = data.reshape((ids.numel(), *data.shape[ids.ndim :]))
    ids = ids.reshape(-1).to(torch.int64)
    return data, torch.where((ids < 0) | (ids > count), count, ids)


def _scattered(data: Any, ids: Any, count: int, start: float, how: str) -> Any:
    data, ids = _flat(data, ids, count)
    found = torch.full((count + 1, *data.shape[1:]), start, dtype=data.dtype, device=data.device)
    places = ids.reshape((-1,) + (1,) * (data.ndim - 1)).expand(data.shape)
    return found.scatter_reduce(0, places, data, how)[:count]


def _limits(x: Any) -> Any:
    return torch.finfo(x.dtype) if x.dtype.is_floating_point else torch.iinfo(x.dtype)


def segment_max(data: Any, ids: Any, count: int) -> Any:
    """The greatest of each segment, the lowest number for empty ones."""
    return _extreme(data, ids, count, _limits(data).min, "amax")


def segment_min(data: Any, ids: Any, count: int) -> Any:
    """The least of each segment, the highest number for empty ones."""
    return _extreme(data, ids, count, _limits(data).max, "amin")


def _extreme(data: Any, ids: Any, count: int, start: float, how: str) -> Any:
    if data.dtype == torch.uint64:
        signed = data.view(torch.int64) ^ _HIGH_BIT
        found = _scattered(signed, ids, count, int(start) + _HIGH_BIT, how)
        return (found ^ _HIGH_BIT).view(torch.uint64)
    return _widened(_scattered)(data, ids, count, start, how)


@_widened
def segment_prod(data: Any, ids: Any, count: int) -> Any:
    """Products by segment."""
    return _scattered(data, ids, count, 1, "prod")


def without(x: Any, places: Any) -> Any:
    """Zeros at some places."""
    return torch.where(places, torch.zeros_like(x), x)


def top_k(x: Any, k: int) -> tuple[Any, Any]:
    """The k greatest of each row and where they are, the first of equals first."""
    # torch.topk takes equals in any order.
    values, indices = torch.sort(x, dim=-1, descending=True, stable=True)
    if k > x.shape[-1]:
        raise ValueError(f"the greatest {k} of {x.shape[-1]}")
    return values[..., :k], indices[..., :k]


def sort(x: Any) -> Any:
    """Each row in ascending order."""
    return torch.sort(x, dim=-1)[0]
