"""Reductions, cumulative ops, segments and sorting that `keras.ops` computes otherwise, on JAX.

Axes are tuples of integers.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax import lax

from anyhub.engines.portable.backends.jax.core import device_dtype

if TYPE_CHECKING:
    from collections.abc import Callable


def sum_(x: Any, axes: tuple[int, ...], keep: bool) -> Any:
    """Add, in the element type of x."""
    return jnp.sum(x, axes, x.dtype, keepdims=keep)


def prod(x: Any, axes: tuple[int, ...], keep: bool) -> Any:
    """Multiply, in the element type of x."""
    return jnp.prod(x, axes, x.dtype, keepdims=keep)


def mean(x: Any, axes: tuple[int, ...], keep: bool) -> Any:
    """Average; that of integers is a 64-bit sum, divided and rounded toward zero."""
    if not jnp.issubdtype(x.dtype, jnp.integer):
        return jnp.mean(x, axes, keepdims=keep)
    wide = "uint64" if jnp.issubdtype(x.dtype, jnp.unsignedinteger) else "int64"
    total = jnp.sum(x, axes, device_dtype(wide), keepdims=keep)
    return truncated(total, max(x.size, 1) // max(total.size, 1) or 1).astype(x.dtype)


def conj(x: Any) -> Any:
    """The complex conjugates."""
    return jnp.conj(x)


def truncated(x: Any, divisor: Any) -> Any:
    """Integers divided and rounded toward zero."""
    return lax.div(x, jnp.broadcast_to(jnp.asarray(divisor, x.dtype), x.shape))


def max_(x: Any, axes: tuple[int, ...], keep: bool) -> Any:
    """The greatest, NaN where there is one."""
    return jnp.max(x, axes, keepdims=keep)


def min_(x: Any, axes: tuple[int, ...], keep: bool) -> Any:
    """The least, NaN where there is one."""
    return jnp.min(x, axes, keepdims=keep)


def all_(x: Any, axes: tuple[int, ...], keep: bool) -> Any:
    """Whether all are true."""
    return jnp.all(x, axes, keepdims=keep)


def any_(x: Any, axes: tuple[int, ...], keep: bool) -> Any:
    """Whether any is true."""
    return jnp.any(x, axes, keepdims=keep)


def argmax(x: Any, axis: int) -> Any:
    """Where the first greatest is; NaN and what is beyond finite numbers count as the least."""
    if jnp.issubdtype(x.dtype, jnp.floating):
        lowest = jnp.finfo(x.dtype).min
        x = jnp.where(x > lowest, x, lowest)
    return jnp.argmax(x, axis)


def argmin(x: Any, axis: int) -> Any:
    """Where the first least is; NaN and what is beyond finite numbers count as the greatest."""
    if jnp.issubdtype(x.dtype, jnp.floating):
        highest = jnp.finfo(x.dtype).max
        x = jnp.where(x < highest, x, highest)
    return jnp.argmin(x, axis)


def _accumulation(function: Callable[..., Any], start: Any) -> Callable[..., Any]:
    def run(x: Any, axis: int, exclusive: bool, reverse: bool) -> Any:
        axis = _checked(axis, x.ndim)
        if exclusive and x.shape[axis]:
            edge = jnp.full_like(lax.slice_in_dim(x, 0, 1, axis=axis), start)
            rest = lax.slice_in_dim(x, int(reverse), x.shape[axis] - (not reverse), axis=axis)
            x = jnp.concatenate([rest, edge] if reverse else [edge, rest], axis)
        return function(x, axis, reverse=reverse)

    return run


def _checked(axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        raise ValueError(f"axis {axis} of a tensor of rank {rank}")
    return axis % rank


cumsum = _accumulation(lax.cumsum, 0)
cumprod = _accumulation(lax.cumprod, 1)
cumlogsumexp = _accumulation(lax.cumlogsumexp, -jnp.inf)


def segment_sum(data: Any, ids: Any, count: int) -> Any:
    """Sums by segment; ids outside of [0, count) are dropped."""
    data, ids = _flat(data, ids, count)
    return jnp.zeros((count, *data.shape[1:]), data.dtype).at[ids].add(data, mode="drop")


def _flat(data: Any, ids: Any, count: int) -> tuple[Any, Any]:
    data = data.reshape((ids.size, *data.shape[ids.ndim :]))
    ids = ids.reshape(-1)
    # JAX would count negative ones from the end.
    return data, jnp.where(ids < 0, count, ids)


def segment_max(data: Any, ids: Any, count: int) -> Any:
    """The greatest of each segment, the lowest number for empty ones."""
    return _extreme(*_flat(data, ids, count), count, "max")


def segment_min(data: Any, ids: Any, count: int) -> Any:
    """The least of each segment, the highest number for empty ones."""
    return _extreme(*_flat(data, ids, count), count, "min")


# JAX does not differentiate these scatters. Derivatives are split evenly between equals.
@partial(jax.custom_jvp, nondiff_argnums=(2, 3))
def _extreme(data: Any, ids: Any, count: int, which: str) -> Any:
    limits = jnp.finfo if jnp.issubdtype(data.dtype, jnp.floating) else jnp.iinfo
    start = limits(data.dtype).min if which == "max" else limits(data.dtype).max
    found = jnp.full((count, *data.shape[1:]), start, data.dtype)
    return getattr(found.at[ids], which)(data, mode="drop")


def _extreme_jvp(count: int, which: str, primals: Any, tangents: Any) -> tuple[Any, Any]:
    data, ids = primals
    found = _extreme(data, ids, count, which)
    is_it = data == _of_each(found, ids)
    equals = segment_sum(is_it.astype(data.dtype), ids, count)
    moved = segment_sum(jnp.where(is_it, tangents[0], 0), ids, count)
    return found, moved / jnp.maximum(equals, 1)


_extreme.defjvp(_extreme_jvp)


def _of_each(values: Any, ids: Any) -> Any:
    return values.at[ids].get(mode="fill", fill_value=0)


@partial(jax.custom_jvp, nondiff_argnums=(2,))
def _product(data: Any, ids: Any, count: int) -> Any:
    return jnp.ones((count, *data.shape[1:]), data.dtype).at[ids].multiply(data, mode="drop")


def _product_jvp(count: int, primals: Any, tangents: Any) -> tuple[Any, Any]:
    data, ids = primals
    is_zero = data == 0
    filled = jnp.where(is_zero, 1, data)
    others = _of_each(_product(filled, ids, count), ids) / filled
    zeros = _of_each(segment_sum(is_zero.astype(jnp.int32), ids, count), ids) - is_zero
    factor = jnp.where(zeros == 0, others, 0)
    return _product(data, ids, count), segment_sum(factor * tangents[0], ids, count)


_product.defjvp(_product_jvp)


def segment_prod(data: Any, ids: Any, count: int) -> Any:
    """Products by segment."""
    return _product(*_flat(data, ids, count), count)


def without(x: Any, places: Any) -> Any:
    """Zeros at some places."""
    return jnp.where(places, jnp.zeros_like(x), x)


def top_k(x: Any, k: int) -> tuple[Any, Any]:
    """The k greatest of each row and where they are, the first of equals first."""
    values, indices = lax.top_k(x, k)
    return values, indices


def sort(x: Any) -> Any:
    """Each row in ascending order."""
    return jnp.sort(x, -1)
