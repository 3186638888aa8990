"""Fourier transforms on torch; lengths crop or pad."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable


def _also_of_nothing(transform: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(transform)
    def run(x: Any, lengths: tuple[int, ...] | None, axes: tuple[int, ...]) -> Any:
        if x.numel():
            return transform(x, lengths, axes)
        # The library that torch calls refuses; without data it says what the result is like.
        like = transform(x.to("meta"), lengths, axes)
        return torch.zeros(like.shape, dtype=like.dtype, device=x.device)

    return run


@_also_of_nothing
def fft(x: Any, lengths: tuple[int, ...] | None, axes: tuple[int, ...]) -> Any:
    """From complex to complex numbers."""
    return torch.fft.fftn(x, lengths, axes)


@_also_of_nothing
def ifft(x: Any, lengths: tuple[int, ...] | None, axes: tuple[int, ...]) -> Any:
    """Back."""
    return torch.fft.ifftn(x, lengths, axes)


@_also_of_nothing
def rfft(x: Any, lengths: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """From real to complex numbers, of which half are left out along the last axis."""
    return torch.fft.rfftn(x, lengths, axes)


@_also_of_nothing
def irfft(x: Any, lengths: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """Back."""
    return torch.fft.irfftn(x, lengths, axes)
