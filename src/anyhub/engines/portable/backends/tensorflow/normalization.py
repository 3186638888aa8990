"""Normalization by TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from anyhub.engines.portable.backends.tensorflow.conv import (
    channels_back,
    channels_moved,
    is_moved,
)

if TYPE_CHECKING:
    from anyhub.engines.portable.ops.windows import Windows


def normalize(x: Any, vectors: tuple[Any, ...], epsilon: float, windows: Windows) -> Any:
    """Normalize by a scale, an offset, a mean and a variance for each channel."""
    return _normalize(x, vectors, epsilon, windows, is_training=False)[0]


def normalize_batch(
    x: Any, scale: Any, offset: Any, epsilon: float, windows: Windows
) -> tuple[Any, Any, Any, Any]:
    """Normalize by the mean and the variance of each channel.

    Returns:
        The result, which alone has derivatives; the mean; the variance; the variance that is
        estimated of what x is a sample of.
    """
    none = tf.zeros([0], scale.dtype)
    y, mean, estimate, _, variance = _normalize(
        x, (scale, offset, none, none), epsilon, windows, is_training=True
    )
    return y, mean, variance, estimate


def _normalize(
    x: Any, vectors: tuple[Any, ...], epsilon: float, windows: Windows, *, is_training: bool
) -> Any:
    scale, offset, mean, variance = vectors
    spatial = "HW" if windows.rank == 2 else "DHW"
    is_last = windows.channels_last or is_moved(windows)
    y, *others = tf.raw_ops.FusedBatchNormV3(
        x=channels_moved(x, windows),
        scale=scale,
        offset=offset,
        mean=mean,
        variance=variance,
        epsilon=epsilon,
        data_format=f"N{spatial}C" if is_last else f"NC{spatial}",
        is_training=is_training,
    )
    return channels_back(y, windows), *others[:4]
