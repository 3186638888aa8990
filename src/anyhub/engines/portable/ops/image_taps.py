"""Which pixels a pixel of a resized image is made of, along one axis; by NumPy, without ops."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from anyhub.graph.const_call import Array

_F32 = np.float32
# Up to so many pixels, a sum of that many gathers is faster than a product of matrices.
MOST_TAPS = 8
_STEPS = 1024


class Lerp(NamedTuple):
    """Each new pixel is `lower + (upper - lower) * fraction`; two vectors of indices."""

    lower: Array
    upper: Array
    fraction: Array


class Taps(NamedTuple):
    """Each new pixel is a weighted sum of `indices`; both are [taps, new size]."""

    indices: Array
    weights: Array


def positions(size: int, new: int, align_corners: bool, half_pixel_centers: bool) -> Array:
    """Where the new pixels lie, in TensorFlow's arithmetic."""
    scale = _scale(size, new, align_corners)
    steps = np.arange(new, dtype=_F32)
    return (steps + _F32(0.5)) * scale - _F32(0.5) if half_pixel_centers else steps * scale


def _scale(size: int, new: int, align_corners: bool) -> np.float32:
    if align_corners and new > 1:
        return _F32(size - 1) / _F32(new - 1)
    return _F32(size) / _F32(new)


@lru_cache(maxsize=256)
def linear(size: int, new: int, align_corners: bool, half_pixel_centers: bool) -> Lerp:
    """Between the two pixels around."""
    at = positions(size, new, align_corners, half_pixel_centers)
    floor = np.floor(at)
    upper = np.minimum(np.ceil(at), size - 1).astype(np.int32)
    lower = np.minimum(np.maximum(floor, 0).astype(np.int32), upper)
    return Lerp(lower, upper, at - floor)


@lru_cache(maxsize=256)
def nearest(size: int, new: int, align_corners: bool, half_pixel_centers: bool) -> Array:
    """The indices of the nearest pixels."""
    at = np.arange(new, dtype=_F32)
    at = (at + _F32(0.5) if half_pixel_centers else at) * _scale(size, new, align_corners)
    # Halves are rounded up.
    floor = np.floor(at)
    index = floor + (at - floor >= 0.5) if align_corners else floor
    found: Array = np.clip(index, 0, size - 1).astype(np.int32)
    return found


@lru_cache(maxsize=256)
def cubic(size: int, new: int, align_corners: bool, half_pixel_centers: bool) -> Taps:
    """Among the four pixels around; weights are of a table with 1024 steps, as TensorFlow's."""
    at = positions(size, new, align_corners, half_pixel_centers)
    floor = np.floor(at)
    step = np.rint((at - floor) * _F32(_STEPS)).astype(np.int32)
    near, far = _cubic_table(-0.5 if half_pixel_centers else -0.75)
    weights = np.stack([far[step], near[step], near[_STEPS - step], far[_STEPS - step]])
    wanted = floor.astype(np.int32) + np.arange(-1, 3, dtype=np.int32)[:, None]
    indices = np.clip(wanted, 0, size - 1)
    if half_pixel_centers:
        weights = np.where(indices == wanted, weights, _F32(0))
        weights = weights * (_F32(1) / weights.sum(axis=0))
    return Taps(indices, weights)


@lru_cache(maxsize=2)
def _cubic_table(a: float) -> tuple[Array, Array]:
    x = np.arange(_STEPS + 1, dtype=_F32) / _F32(_STEPS)
    near = ((a + 2) * x.astype(np.float64) - (a + 3)) * x * x + 1
    x = (x + _F32(1)).astype(np.float64)
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return near.astype(_F32), far.astype(_F32)


class Weights(NamedTuple):
    """Each new pixel is a weighted sum: a matrix [new size, size]; as taps too if they are few."""

    matrix: Array
    taps: Taps | None


@lru_cache(maxsize=64)
def area(size: int, new: int, align_corners: bool) -> Weights:
    """Means over what a new pixel covers."""
    if size == 1:
        return weights_of(np.ones((new, 1), _F32))
    scale = _scale(size, new, align_corners)
    steps = np.arange(new, dtype=_F32)
    start, end = steps * scale, (steps + _F32(1)) * scale
    matrix = np.zeros((new, size), _F32)
    for i in range(new):
        covered = np.arange(np.floor(start[i]), np.ceil(end[i]), dtype=_F32)
        next_, low = covered + _F32(1), covered < start[i]
        part = np.where(low, next_ - start[i], _F32(1))
        cut = np.where(low, scale, end[i] - covered)
        weights = np.where(next_ > end[i], cut, part)
        np.add.at(matrix[i], np.clip(covered, 0, size - 1).astype(np.int32), weights / scale)
    return weights_of(matrix)


def weights_of(matrix: Array) -> Weights:
    """Look for what a matrix's rows weigh."""
    new, size = matrix.shape
    used = matrix != 0
    first = used.argmax(axis=1)
    last = np.where(used.any(axis=1), size - 1 - used[:, ::-1].argmax(axis=1), first)
    count = int((last - first).max()) + 1
    if count > MOST_TAPS:
        return Weights(matrix, None)
    indices = np.minimum(first + np.arange(count)[:, None], size - 1)
    weights = np.where(first + np.arange(count)[:, None] < size, matrix[np.arange(new), indices], 0)
    return Weights(matrix, Taps(indices.astype(np.int32), weights.astype(_F32)))
