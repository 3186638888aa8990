"""Dilation of images by a filter: the largest sums in windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable.ops.patches import at, patches, positions
from anyhub.engines.portable.ops.pooling_gradients import scattered
from anyhub.engines.portable.ops.windows import Windows
from anyhub.engines.portable.registry import lower

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute

_TYPES = ("float16", "bfloat16", "float32", "float64")
_LIMITS = "only for floating-point numbers"


def _windows(node: NodeView) -> Windows:
    strides, rates = node.integers("strides"), node.integers("rates")
    if node.dtype("T") not in _TYPES:
        node.unsupported(f"images of {node.dtype('T')}")
    if {strides[0], strides[3], rates[0], rates[3]} != {1}:
        node.unsupported(f"strides {strides} and rates {rates} along the batch or the channels")
    return Windows(True, strides[1:3], rates[1:3], node.text("padding", "SAME", "VALID"))


def _sums(x: Any, kernel: Any, windows: Windows) -> Any:
    seen = patches(x, kernel.shape[:-1], windows)
    return seen + K.reshape(kernel, (-1, 1, 1, 1, kernel.shape[-1]))


@lower("Dilation2D", limits=_LIMITS)
def dilation2d(node: NodeView) -> Compute:
    windows = _windows(node)

    def run(x: Any, kernel: Any) -> Any:
        sums = _sums(x, kernel, windows)
        # The derivative goes to the first of equal sums.
        return at(sums, K.argmax(sums, axis=0))

    return run


@lower("Dilation2DBackpropInput", limits=_LIMITS)
def dilation2d_backprop_input(node: NodeView) -> Compute:
    windows = _windows(node)

    def run(x: Any, kernel: Any, gradient: Any) -> Any:
        best = K.argmax(_sums(x, kernel, windows), axis=0)
        sizes = tuple(x.shape)
        return scattered(gradient, positions(best, sizes, kernel.shape[:-1], windows), sizes)

    return run


@lower("Dilation2DBackpropFilter", limits=_LIMITS)
def dilation2d_backprop_filter(node: NodeView) -> Compute:
    windows = _windows(node)

    def run(x: Any, kernel: Any, gradient: Any) -> Any:
        sizes = tuple(kernel.shape)
        best = K.argmax(_sums(x, kernel, windows), axis=0)
        channel = K.arange(sizes[-1], dtype="int32")
        return scattered(gradient, best * sizes[-1] + channel, sizes)

    return run
