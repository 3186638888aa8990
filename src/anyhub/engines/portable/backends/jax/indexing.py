"""Moving elements with JAX.

Each function is compiled: outside of a trace it is one step, inside it leaves its steps there.
Sizes and axes are tuples and integers, axes count from the front, and indices that are out of range
give zeros or are dropped.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from anyhub.engines.portable.backends.jax.core import device_dtype


def _compiled(*static: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return functools.partial(jax.jit, static_argnums=static, inline=True)


reshape = _compiled(1)(jnp.reshape)
transpose = _compiled(1)(lax.transpose)
squeeze = _compiled(1)(lax.squeeze)
broadcast_to = _compiled(1)(jnp.broadcast_to)
tile = _compiled(1)(jnp.tile)
concat = _compiled(1)(lax.concatenate)
stack = _compiled(1)(jnp.stack)
split = _compiled(1, 2)(lax.split)
flip = _compiled(1)(lax.rev)
where = _compiled()(jnp.where)


@_compiled(1)
def expand_dims(x: Any, axis: int) -> Any:
    """Add a dimension."""
    return lax.expand_dims(x, (axis,))


@_compiled()
def conj(x: Any) -> Any:
    """The conjugates of complex numbers."""
    return lax.conj(x)


@_compiled(1, 2)
def unstack(x: Any, axis: int, count: int) -> Any:
    """The parts along an axis, without it."""
    return [lax.index_in_dim(x, index, axis, keepdims=False) for index in range(count)]


@_compiled(1)
def window(x: Any, cut: Any) -> Any:
    """A part: cut out with positive steps, then reversed along some axes, then reshaped."""
    lows, highs, steps, flips, shape = cut
    x = lax.slice(x, lows, highs, steps)
    x = lax.rev(x, flips) if flips else x
    return x if x.shape == shape else lax.reshape(x, shape)


@_compiled(2)
def write_window(x: Any, value: Any, cut: Any) -> Any:
    """A tensor where the part that `window` gives is another."""
    lows, highs, steps, flips, shape = cut
    index = tuple(map(slice, lows, highs, steps))
    part = jnp.broadcast_to(value, shape).reshape(jax.eval_shape(lambda: x[index]).shape)
    return x.at[index].set(lax.rev(part, flips))


@_compiled(2)
def dynamic_window(x: Any, starts: Any, sizes: Any) -> Any:
    """A part of known size; it is moved so far that it lies inside."""
    return lax.dynamic_slice(x, starts, sizes)


@_compiled(1)
def pad(x: Any, pairs: Any, value: Any = None) -> Any:
    """Add elements before and after, along each axis."""
    value = jnp.zeros((), x.dtype) if value is None else value
    return lax.pad(x, value, [(before, after, 0) for before, after in pairs])


@_compiled(1, 2)
def roll(x: Any, shifts: Any, axes: Any) -> Any:
    """Move elements along axes, and those beyond the end to the start."""
    return jnp.roll(x, shifts, axes)


@_compiled(2)
def take(x: Any, indices: Any, axis: int) -> Any:
    """Parts along an axis."""
    index = (slice(None),) * axis + (_wide(indices),)
    return x.at[index].get(mode="fill", fill_value=0, wrap_negative_indices=False)


@_compiled(2)
def take_along(x: Any, indices: Any, axis: int) -> Any:
    """Elements along an axis; indices are in range and have x's shape, or 1, elsewhere."""
    return jnp.take_along_axis(x, indices, axis, mode="promise_in_bounds")


@_compiled()
def gather_nd(x: Any, indices: Any) -> Any:
    """Parts by indices along the first dimensions, one or more."""
    index = _wide(indices)
    parts = tuple(index[..., i] for i in range(index.shape[-1]))
    return x.at[parts].get(mode="fill", fill_value=0, wrap_negative_indices=False)


@_compiled(3)
def scatter(x: Any, indices: Any, updates: Any, how: str) -> Any:
    """Put updates at indices along the first dimensions: set, add, sub, max or min."""
    index = _wide(indices)
    parts = x.at[tuple(index[..., i] for i in range(index.shape[-1]))]
    if how == "sub":
        how, updates = "add", -updates
    if how == "add" and x.dtype == bool:
        how = "max"
    return getattr(parts, how)(updates, mode="drop", wrap_negative_indices=False)


def _wide(indices: Any) -> Any:
    # Sizes of dimensions may be beyond what narrow types hold.
    return indices if indices.dtype.itemsize >= 4 else indices.astype(jnp.int32)


@_compiled(2)
def search_sorted(rows: Any, values: Any, side: str) -> Any:
    """Where values would go in sorted rows, as int32."""
    return jax.vmap(functools.partial(jnp.searchsorted, side=side))(rows, values)


@_compiled(0)
def arange(count: int) -> Any:
    """The numbers from 0 on, as int32."""
    return lax.iota(jnp.int32, count)


def zeros(shape: Any, dtype: str) -> Any:
    """Zeros."""
    return jnp.zeros(shape, device_dtype(dtype))
