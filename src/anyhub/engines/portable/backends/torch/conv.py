"""Convolutions by torch.

Kernels are (*spatial, input channels / groups, output channels) throughout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional as F  # noqa: N812 - as everywhere in the torch world

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anyhub.engines.portable.ops.windows import Pads, Windows

_CONVOLVE = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
_FORMATS = {4: torch.channels_last, 5: torch.channels_last_3d}


def convolve(x: Any, kernel: Any, windows: Windows, groups: int) -> Any:
    """Slide the kernel over x."""
    pads = windows.pads(windows.spatial(x.shape), kernel.shape[:-2])
    x, kernel = channels_second(x, windows), _outputs_first(kernel, windows)
    x, padding = _padded(x, pads)
    if not x.is_floating_point():
        # torch has no kernels for integers; 64 bits hold their products and sums.
        result = _convolve(x.double(), kernel.double(), padding, windows, groups).to(x.dtype)
    else:
        result = _convolve(x, kernel, padding, windows, groups)
    return channels_back(result, windows)


def _convolve(x: Any, kernel: Any, padding: Any, windows: Windows, groups: int) -> Any:
    return _CONVOLVE[windows.rank](
        x, kernel, None, windows.strides, padding, windows.dilations, groups
    )


def convolve_depthwise(x: Any, kernel: Any, windows: Windows) -> Any:
    """Slide a kernel (*spatial, channels, multiplier) over x, channel by channel."""
    return convolve(x, _grouped(kernel), windows, kernel.shape[-2])


def input_gradient(
    sizes: Sequence[int], kernel: Any, gradient: Any, windows: Windows, groups: int
) -> Any:
    """The derivative by x, whose sizes are given."""
    if not gradient.is_floating_point():
        wide = input_gradient(sizes, kernel.double(), gradient.double(), windows, groups)
        return wide.to(gradient.dtype)
    spatial, window = windows.spatial(sizes), kernel.shape[:-2]
    lengths = zip(spatial, window, windows.spatial(gradient.shape), strict=True)
    steps = windows.strides, windows.dilations, windows.pads(spatial, window)
    plans = [_transposed(*values) for values in zip(lengths, *steps, strict=True)]
    padding, extra, rest = zip(*plans, strict=True)
    result = _TRANSPOSE[windows.rank](
        channels_second(gradient, windows),
        _outputs_first(kernel, windows),
        None,
        windows.strides,
        padding,
        extra,
        groups,
        windows.dilations,
    )
    return channels_back(pad(result, rest), windows)


def _transposed(
    sizes: tuple[int, int, int], stride: int, dilation: int, pads: tuple[int, int]
) -> tuple[int, int, tuple[int, int]]:
    """What torch shall cut off at both ends, and add at the end; what is then to be padded."""
    size, window, steps = sizes
    full = (steps - 1) * stride + (window - 1) * dilation + 1
    missing = size - full + 2 * pads[0]
    # torch adds at most as much as would not make another window fit.
    if missing < max(stride, dilation):
        return pads[0], max(missing, 0), (0, min(missing, 0))
    return 0, 0, (-pads[0], size - full + pads[0])


def depthwise_input_gradient(
    sizes: Sequence[int], kernel: Any, gradient: Any, windows: Windows
) -> Any:
    """The derivative of `convolve_depthwise` by x."""
    return input_gradient(sizes, _grouped(kernel), gradient, windows, kernel.shape[-2])


def filter_gradient(
    x: Any, sizes: Sequence[int], gradient: Any, windows: Windows, groups: int
) -> Any:
    """The derivative by the kernel, whose sizes are given."""
    *window, inputs, outputs = sizes
    x, padding = _padded(
        channels_second(x, windows), windows.pads(windows.spatial(x.shape), window)
    )
    result = torch.ops.aten.convolution_backward(
        channels_second(gradient, windows),
        x,
        # Only its sizes are looked at.
        x.new_empty(1).expand(outputs, inputs, *window),
        None,
        windows.strides,
        padding,
        windows.dilations,
        False,
        [0] * windows.rank,
        groups,
        (False, True, False),
    )[1]
    return result.permute(*range(2, 2 + windows.rank), 1, 0)


def depthwise_filter_gradient(x: Any, sizes: Sequence[int], gradient: Any, windows: Windows) -> Any:
    """The derivative of `convolve_depthwise` by the kernel."""
    *spatial, channels, multiplier = sizes
    grouped = (*spatial, 1, channels * multiplier)
    return filter_gradient(x, grouped, gradient, windows, channels).reshape(*sizes)


def channels_second(x: Any, windows: Windows) -> Any:
    """A tensor as torch's functions take it, in memory as it was."""
    if not windows.channels_last:
        return x
    rank = windows.rank
    return _channels_last(x.permute(0, rank + 1, *range(1, rank + 1)))


def channels_back(x: Any, windows: Windows) -> Any:
    """What torch's functions give, with the channels where they were."""
    if not windows.channels_last:
        return x
    return x.permute(0, *range(2, windows.rank + 2), 1)


def _padded(x: Any, pads: Pads) -> tuple[Any, Sequence[int]]:
    """x, and what torch shall pad on both sides of each dimension."""
    if all(before == after for before, after in pads):
        return x, [before for before, _ in pads]
    return pad(x, pads), [0] * len(pads)


def pad(x: Any, pads: Pads, value: float = 0.0) -> Any:
    """Put more around the last dimensions, or less where that is negative."""
    if not any(size for pair in pads for size in pair):
        return x
    return F.pad(x, [size for pair in reversed(pads) for size in pair], value=value)


def _outputs_first(kernel: Any, windows: Windows) -> Any:
    rank = windows.rank
    kernel = kernel.permute(rank + 1, rank, *range(rank))
    return _channels_last(kernel) if windows.channels_last else kernel


def _channels_last(x: Any) -> Any:
    wanted = _FORMATS.get(x.ndim)
    if wanted is None or x.is_contiguous(memory_format=wanted):
        return x
    return x.contiguous(memory_format=wanted)


def _grouped(kernel: Any) -> Any:
    *spatial, channels, multiplier = kernel.shape
    return kernel.reshape(*spatial, 1, channels * multiplier)
