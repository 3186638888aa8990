"""Pooling by TensorFlow."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from anyhub.engines.portable.backends.tensorflow.conv import (
    attributes_of,
    channels_back,
    channels_moved,
    is_moved,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anyhub.engines.portable.ops.windows import Windows


def max_pool(x: Any, window: Sequence[int], windows: Windows) -> Any:
    """The largest element of each window."""
    op = tf.raw_ops.MaxPool if windows.rank == 2 else tf.raw_ops.MaxPool3D
    found = op(input=channels_moved(x, windows), **_attributes(window, windows))
    return channels_back(found, windows)


def average_pool(x: Any, window: Sequence[int], windows: Windows) -> Any:
    """The mean of each window's elements, padding left out."""
    attributes, moved = _attributes(window, windows), channels_moved(x, windows)
    if windows.rank == 2:
        return channels_back(tf.raw_ops.AvgPool(value=moved, **attributes), windows)
    return channels_back(tf.raw_ops.AvgPool3D(input=moved, **attributes), windows)


def max_pool_gradient(x: Any, gradient: Any, window: Sequence[int], windows: Windows) -> Any:
    """The derivative of `max_pool`."""
    op = tf.raw_ops.MaxPoolGrad if windows.rank == 2 else tf.raw_ops.MaxPool3DGrad
    found = op(
        orig_input=channels_moved(x, windows),
        orig_output=channels_moved(max_pool(x, window, windows), windows),
        grad=channels_moved(gradient, windows),
        **_attributes(window, windows),
    )
    return channels_back(found, windows)


def average_pool_gradient(
    sizes: Sequence[int], gradient: Any, window: Sequence[int], windows: Windows
) -> Any:
    """The derivative of `average_pool` by x, whose sizes are given."""
    op = tf.raw_ops.AvgPoolGrad if windows.rank == 2 else tf.raw_ops.AvgPool3DGrad
    if is_moved(windows):
        sizes = (sizes[0], *sizes[2:], sizes[1])
    found = op(
        orig_input_shape=sizes,
        grad=channels_moved(gradient, windows),
        **_attributes(window, windows),
    )
    return channels_back(found, windows)


def sum_of_neighbours(x: Any, radius: int) -> Any:
    """Sums over the elements of the last axis up to a distance."""
    size = x.shape[-1]
    padded = tf.pad(x, [[0, 0]] * (len(x.shape) - 1) + [[radius, radius]])
    return tf.add_n([padded[..., first : first + size] for first in range(2 * radius + 1)])


def _attributes(window: Sequence[int], windows: Windows) -> dict[str, Any]:
    if is_moved(windows):
        windows = dataclasses.replace(windows, channels_last=True)
    return {**attributes_of(windows, dilations=False), "ksize": windows.full(window)}
