"""Fourier transforms: TensorFlow's; lengths crop or pad."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Callable

_KERNELS = {
    "FFT": (tf.raw_ops.FFT, tf.raw_ops.FFT2D, tf.raw_ops.FFT3D),
    "IFFT": (tf.raw_ops.IFFT, tf.raw_ops.IFFT2D, tf.raw_ops.IFFT3D),
    # RFFT3D and IRFFT3D have no derivatives.
    "RFFT": (tf.raw_ops.RFFT, tf.raw_ops.RFFT2D),
    "IRFFT": (tf.raw_ops.IRFFT, tf.raw_ops.IRFFT2D),
}


def _resized(x: Any, lengths: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    for length, place in zip(lengths, axes, strict=True):
        axis = place % len(x.shape)
        begin = [0] * len(x.shape)
        size = [-1] * axis + [min(length, x.shape[axis])] + [-1] * (len(x.shape) - axis - 1)
        missing = [
            [0, max(length - x.shape[axis], 0) if i == axis else 0] for i in range(len(size))
        ]
        x = tf.pad(tf.slice(x, begin, size), missing)
    return x


def _with_axes_last(function: Callable[..., Any], x: Any, axes: tuple[int, ...], *rest: Any) -> Any:
    rank = len(x.shape)
    wanted = [axis % rank for axis in axes]
    order = [axis for axis in range(rank) if axis not in wanted] + wanted
    if order == list(range(rank)):
        return function(x, *rest)
    back = sorted(range(rank), key=order.__getitem__)
    return tf.transpose(function(tf.transpose(x, order), *rest), back)


def _complex(name: str, x: Any, lengths: tuple[int, ...] | None, axes: tuple[int, ...]) -> Any:
    x = x if lengths is None else _resized(x, lengths, axes)
    while axes:
        some, axes = axes[-3:], axes[:-3]
        kernel = _KERNELS[name][len(some) - 1]
        x = _with_axes_last(lambda y, op=kernel: op(input=y), x, some)
    return x


def fft(x: Any, lengths: tuple[int, ...] | None, axes: tuple[int, ...]) -> Any:
    """From complex to complex numbers."""
    return _complex("FFT", x, lengths, axes)


def ifft(x: Any, lengths: tuple[int, ...] | None, axes: tuple[int, ...]) -> Any:
    """Back."""
    return _complex("IFFT", x, lengths, axes)


def rfft(x: Any, lengths: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """From real to complex numbers, of which half are left out along the last axis."""
    x = _resized(x, lengths, axes)
    wide = tf.complex128 if x.dtype == tf.float64 else tf.complex64
    op = _KERNELS["RFFT"][min(len(axes), 2) - 1]

    def transform(y: Any) -> Any:
        return op(input=y, fft_length=lengths[-2:], Tcomplex=wide)

    return _complex("FFT", _with_axes_last(transform, x, axes[-2:]), None, axes[:-2])


def irfft(x: Any, lengths: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """Back."""
    x = _resized(x, (*lengths[:-1], lengths[-1] // 2 + 1), axes)
    narrow = tf.float64 if x.dtype == tf.complex128 else tf.float32
    op = _KERNELS["IRFFT"][min(len(axes), 2) - 1]

    def transform(y: Any) -> Any:
        return op(input=y, fft_length=lengths[-2:], Treal=narrow)

    return _with_axes_last(transform, _complex("IFFT", x, None, axes[:-2]), axes[-2:])
