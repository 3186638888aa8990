"""Where the windows of convolutions and pooling lie."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np

from anyhub.graph.op_defs import find_op

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from anyhub.engines.portable.node_view import NodeView
    from anyhub.graph.const_call import Array

Sizes: TypeAlias = "tuple[int, ...]"
Pads: TypeAlias = "tuple[tuple[int, int], ...]"
Item = TypeVar("Item")


@dataclass(frozen=True)
class Windows:
    """How windows move over the spatial dimensions of tensors.

    Attributes:
        channels_last: Whether tensors are (batch, *spatial, channels), else
            (batch, channels, *spatial).
        strides: Steps between windows, by spatial dimension.
        dilations: Steps between the elements of a window.
        padding: "SAME", "VALID" or "EXPLICIT".
        explicit: What "EXPLICIT" pads before and after, by spatial dimension.
    """

    channels_last: bool
    strides: Sizes
    dilations: Sizes
    padding: str
    explicit: Pads = ()

    @property
    def rank(self) -> int:
        """How many spatial dimensions there are."""
        return len(self.strides)

    @property
    def channel_axis(self) -> int:
        """The axis of channels."""
        return self.rank + 1 if self.channels_last else 1

    def spatial(self, values: Sequence[Item]) -> tuple[Item, ...]:
        """What belongs to the spatial dimensions, of values for all dimensions."""
        return tuple(values[1:-1] if self.channels_last else values[2:])

    def full(self, spatial: Sequence[int], batch: int = 1, channels: int = 1) -> Sizes:
        """Values for all dimensions."""
        if self.channels_last:
            return (batch, *spatial, channels)
        return (batch, channels, *spatial)

    def pads(self, sizes: Sequence[int], kernel: Sequence[int]) -> Pads:
        """What is padded before and after, by spatial dimension.

        Args:
            sizes: Sizes of the spatial dimensions of what the windows move over.
            kernel: Sizes of a window, without dilation.
        """
        if self.padding == "VALID":
            return ((0, 0),) * self.rank
        if self.padding == "EXPLICIT":
            return self.explicit
        return tuple(
            _same(*values)
            for values in zip(sizes, kernel, self.strides, self.dilations, strict=True)
        )

    def counts(self, sizes: Sequence[int], kernel: Sequence[int]) -> Array:
        """How many elements each window has, padding left out: (*spatial, 1) or (*spatial)."""
        found = _counts(tuple(sizes), tuple(kernel), self.strides, self.pads(sizes, kernel))
        return found[..., None] if self.channels_last else found


@functools.lru_cache(maxsize=256)
def _counts(sizes: Sizes, kernel: Sizes, strides: Sizes, pads: Pads) -> Array:
    total = np.ones((), np.float64)
    for size, window, stride, (before, after) in zip(sizes, kernel, strides, pads, strict=True):
        first = np.arange(0, size + before + after - window + 1, stride) - before
        inside = np.minimum(first + window, size) - np.maximum(first, 0)
        total = total[..., None] * inside
    return total


def _same(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    missing = max((-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return missing // 2, missing - missing // 2


def read_windows(node: NodeView, strides: Sequence[int] | None = None) -> Windows:
    """A node's windows, by its attributes.

    Args:
        node: The node.
        strides: Strides of all dimensions, None for those of the attribute.
    """
    names = _attribute_names(node)
    steps = tuple(strides or node.integers("strides"))
    padding = node.text("padding", "SAME", "VALID", "EXPLICIT")
    explicit = node.integers("explicit_paddings") if padding == "EXPLICIT" else ()
    pairs = tuple(zip(explicit[::2], explicit[1::2], strict=True))
    frame = Windows(channels_last(node), (1,) * (len(steps) - 2), (), padding)
    dilations = (node.integers("dilations") if "dilations" in names else ()) or (1,) * len(steps)
    for name, found in (("strides", steps), ("dilations", dilations)):
        if found != frame.full(frame.spatial(found)):
            node.unsupported(f"{name} {found} along the batch or the channels")
    return replace(
        frame,
        strides=frame.spatial(steps),
        dilations=frame.spatial(dilations),
        explicit=frame.spatial(pairs),
    )


def channels_last(node: NodeView) -> bool:
    """Whether a node's tensors have the channels last."""
    if "data_format" not in _attribute_names(node):
        return True
    layouts = ("NHWC", "NCHW", "NDHWC", "NCDHW", "CHANNELS_LAST", "CHANNELS_FIRST")
    return node.text("data_format", *layouts).endswith(("C", "LAST"))


def _attribute_names(node: NodeView) -> Collection[str]:
    definition = find_op(node.op)
    return () if definition is None else definition.attributes
