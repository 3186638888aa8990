"""Pooling by JAX."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anyhub.engines.portable.ops.windows import Windows


def max_pool(x: Any, window: Sequence[int], windows: Windows) -> Any:
    """The largest element of each window."""
    lowest = -np.inf if jnp.issubdtype(x.dtype, jnp.floating) else jnp.iinfo(x.dtype).min
    return _reduce(x, np.asarray(lowest, x.dtype), lax.max, window, windows)


def average_pool(x: Any, window: Sequence[int], windows: Windows) -> Any:
    """The mean of each window's elements, padding left out."""
    total = _reduce(_wide(x), np.zeros((), _wide_dtype(x)), lax.add, window, windows)
    sizes = windows.spatial(x.shape)
    if any(pad for pair in windows.pads(sizes, window) for pad in pair):
        result = total / windows.counts(sizes, window).astype(total.dtype)
    else:
        result = total / math.prod(window)
    return result.astype(x.dtype)


def max_pool_gradient(x: Any, gradient: Any, window: Sequence[int], windows: Windows) -> Any:
    """The derivative of `max_pool`: to the first of the largest elements of each window."""
    return jax.vjp(lambda value: max_pool(value, window, windows), x)[1](gradient)[0]


def average_pool_gradient(
    sizes: Sequence[int], gradient: Any, window: Sequence[int], windows: Windows
) -> Any:
    """The derivative of `average_pool` by x, whose sizes are given."""
    x = jax.ShapeDtypeStruct(tuple(sizes), gradient.dtype)
    transposed = jax.linear_transpose(lambda value: average_pool(value, window, windows), x)
    return transposed(gradient)[0]


def sum_of_neighbours(x: Any, radius: int) -> Any:
    """Sums over the elements of the last axis up to a distance."""
    window = (1,) * (x.ndim - 1) + (2 * radius + 1,)
    pads = ((0, 0),) * (x.ndim - 1) + ((radius, radius),)
    return lax.reduce_window(x, np.zeros((), x.dtype), lax.add, window, (1,) * x.ndim, pads)


def _reduce(x: Any, start: Any, reducer: Any, window: Sequence[int], windows: Windows) -> Any:
    pads = windows.pads(windows.spatial(x.shape), window)
    around = iter(pads)
    full = windows.full((1,) * windows.rank, 0, 0)
    return lax.reduce_window(
        x,
        start,
        reducer,
        windows.full(window),
        windows.full(windows.strides),
        [next(around) if is_spatial else (0, 0) for is_spatial in full],
    )


def _wide_dtype(x: Any) -> Any:
    return np.dtype(np.float32) if x.dtype.itemsize == 2 else x.dtype


def _wide(x: Any) -> Any:
    return x.astype(_wide_dtype(x))
