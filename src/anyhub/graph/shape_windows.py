"""Shapes of the results of convolutions and pooling.

Source: `tensorflow/core/framework/common_shape_fns.cc` (GetWindowedOutputSize).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anyhub.graph.shape_known import Known, Rule, Sizes
    from anyhub.savedmodel.shapes import Shape


def _convolved(known: Known) -> Shape:
    *window, _, channels = known.sizes(1)
    return _slid(known, window, channels, _per_axis(known, "dilations"))


def _convolved_by_channel(known: Known) -> Shape:
    *window, depth, multiplier = known.sizes(1)
    channels = None if depth is None or multiplier is None else depth * multiplier
    return _slid(known, window, channels, _per_axis(known, "dilations"))


def _pooled(known: Known) -> Shape:
    sizes = known.sizes()
    window = known.call.integers_attribute("ksize")
    spatial, channel = _axes(known, len(sizes))
    if any(window[axis] != 1 for axis in (0, channel)):
        known.call.fail("pools over the batch or channels")
    return _slid(known, [window[a] for a in spatial], sizes[channel], [1] * len(sizes))


def _slid(known: Known, window: Sizes, channels: int | None, dilations: Sequence[int]) -> Shape:
    sizes = known.sizes()
    spatial, channel = _axes(known, len(sizes))
    strides = _per_axis(known, "strides")
    padding = known.call.attribute("padding")
    explicit = known.call.integers_attribute("explicit_paddings") if padding == b"EXPLICIT" else ()
    result = [*sizes]
    result[channel] = channels
    for axis, extent in zip(spatial, window, strict=True):
        size = sizes[axis]
        if size is not None and explicit:
            size += explicit[2 * axis] + explicit[2 * axis + 1]
        if size is not None and padding != b"SAME":
            size = None if extent is None else size - (extent - 1) * dilations[axis]
        result[axis] = None if size is None else -(-size // strides[axis])
    return tuple(result)


def _axes(known: Known, rank: int) -> tuple[range, int]:
    """The spatial axes, and that of the channels."""
    layout = known.call.attribute("data_format")
    if layout in (b"NHWC", b"NDHWC") and len(layout) == rank:
        return range(1, rank - 1), rank - 1
    if layout not in (b"NCHW", b"NCDHW") or len(layout) != rank:
        known.call.fail(f"layout {layout!r} for rank {rank}")
    return range(2, rank), 1


def _per_axis(known: Known, name: str) -> Sequence[int]:
    values = known.call.integers_attribute(name)
    if len(values) != len(known.sizes()):
        known.call.fail(f"{name} {values} for rank {len(known.sizes())}")
    return values


WINDOW_RULES: Mapping[str, Rule] = {
    "AvgPool": _pooled,
    "AvgPool3D": _pooled,
    "Conv2D": _convolved,
    "Conv3D": _convolved,
    "DepthwiseConv2dNative": _convolved_by_channel,
    "MaxPool": _pooled,
    "MaxPool3D": _pooled,
}
