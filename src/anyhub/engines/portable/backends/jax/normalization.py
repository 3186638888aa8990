"""Normalization by JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
from jax import lax

if TYPE_CHECKING:
    from anyhub.engines.portable.ops.windows import Windows


def normalize(x: Any, vectors: tuple[Any, ...], epsilon: float, windows: Windows) -> Any:
    """Normalize by a scale, an offset, a mean and a variance for each channel."""
    scale, offset, mean, variance = vectors
    wide = x.astype(mean.dtype) - _along(mean, windows)
    factor = _along(lax.rsqrt(variance + epsilon) * scale, windows)
    return (wide * factor + _along(offset, windows)).astype(x.dtype)


def normalize_batch(
    x: Any, scale: Any, offset: Any, epsilon: float, windows: Windows
) -> tuple[Any, Any, Any, Any]:
    """Normalize by the mean and the variance of each channel.

    Returns:
        The result, which alone has derivatives; the mean; the variance; the variance that is
        estimated of what x is a sample of.
    """
    axes = tuple(axis for axis in range(x.ndim) if axis != windows.channel_axis)
    wide = x.astype(scale.dtype)
    mean = jnp.mean(wide, axes, keepdims=True)
    centred = wide - mean
    variance = jnp.mean(jnp.square(centred), axes, keepdims=True)
    factor = lax.rsqrt(variance + epsilon) * _along(scale, windows)
    y = (centred * factor + _along(offset, windows)).astype(x.dtype)
    mean, variance = (lax.stop_gradient(v).reshape(-1) for v in (mean, variance))
    count = x.size // mean.size
    return y, mean, variance, variance * (count / max(count - 1, 1))


def _along(vector: Any, windows: Windows) -> Any:
    return vector if windows.channels_last else vector.reshape((-1,) + (1,) * windows.rank)
