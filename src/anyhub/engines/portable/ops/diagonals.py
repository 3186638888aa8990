"""Diagonals of matrices, and bands around them."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.registry import lower
from anyhub.engines.portable.values import cast, shape_of, to_device

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute

_move = primitives("indexing")

# Before version 3, shorter diagonals started on the left.
_LEFT = "LEFT_LEFT"
_ALIGNMENTS = ("LEFT_RIGHT", "RIGHT_LEFT", "LEFT_LEFT", "RIGHT_RIGHT")


@functools.lru_cache(64)
def positions(rows: int, columns: int, lower_k: int, upper_k: int, align: str) -> Any:
    """Where the elements of diagonals stand in a matrix.

    Args:
        rows: Of the matrix.
        columns: Of the matrix.
        lower_k: The lowest diagonal; 0 is the main one, -1 the one below.
        upper_k: The highest diagonal.
        align: Where diagonals shorter than the longest are: those above the main one before the
            "_", the others after.

    Returns:
        Positions in the flat matrix, -1 for what is beyond it; a row for each diagonal, the
        highest first, and no rows if there is one diagonal.

    Raises:
        ValueError: There are no such diagonals.
    """
    if lower_k > upper_k or lower_k <= -max(rows, 1) or upper_k >= max(columns, 1):
        raise ValueError(f"diagonals {lower_k} to {upper_k} of {rows} x {columns}")
    diagonals = range(upper_k, lower_k - 1, -1)
    lengths = [min(rows + min(k, 0), columns - max(k, 0)) for k in diagonals]
    found = np.full((len(lengths), max(lengths)), -1, np.int32)
    above, below = align.split("_")
    for row, k, length in zip(found, diagonals, lengths, strict=True):
        first = max(k, 0) + max(-k, 0) * columns
        is_right = (above if k >= 0 else below) == "RIGHT"
        start = len(row) - length if is_right else 0
        row[start : start + length] = first + np.arange(length) * (columns + 1)
    return found if len(found) > 1 else found[0]


def _bounds(k: Any) -> tuple[int, int]:
    numbers = k.ravel().tolist()
    return numbers[0], numbers[-1]


def _alignment(node: NodeView) -> str:
    return node.text("align", *_ALIGNMENTS) if node.op.endswith("V3") else _LEFT


def _picked(flat: Any, places: Any, others: Any) -> Any:
    """Elements of a last dimension, and of others (or one number) where there is none."""
    if not flat.shape[-1]:
        return _move.broadcast_to(others, shape_of(flat)[:-1] + places.shape)
    found = _move.take(flat, to_device(np.maximum(places, 0)), len(flat.shape) - 1)
    if places.min(initial=0) >= 0:
        return found
    return _move.where(to_device(places >= 0), found, others)


@lower("MatrixDiagPart")
def matrix_diag_part(_: NodeView) -> Compute:
    return lambda x: _diagonals(x, 0, 0, _LEFT, None)


@lower(
    "MatrixDiagPartV2",
    "MatrixDiagPartV3",
    host=(1,),
    limits="Derivatives of version 2 are right where diagonals differ in length; TensorFlow's put "
    "those above the main one at the wrong end.",
)
def matrix_diag_part_v2(node: NodeView) -> Compute:
    align = _alignment(node)

    def run(x: Any, k: Any, padding: Any) -> Any:
        # TensorFlow gives no derivative by the padding.
        return _diagonals(x, *_bounds(k), align, K.stop_gradient(padding))

    return run


def _diagonals(x: Any, lower_k: int, upper_k: int, align: str, padding: Any) -> Any:
    *batch, rows, columns = shape_of(x)
    places = positions(rows, columns, lower_k, upper_k, align)
    found = _picked(_move.reshape(x, (*batch, rows * columns)), places.ravel(), padding)
    return _move.reshape(found, (*batch, *places.shape))


@lower("MatrixDiag")
def matrix_diag(node: NodeView) -> Compute:
    dtype = node.dtype("T")

    def run(diagonal: Any) -> Any:
        size = diagonal.shape[-1]
        return _matrix(diagonal, (size, size), (0, 0), _LEFT, _move.zeros((), dtype))

    return run


@lower("MatrixDiagV2", "MatrixDiagV3", host=(1, 2, 3))
def matrix_diag_v2(node: NodeView) -> Compute:
    align = _alignment(node)

    def run(diagonal: Any, k: Any, rows: Any, columns: Any, padding: Any) -> Any:
        bounds = _bounds(k)
        sizes = _matrix_sizes(diagonal.shape[-1], bounds, rows.item(), columns.item())
        # TensorFlow gives no derivative by the padding.
        return _matrix(diagonal, sizes, bounds, align, K.stop_gradient(padding))

    return run


def _matrix_sizes(length: int, bounds: tuple[int, int], rows: int, columns: int) -> tuple[int, int]:
    """Rows and columns of a matrix with diagonals; those that are -1 are as few as can be."""
    least_rows = length - min(bounds[1], 0)
    least_columns = length + max(bounds[0], 0)
    if rows == columns == -1:
        size = max(least_rows, least_columns)
        return size, size
    return (least_rows if rows == -1 else rows), (least_columns if columns == -1 else columns)


def _matrix(
    diagonal: Any, sizes: tuple[int, int], bounds: tuple[int, int], align: str, padding: Any
) -> Any:
    places = positions(*sizes, *bounds, align)
    batch = shape_of(diagonal)[: len(diagonal.shape) - places.ndim]
    return _move.reshape(_spread(diagonal, (*batch, *sizes), places, padding), (*batch, *sizes))


def _spread(diagonal: Any, shape: tuple[int, ...], places: Any, others: Any) -> Any:
    """Flat matrices of a shape with diagonals, and other elements elsewhere."""
    batch = shape[:-2]
    if shape_of(diagonal) != (*batch, *places.shape):
        raise ValueError(
            f"diagonals of shape {shape_of(diagonal)}, expected {(*batch, *places.shape)}"
        )
    sources = np.full(math.prod(shape[-2:]), -1, np.int32)
    sources[places[places >= 0]] = np.flatnonzero(places.ravel() >= 0)
    return _picked(_move.reshape(diagonal, (*batch, places.size)), sources, others)


@lower("MatrixSetDiag")
def matrix_set_diag(_: NodeView) -> Compute:
    return lambda x, diagonal: _with_diagonals(x, diagonal, (0, 0), _LEFT)


@lower("MatrixSetDiagV2", "MatrixSetDiagV3", host=(2,))
def matrix_set_diag_v2(node: NodeView) -> Compute:
    align = _alignment(node)
    return lambda x, diagonal, k: _with_diagonals(x, diagonal, _bounds(k), align)


def _with_diagonals(x: Any, diagonal: Any, bounds: tuple[int, int], align: str) -> Any:
    shape = shape_of(x)
    places = positions(*shape[-2:], *bounds, align)
    flat = _move.reshape(x, (*shape[:-2], math.prod(shape[-2:])))
    return _move.reshape(_spread(diagonal, shape, places, flat), shape)


@lower("Diag")
def diag(node: NodeView) -> Compute:
    dtype = node.dtype("T")

    def run(x: Any) -> Any:
        size = math.prod(shape_of(x))
        flat, zero = _move.reshape(x, (size,)), _move.zeros((), dtype)
        return _move.reshape(_matrix(flat, (size, size), (0, 0), _LEFT, zero), shape_of(x) * 2)

    return run


@lower("DiagPart")
def diag_part(_: NodeView) -> Compute:
    def run(x: Any) -> Any:
        shape = shape_of(x)
        half = shape[: len(shape) // 2]
        if half * 2 != shape:
            raise ValueError(f"shape {shape} is not one shape twice")
        size = math.prod(half)
        found = _diagonals(_move.reshape(x, (size, size)), 0, 0, _LEFT, None)
        return _move.reshape(found, half)

    return run


@lower("MatrixBandPart")
def matrix_band_part(node: NodeView) -> Compute:
    dtype = node.dtype("T")

    def run(x: Any, num_lower: Any, num_upper: Any) -> Any:
        rows = _move.expand_dims(_move.arange(x.shape[-2]), 1)
        above = _move.arange(x.shape[-1]) - rows
        below = -above
        num_lower, num_upper = cast(num_lower, "int32"), cast(num_upper, "int32")
        is_low = (num_lower < 0) | (below <= num_lower)
        is_high = (num_upper < 0) | (above <= num_upper)
        return _move.where(is_low & is_high, x, _move.zeros((), dtype))

    return run
