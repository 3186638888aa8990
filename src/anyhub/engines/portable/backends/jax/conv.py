"""Convolutions by JAX.

Kernels are (*spatial, input channels / groups, output channels) throughout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax import lax

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anyhub.engines.portable.ops.windows import Windows

_SPATIAL = {1: "W", 2: "HW", 3: "DHW"}


def convolve(x: Any, kernel: Any, windows: Windows, groups: int) -> Any:
    """Slide the kernel over x."""
    pads = windows.pads(windows.spatial(x.shape), kernel.shape[:-2])
    return lax.conv_general_dilated(
        x,
        kernel,
        windows.strides,
        pads,
        rhs_dilation=windows.dilations,
        dimension_numbers=_dimensions(windows, "IO"),
        feature_group_count=groups,
    )


def convolve_depthwise(x: Any, kernel: Any, windows: Windows) -> Any:
    """Slide a kernel (*spatial, channels, multiplier) over x, channel by channel."""
    return convolve(x, _grouped(kernel), windows, kernel.shape[-2])


def input_gradient(
    sizes: Sequence[int], kernel: Any, gradient: Any, windows: Windows, groups: int
) -> Any:
    """The derivative by x, whose sizes are given."""
    spatial, window = windows.spatial(sizes), kernel.shape[:-2]
    lengths = zip(spatial, window, windows.spatial(gradient.shape), strict=True)
    steps = windows.strides, windows.dilations, windows.pads(spatial, window)
    pads = [_transposed_pads(*values) for values in zip(lengths, *steps, strict=True)]
    axes = tuple(range(windows.rank))
    channels = "OI" if groups == 1 else "IO"
    return lax.conv_general_dilated(
        gradient,
        lax.rev(kernel if groups == 1 else _swapped(kernel, groups), axes),
        (1,) * windows.rank,
        pads,
        lhs_dilation=windows.strides,
        rhs_dilation=windows.dilations,
        dimension_numbers=_dimensions(windows, channels),
        feature_group_count=groups,
    )


def depthwise_input_gradient(
    sizes: Sequence[int], kernel: Any, gradient: Any, windows: Windows
) -> Any:
    """The derivative of `convolve_depthwise` by x."""
    return input_gradient(sizes, _grouped(kernel), gradient, windows, kernel.shape[-2])


def filter_gradient(
    x: Any, sizes: Sequence[int], gradient: Any, windows: Windows, groups: int
) -> Any:
    """The derivative by the kernel, whose sizes are given."""
    kernel = jax.ShapeDtypeStruct(tuple(sizes), x.dtype)
    transposed = jax.linear_transpose(lambda k: convolve(x, k, windows, groups), kernel)
    return transposed(gradient)[0]


def depthwise_filter_gradient(x: Any, sizes: Sequence[int], gradient: Any, windows: Windows) -> Any:
    """The derivative of `convolve_depthwise` by the kernel."""
    *spatial, channels, multiplier = sizes
    grouped = (*spatial, 1, channels * multiplier)
    return jnp.reshape(filter_gradient(x, grouped, gradient, windows, channels), sizes)


def _dimensions(windows: Windows, channels: str) -> tuple[str, str, str]:
    spatial = _SPATIAL[windows.rank]
    layout = f"N{spatial}C" if windows.channels_last else f"NC{spatial}"
    return layout, f"{spatial}{channels}", layout


def _grouped(kernel: Any) -> Any:
    *spatial, channels, multiplier = kernel.shape
    return jnp.reshape(kernel, (*spatial, 1, channels * multiplier))


def _swapped(kernel: Any, groups: int) -> Any:
    *spatial, inputs, outputs = kernel.shape
    parts = jnp.reshape(kernel, (*spatial, inputs, groups, outputs // groups))
    return jnp.reshape(jnp.swapaxes(parts, -1, -3), (*spatial, outputs // groups, groups * inputs))


def _transposed_pads(
    sizes: tuple[int, int, int], stride: int, dilation: int, pads: tuple[int, int]
) -> tuple[int, int]:
    """What is padded around the gradient, with zeros between its elements, to get `size`."""
    size, window, steps = sizes
    before = (window - 1) * dilation - pads[0]
    return before, size - 1 - (steps - 1) * stride + pads[0]
