"""Equations of matrices: inverses, determinants and solutions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.registry import lower
from anyhub.engines.portable.values import cast, dtype_name, to_device

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute
    from anyhub.graph.const_call import Array

_backend = primitives("linalg")
_reducing = primitives("reducing")

_SINGULAR = "matrices without an inverse give infinities or NaN on JAX, where TensorFlow raises"


@lower("MatrixInverse", "BatchMatrixInverse", limits=_SINGULAR)
def matrix_inverse(node: NodeView) -> Compute:
    adjoint, dtype = node.boolean("adjoint"), node.dtype("T")

    def run(x: Any) -> Any:
        # No backend inverts half precision.
        wide = cast(x, "float32") if dtype == "float16" else x
        found = _backend.inverse(_backend.adjoint(wide) if adjoint else wide)
        return cast(found, dtype) if dtype == "float16" else found

    return run


@lower("MatrixDeterminant", "BatchMatrixDeterminant")
def matrix_determinant(_: NodeView) -> Compute:
    compute: Compute = _backend.determinant
    return compute


@lower("LogMatrixDeterminant")
def log_matrix_determinant(_: NodeView) -> Compute:
    compute: Compute = _backend.log_determinant
    return compute


@lower("MatrixSolve", "BatchMatrixSolve", limits=_SINGULAR)
def matrix_solve(node: NodeView) -> Compute:
    if node.boolean("adjoint"):
        return lambda matrix, rhs: _backend.solve(_backend.adjoint(matrix), rhs)
    compute: Compute = _backend.solve
    return compute


@lower("MatrixSolveLs", "BatchMatrixSolveLs", host=(2,))
def matrix_solve_ls(node: NodeView) -> Compute:
    # The slow way takes no notice of the regularizer there either.
    if not node.boolean("fast"):
        return lambda matrix, rhs, _: _backend.least_squares(matrix, rhs)

    def run(matrix: Any, rhs: Any, regularizer: Array) -> Any:
        adjoint, size = _backend.adjoint(matrix), min(matrix.shape[-2:])
        is_tall = matrix.shape[-2] >= matrix.shape[-1]
        extra = cast(to_device(np.eye(size) * regularizer.item()), dtype_name(matrix))
        gram = (adjoint @ matrix if is_tall else matrix @ adjoint) + extra
        if is_tall:
            return _backend.solve(gram, adjoint @ rhs)
        return adjoint @ _backend.solve(gram, rhs)

    return run


@lower("MatrixTriangularSolve", "BatchMatrixTriangularSolve")
def matrix_triangular_solve(node: NodeView) -> Compute:
    lower_, adjoint = node.boolean("lower"), node.boolean("adjoint")
    return lambda matrix, rhs: _backend.solve_triangular(matrix, rhs, lower_, adjoint)


def _dense(bands: Any, offsets: list[int]) -> Any:
    """Matrices from their diagonals; element [i, i + offset] is the i-th of a band."""
    size = bands.shape[-1]
    rows, columns = np.indices((size, size))
    band = np.full((size, size), -1)
    for index, offset in enumerate(offsets):
        band[columns - rows == offset] = index
    flat = K.reshape(bands, (*bands.shape[:-2], -1))
    places = np.where(band < 0, 0, band * size + rows).astype(np.int32)
    return _reducing.without(K.take(flat, to_device(places), axis=-1), to_device(band < 0))


@lower("BandedTriangularSolve", limits="takes as long as with a matrix that is not banded")
def banded_triangular_solve(node: NodeView) -> Compute:
    lower_, adjoint = node.boolean("lower"), node.boolean("adjoint")

    def run(bands: Any, rhs: Any) -> Any:
        count = bands.shape[-2]
        offsets = [-i for i in range(count)] if lower_ else [*range(count)][::-1]
        return _backend.solve_triangular(_dense(bands, offsets), rhs, lower_, adjoint)

    return run


# The attribute partial_pivoting says how, and rounding alone differs.
@lower(
    "TridiagonalSolve",
    limits="takes as long as with a matrix that is not tridiagonal; perturb_singular=True is not "
    f"supported; {_SINGULAR}",
)
def tridiagonal_solve(node: NodeView) -> Compute:
    if node.boolean("perturb_singular"):
        node.unsupported("perturb_singular=True")
    return lambda bands, rhs: _backend.solve(_dense(bands, [1, 0, -1]), rhs)
