"""Convolutions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.ops.windows import read_windows
from anyhub.engines.portable.registry import lower

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute

_conv = primitives("conv")

# The attribute `use_cudnn_on_gpu` decides who computes, not what.


@lower("Conv2D", "Conv3D")
def convolution(node: NodeView) -> Compute:
    windows = read_windows(node)
    axis = windows.channel_axis
    convolve = _conv.convolve

    def run(x: Any, kernel: Any) -> Any:
        return convolve(x, kernel, windows, x.shape[axis] // kernel.shape[-2])

    return run


@lower("Conv", limits="batch_dims other than 1 are not supported")
def conv(node: NodeView) -> Compute:
    if node.integer("batch_dims") != 1:
        node.unsupported(f"batch_dims {node.integer('batch_dims')}")
    # The shapes say how many groups there are.
    return convolution(node)


@lower("DepthwiseConv2dNative")
def depthwise_conv2d_native(node: NodeView) -> Compute:
    windows = read_windows(node)
    convolve_depthwise = _conv.convolve_depthwise
    return lambda x, kernel: convolve_depthwise(x, kernel, windows)
