"""Derivatives of convolutions: what transposed convolutions are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.ops.windows import read_windows
from anyhub.engines.portable.registry import lower

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.ops.windows import Sizes, Windows
    from anyhub.engines.portable.registry import Compute

_conv = primitives("conv")


@lower("Conv2DBackpropInput", "Conv3DBackpropInputV2", host=(0,))
def conv_backprop_input(node: NodeView) -> Compute:
    windows = read_windows(node)
    input_gradient = _conv.input_gradient

    def run(sizes: Any, kernel: Any, gradient: Any) -> Any:
        wanted = _full_sizes(sizes.tolist(), kernel, gradient, windows)
        groups = wanted[windows.channel_axis] // kernel.shape[-2]
        return input_gradient(wanted, kernel, gradient, windows, groups)

    return run


@lower("Conv2DBackpropInputV2", "Conv3DBackpropInput")
def conv_backprop_input_like(node: NodeView) -> Compute:
    windows = read_windows(node)
    axis = windows.channel_axis

    def run(x: Any, kernel: Any, gradient: Any) -> Any:
        groups = x.shape[axis] // kernel.shape[-2]
        return _conv.input_gradient(tuple(x.shape), kernel, gradient, windows, groups)

    return run


@lower("Conv2DBackpropFilter", "Conv3DBackpropFilterV2", host=(1,))
def conv_backprop_filter(node: NodeView) -> Compute:
    windows = read_windows(node)
    return lambda x, sizes, gradient: _filter_gradient(x, sizes.tolist(), gradient, windows)


@lower("Conv2DBackpropFilterV2", "Conv3DBackpropFilter")
def conv_backprop_filter_like(node: NodeView) -> Compute:
    windows = read_windows(node)
    return lambda x, kernel, gradient: _filter_gradient(x, kernel.shape, gradient, windows)


def _filter_gradient(x: Any, sizes: Sequence[int], gradient: Any, windows: Windows) -> Any:
    groups = x.shape[windows.channel_axis] // sizes[-2]
    return _conv.filter_gradient(x, tuple(sizes), gradient, windows, groups)


@lower("DepthwiseConv2dNativeBackpropInput", host=(0,))
def depthwise_conv2d_native_backprop_input(node: NodeView) -> Compute:
    windows = read_windows(node)

    def run(sizes: Any, kernel: Any, gradient: Any) -> Any:
        return _conv.depthwise_input_gradient(sizes.tolist(), kernel, gradient, windows)

    return run


@lower("DepthwiseConv2dNativeBackpropFilter", host=(1,))
def depthwise_conv2d_native_backprop_filter(node: NodeView) -> Compute:
    windows = read_windows(node)

    def run(x: Any, sizes: Any, gradient: Any) -> Any:
        return _conv.depthwise_filter_gradient(x, tuple(sizes.tolist()), gradient, windows)

    return run


def _full_sizes(sizes: Sequence[int], kernel: Any, gradient: Any, windows: Windows) -> Sizes:
    """All sizes, where those of batch and channels may be left out."""
    if len(sizes) == windows.rank:
        return windows.full(sizes, gradient.shape[0], kernel.shape[-2])
    return tuple(sizes)
