"""Products, solutions and decompositions of matrices: TensorFlow's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Callable

_ops = tf.raw_ops


def mat_mul(transpose_a: bool, transpose_b: bool) -> Callable[[Any, Any], Any]:
    """The product of two matrices."""
    op = _ops.MatMul

    def run(a: Any, b: Any) -> Any:
        return op(a=a, b=b, transpose_a=transpose_a, transpose_b=transpose_b)

    return run


def batch_mat_mul(adj_x: bool, adj_y: bool) -> Callable[[Any, Any], Any]:
    """Products of matrices."""
    op = _ops.BatchMatMulV2
    return lambda x, y: op(x=x, y=y, adj_x=adj_x, adj_y=adj_y)


def einsum(equation: str) -> Callable[..., Any]:
    """Sums of products."""
    op = _ops.Einsum
    return lambda *tensors: op(inputs=tensors, equation=equation)


def adjoint(x: Any) -> Any:
    """Matrices transposed, complex numbers conjugated."""
    return tf.linalg.adjoint(x)


def inverse(x: Any) -> Any:
    """Inverses of matrices."""
    return _ops.MatrixInverse(input=x)


def determinant(x: Any) -> Any:
    """Determinants of matrices."""
    return _ops.MatrixDeterminant(input=x)


def log_determinant(x: Any) -> tuple[Any, Any]:
    """Signs of determinants, and logarithms of their absolute values."""
    sign, log = _ops.LogMatrixDeterminant(input=x)
    return sign, log


def solve(a: Any, b: Any) -> Any:
    """What a times something is b."""
    return _ops.MatrixSolve(matrix=a, rhs=b)


def solve_triangular(a: Any, b: Any, lower: bool, adjoint: bool) -> Any:
    """What a triangle of a times something is b."""
    return _ops.MatrixTriangularSolve(matrix=a, rhs=b, lower=lower, adjoint=adjoint)


def least_squares(a: Any, b: Any) -> Any:
    """The shortest that comes closest to b when multiplied by a."""
    zero = tf.constant(0, tf.float64)
    return _ops.MatrixSolveLs(matrix=a, rhs=b, l2_regularizer=zero, fast=False)


def cholesky(x: Any) -> Any:
    """Lower triangles L such that L times its adjoint has the lower triangle of x."""
    return _ops.Cholesky(input=x)


def qr(x: Any, full: bool) -> tuple[Any, Any]:
    """Orthogonal and triangular factors."""
    q, r = _ops.Qr(input=x, full_matrices=full)
    return q, r


def svd(x: Any, full: bool) -> tuple[Any, Any, Any]:
    """Singular values and both bases, the second not transposed."""
    s, u, v = _ops.Svd(input=x, full_matrices=full)
    return s, u, v


def singular_values(x: Any) -> Any:
    """Singular values."""
    return _ops.Svd(input=x, compute_uv=False)[0]


def eigh(x: Any) -> tuple[Any, Any]:
    """Eigenvalues, ascending, and vectors of symmetric matrices."""
    numbers, vectors = _ops.SelfAdjointEigV2(input=x)
    return numbers, vectors


def eig(x: Any) -> tuple[Any, Any]:
    """Eigenvalues and vectors."""
    wanted = tf.complex128 if x.dtype in (tf.float64, tf.complex128) else tf.complex64
    numbers, vectors = _ops.Eig(input=x, Tout=wanted)
    return numbers, vectors


def mirrored(x: Any) -> Any:
    """Symmetric matrices that have the lower triangles of x."""
    mask = tf.linalg.band_part(tf.ones(x.shape[-2:], tf.int32), -1, 0) > 0
    return tf.where(mask, x, adjoint(x))


def exponential(x: Any) -> Any:
    """Exponentials of matrices."""
    return tf.linalg.expm(x)


def log(x: Any) -> Any:
    """Natural logarithms of elements."""
    return tf.math.log(x)


def sqrt(x: Any) -> Any:
    """Square roots of elements."""
    return tf.math.sqrt(x)


def lu(x: Any) -> tuple[Any, Any]:
    """Both triangles in one, and where each row comes from."""
    factors, order = _ops.Lu(input=x)
    return factors, order
