"""Pooling by torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional as F  # noqa: N812 - as everywhere in the torch world

from anyhub.engines.portable.backends.torch.conv import channels_back, channels_second, pad

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from anyhub.engines.portable.ops.windows import Windows

_MAX = {2: F.max_pool2d, 3: F.max_pool3d}
_AVERAGE = {2: F.avg_pool2d, 3: F.avg_pool3d}


def max_pool(x: Any, window: Sequence[int], windows: Windows) -> Any:
    """The largest element of each window."""
    if x.dtype == torch.uint16:
        return max_pool(x.int(), window, windows).to(x.dtype)
    native = _native_padding(x, window, windows)
    tensor = channels_second(x, windows)
    if native is None:
        lowest = -torch.inf if x.is_floating_point() else torch.iinfo(x.dtype).min
        tensor = pad(tensor, windows.pads(windows.spatial(x.shape), window), lowest)
        native = [0] * windows.rank, False
    padding, is_open = native
    result = _MAX[windows.rank](tensor, window, windows.strides, padding, 1, is_open)
    return channels_back(result, windows)


def average_pool(x: Any, window: Sequence[int], windows: Windows) -> Any:
    """The mean of each window's elements, padding left out."""
    if windows.rank == 3 and x.dtype.itemsize == 2:
        return average_pool(x.float(), window, windows).to(x.dtype)
    native = _native_padding(x, window, windows)
    tensor = channels_second(x, windows)
    average = _AVERAGE[windows.rank]
    if native is not None:
        padding, is_open = native
        result = average(tensor, window, windows.strides, padding, is_open, False)
        return channels_back(result, windows)
    sizes = windows.spatial(x.shape)
    total = average(
        pad(tensor, windows.pads(sizes, window)), window, windows.strides, divisor_override=1
    )
    counts = torch.from_numpy(windows.counts(sizes, window)).to(x.device, x.dtype)
    return channels_back(total, windows) / counts


def max_pool_gradient(x: Any, gradient: Any, window: Sequence[int], windows: Windows) -> Any:
    """The derivative of `max_pool`: to the first of the largest elements of each window."""
    return _derivative(lambda value: max_pool(value, window, windows), x, gradient)


def average_pool_gradient(
    sizes: Sequence[int], gradient: Any, window: Sequence[int], windows: Windows
) -> Any:
    """The derivative of `average_pool` by x, whose sizes are given."""
    x = gradient.new_zeros(tuple(sizes))
    return _derivative(lambda value: average_pool(value, window, windows), x, gradient)


def sum_of_neighbours(x: Any, radius: int) -> Any:
    """Sums over the elements of the last axis up to a distance."""
    size = 2 * radius + 1
    rows = x.reshape(-1, 1, x.shape[-1])
    return (F.avg_pool1d(rows, size, 1, radius) * size).reshape(x.shape)


def _derivative(function: Callable[[Any], Any], x: Any, gradient: Any) -> Any:
    with torch.enable_grad():
        leaf = x.detach().requires_grad_()
        return torch.autograd.grad(
            function(leaf), leaf, gradient, create_graph=gradient.requires_grad
        )[0]


def _native_padding(
    x: Any, window: Sequence[int], windows: Windows
) -> tuple[list[int], bool] | None:
    """What torch shall pad on both sides, and whether windows may reach beyond the end.

    None where torch's windows cannot lie as they shall.
    """
    sizes = windows.spatial(x.shape)
    pads = windows.pads(sizes, window)
    before = [first for first, _ in pads]
    if any(first > size // 2 for first, size in zip(before, window, strict=True)):
        return None
    cases = [*zip(sizes, window, windows.strides, pads, strict=True)]
    for is_open in (False, True):
        if all(
            _count(n, size, stride, (first, first), is_open=is_open)
            == _count(n, size, stride, (first, last), is_open=False)
            for n, size, stride, (first, last) in cases
        ):
            return before, is_open
    return None


def _count(n: int, size: int, stride: int, pads: tuple[int, int], *, is_open: bool) -> int:
    room = n + sum(pads) - size
    if not is_open:
        return room // stride + 1
    count = -(-room // stride) + 1
    # A window must begin inside, or before it.
    return count - 1 if (count - 1) * stride >= n + pads[0] else count
