"""Resampling of images, on torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# torch indexes these with fewer kernels, all of which are slower.
_UNSIGNED = (torch.uint16, torch.uint32, torch.uint64)


def kernel(
    op: str,
    inputs: tuple[str, ...],  # noqa: ARG001 - TensorFlow's names
    attrs: Mapping[str, Any],
) -> Callable[..., Any] | None:
    """What the backend has for an op, None where that computes otherwise than TensorFlow."""
    if op == "ResizeBilinear" and attrs["T"] in ("float32", "float16", "bfloat16", "float64"):
        align_corners = attrs["align_corners"]
        if align_corners or attrs["half_pixel_centers"]:
            return lambda images, size: _interpolate(images.float(), size, align_corners)
    return None


def _interpolate(images: Any, size: Any, align_corners: bool) -> Any:
    # A view of images with channels last is what torch calls the memory format "channels last".
    resized = functional.interpolate(
        images.permute(0, 3, 1, 2), tuple(size.tolist()), mode="bilinear",
        align_corners=align_corners,
    )  # fmt: skip
    return resized.permute(0, 2, 3, 1)


def compiled(function: Callable[..., Any], static: tuple[int, ...]) -> Callable[..., Any]:  # noqa: ARG001
    """A function of many small ops, as it is."""
    return function


def take(images: Any, indices: Any, axis: int) -> Any:
    """Slices along an axis by an array of NumPy that is in range."""
    indices = torch.from_numpy(np.asarray(indices, np.int64)).to(images.device)
    if images.dtype in _UNSIGNED:
        return images[(slice(None),) * axis + (indices,)]
    return torch.index_select(images, axis, indices)


def take_rows(rows: Any, indices: Any) -> Any:
    """Rows of a matrix by a tensor that is in range."""
    found = torch.index_select(rows, 0, indices.reshape(-1))
    return found.reshape(*indices.shape, *rows.shape[1:])


def contract(images: Any, matrix: Any, axis: int) -> Any:
    """Multiply an axis by a matrix [new size, size]."""
    if isinstance(matrix, np.ndarray):
        matrix = torch.from_numpy(matrix).to(images.device)
    return torch.movedim(torch.tensordot(images, matrix, dims=([axis], [1])), -1, axis)


def pullback(function: Callable[[Any], Any], argument: Any, grads: Any) -> Any:
    """Derivatives by the argument of a function's result times `grads`."""
    return torch.func.vjp(function, argument)[1](grads)[0]


def rounded(product: Any) -> Any:
    """A product that is rounded before it is added to, as any is."""
    return product


def divided(tensor: Any, by: float) -> Any:
    """A quotient."""
    return tensor / by
