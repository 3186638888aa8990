"""Fourier transforms on JAX; lengths crop or pad."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp


def fft(x: Any, lengths: tuple[int, ...] | None, axes: tuple[int, ...]) -> Any:
    """From complex to complex numbers."""
    return jnp.fft.fftn(x, lengths, axes)


def ifft(x: Any, lengths: tuple[int, ...] | None, axes: tuple[int, ...]) -> Any:
    """Back."""
    return jnp.fft.ifftn(x, lengths, axes)


def rfft(x: Any, lengths: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """From real to complex numbers, of which half are left out along the last axis."""
    return jnp.fft.rfftn(x, lengths, axes)


def irfft(x: Any, lengths: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """Back."""
    return jnp.fft.irfftn(x, lengths, axes)
