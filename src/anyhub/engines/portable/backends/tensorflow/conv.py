"""Convolutions by TensorFlow.

Kernels are (*spatial, input channels / groups, output channels) throughout.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any

import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anyhub.engines.portable.ops.windows import Windows


def convolve(x: Any, kernel: Any, windows: Windows, groups: int) -> Any:
    """Slide the kernel over x."""
    if groups > 1 and not _has_gpu():
        # Without XLA kernels for CPUs have no derivatives of groups.
        return _compiled(windows)(x, kernel)
    return _convolve(x, kernel, windows)


@functools.cache
def _compiled(windows: Windows) -> Any:
    return tf.function(lambda x, kernel: _convolve(x, kernel, windows), jit_compile=True)


def _convolve(x: Any, kernel: Any, windows: Windows) -> Any:
    op = tf.raw_ops.Conv2D if windows.rank == 2 else tf.raw_ops.Conv3D
    x, attributes = _prepared(windows, x)
    return channels_back(op(input=x, filter=kernel, **attributes), windows)


def convolve_depthwise(x: Any, kernel: Any, windows: Windows) -> Any:
    """Slide a kernel (*spatial, channels, multiplier) over x, channel by channel."""
    if _is_dilated(windows):
        return convolve(x, _grouped(kernel), windows, kernel.shape[-2])
    x, attributes = _prepared(windows, x)
    result = tf.raw_ops.DepthwiseConv2dNative(input=x, filter=kernel, **attributes)
    return channels_back(result, windows)


def _is_dilated(windows: Windows) -> bool:
    """Whether kernels of derivatives for one channel at a time would forget the dilations."""
    return max(windows.dilations) > 1


def _grouped(kernel: Any) -> Any:
    *spatial, channels, multiplier = kernel.shape
    return tf.reshape(kernel, (*spatial, 1, channels * multiplier))


def input_gradient(
    sizes: Sequence[int],
    kernel: Any,
    gradient: Any,
    windows: Windows,
    groups: int,  # noqa: ARG001 - the shapes say it
) -> Any:
    """The derivative by x, whose sizes are given."""
    ops = {2: tf.raw_ops.Conv2DBackpropInput, 3: tf.raw_ops.Conv3DBackpropInputV2}
    return _input_gradient(ops[windows.rank], sizes, kernel, gradient, windows)


def depthwise_input_gradient(
    sizes: Sequence[int], kernel: Any, gradient: Any, windows: Windows
) -> Any:
    """The derivative of `convolve_depthwise` by x."""
    if _is_dilated(windows):
        return input_gradient(sizes, _grouped(kernel), gradient, windows, kernel.shape[-2])
    op = tf.raw_ops.DepthwiseConv2dNativeBackpropInput
    return _input_gradient(op, sizes, kernel, gradient, windows)


def _input_gradient(
    op: Any, sizes: Sequence[int], kernel: Any, gradient: Any, windows: Windows
) -> Any:
    gradient, attributes = _prepared(windows, gradient)
    if is_moved(windows):
        sizes = (sizes[0], *sizes[2:], sizes[1])
    found = op(input_sizes=sizes, filter=kernel, out_backprop=gradient, **attributes)
    return channels_back(found, windows)


def filter_gradient(
    x: Any,
    sizes: Sequence[int],
    gradient: Any,
    windows: Windows,
    groups: int,  # noqa: ARG001 - the shapes say it
) -> Any:
    """The derivative by the kernel, whose sizes are given."""
    ops = {2: tf.raw_ops.Conv2DBackpropFilter, 3: tf.raw_ops.Conv3DBackpropFilterV2}
    return _filter_gradient(ops[windows.rank], x, sizes, gradient, windows)


def depthwise_filter_gradient(x: Any, sizes: Sequence[int], gradient: Any, windows: Windows) -> Any:
    """The derivative of `convolve_depthwise` by the kernel."""
    if _is_dilated(windows):
        *spatial, channels, multiplier = sizes
        grouped = (*spatial, 1, channels * multiplier)
        found = filter_gradient(x, grouped, gradient, windows, channels)
        return tf.reshape(found, sizes)
    op = tf.raw_ops.DepthwiseConv2dNativeBackpropFilter
    return _filter_gradient(op, x, sizes, gradient, windows)


def _filter_gradient(op: Any, x: Any, sizes: Sequence[int], gradient: Any, windows: Windows) -> Any:
    x, attributes = _prepared(windows, x)
    gradient = channels_moved(gradient, windows)
    return op(input=x, filter_sizes=sizes, out_backprop=gradient, **attributes)


def _prepared(windows: Windows, x: Any) -> tuple[Any, dict[str, Any]]:
    moved = dataclasses.replace(windows, channels_last=True) if is_moved(windows) else windows
    return channels_moved(x, windows), attributes_of(moved)


def is_moved(windows: Windows) -> bool:
    """Whether the channels must go last: kernels for CPUs lack the other layout."""
    return not windows.channels_last and not _has_gpu()


def channels_moved(x: Any, windows: Windows) -> Any:
    """A tensor as the ops here take it."""
    if not is_moved(windows):
        return x
    return tf.transpose(x, [0, *range(2, windows.rank + 2), 1])


def channels_back(x: Any, windows: Windows) -> Any:
    """What the ops here give, with the channels where they were."""
    if not is_moved(windows):
        return x
    return tf.transpose(x, [0, windows.rank + 1, *range(1, windows.rank + 1)])


def attributes_of(windows: Windows, *, dilations: bool = True) -> dict[str, Any]:
    """The attributes of ops that say where windows lie."""
    spatial = "HW" if windows.rank == 2 else "DHW"
    found: dict[str, Any] = {
        "strides": windows.full(windows.strides),
        "padding": windows.padding,
        "data_format": f"N{spatial}C" if windows.channels_last else f"NC{spatial}",
    }
    if dilations:
        found["dilations"] = windows.full(windows.dilations)
    if windows.padding == "EXPLICIT":
        nothing = [0, 0]
        pads = [size for pair in windows.explicit for size in pair]
        found["explicit_paddings"] = (
            [*nothing, *pads, *nothing] if windows.channels_last else [*nothing, *nothing, *pads]
        )
    return found


@functools.cache
def _has_gpu() -> bool:
    return bool(tf.config.list_logical_devices("GPU"))
