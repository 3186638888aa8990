"""Normalization by torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from anyhub.engines.portable.backends.torch.conv import channels_back, channels_second

if TYPE_CHECKING:
    from anyhub.engines.portable.ops.windows import Windows


def normalize(x: Any, vectors: tuple[Any, ...], epsilon: float, windows: Windows) -> Any:
    """Normalize by a scale, an offset, a mean and a variance for each channel."""
    return _normalize(x, vectors, epsilon, windows, is_training=False)


def normalize_batch(
    x: Any, scale: Any, offset: Any, epsilon: float, windows: Windows
) -> tuple[Any, Any, Any, Any]:
    """Normalize by the mean and the variance of each channel.

    Returns:
        The result, which alone has derivatives; the mean; the variance; the variance that is
        estimated of what x is a sample of.
    """
    # torch overwrites them; a sample of one has no estimate, and TensorFlow takes its variance.
    mean, estimate = torch.zeros_like(scale), torch.zeros_like(scale)
    vectors = scale, offset, mean, estimate
    y = _normalize(x, vectors, epsilon, windows, is_training=True)
    count = x.numel() // scale.numel()
    if count == 1:
        estimate = torch.zeros_like(scale)
    return y, mean, estimate * ((count - 1) / count), estimate


def _normalize(
    x: Any, vectors: tuple[Any, ...], epsilon: float, windows: Windows, *, is_training: bool
) -> Any:
    result = torch.batch_norm(
        channels_second(x, windows),
        *vectors,
        is_training,
        1.0,
        epsilon,
        torch.backends.cudnn.enabled,
    )
    return channels_back(result, windows)
