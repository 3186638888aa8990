"""Products and decompositions of matrices that `keras.ops` computes otherwise, on torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable


def _product(a: Any, b: Any) -> Any:
    if a.is_cuda and not (a.is_floating_point() or a.is_complex()):
        # torch multiplies matrices of integers on the CPU only.
        return torch.sum(a.unsqueeze(-1) * b.unsqueeze(-3), -2, dtype=a.dtype)
    return torch.matmul(a, b)


def mat_mul(transpose_a: bool, transpose_b: bool) -> Callable[[Any, Any], Any]:
    """The product of two matrices."""

    def run(a: Any, b: Any) -> Any:
        if a.ndim != 2 or b.ndim != 2:
            raise ValueError(f"matrices of shapes {tuple(a.shape)} and {tuple(b.shape)}")
        return _product(a.mT if transpose_a else a, b.mT if transpose_b else b)

    return run


def batch_mat_mul(adj_x: bool, adj_y: bool) -> Callable[[Any, Any], Any]:
    """Products of matrices."""

    def run(x: Any, y: Any) -> Any:
        return _product(x.mH if adj_x else x, y.mH if adj_y else y)

    return run


def einsum(equation: str) -> Callable[..., Any]:
    """Sums of products."""
    return lambda *tensors: torch.einsum(equation, *tensors)


def adjoint(x: Any) -> Any:
    """Matrices transposed, complex numbers conjugated."""
    return x.mH


def inverse(x: Any) -> Any:
    """Inverses of matrices."""
    return torch.linalg.inv(x)


def determinant(x: Any) -> Any:
    """Determinants of matrices."""
    return torch.linalg.det(x)


def log_determinant(x: Any) -> tuple[Any, Any]:
    """Signs of determinants, and logarithms of their absolute values."""
    sign, log = torch.linalg.slogdet(x)
    return sign.detach(), log.to(x.dtype)


def solve(a: Any, b: Any) -> Any:
    """What a times something is b."""
    return torch.linalg.solve(a, b)


def solve_triangular(a: Any, b: Any, lower: bool, adjoint: bool) -> Any:
    """What a triangle of a times something is b."""
    matrix = a.mH if adjoint else a
    return torch.linalg.solve_triangular(matrix, b, upper=lower is adjoint)


def least_squares(a: Any, b: Any) -> Any:
    """The shortest that comes closest to b when multiplied by a."""
    return torch.linalg.pinv(a) @ b


def cholesky(x: Any) -> Any:
    """Lower triangles L such that L times its adjoint has the lower triangle of x."""
    found, failed = torch.linalg.cholesky_ex(x)
    return torch.where((failed > 0)[..., None, None], torch.nan, found)


def qr(x: Any, full: bool) -> tuple[Any, Any]:
    """Orthogonal and triangular factors."""
    q, r = torch.linalg.qr(x, mode="complete" if full else "reduced")
    return q, r


def svd(x: Any, full: bool) -> tuple[Any, Any, Any]:
    """Singular values and both bases, the second not transposed."""
    u, s, v = torch.linalg.svd(x, full_matrices=full)
    return s, u, v.mH


def singular_values(x: Any) -> Any:
    """Singular values."""
    return torch.linalg.svdvals(x)


def eigh(x: Any) -> tuple[Any, Any]:
    """Eigenvalues, ascending, and vectors of symmetric matrices."""
    numbers, vectors = torch.linalg.eigh(x)
    return numbers, vectors


def eig(x: Any) -> tuple[Any, Any]:
    """Eigenvalues and vectors."""
    numbers, vectors = torch.linalg.eig(x)
    return numbers, vectors


def mirrored(x: Any) -> Any:
    """Symmetric matrices that have the lower triangles of x."""
    mask = torch.ones(x.shape[-2:], dtype=torch.bool, device=x.device).tril()
    return torch.where(mask, x, x.mH)


def exponential(x: Any) -> Any:
    """Exponentials of matrices."""
    return torch.linalg.matrix_exp(x)


def log(x: Any) -> Any:
    """Natural logarithms of elements."""
    return torch.log(x)


def sqrt(x: Any) -> Any:
    """Square roots of elements."""
    return torch.sqrt(x)


def lu(x: Any) -> tuple[Any, Any]:
    """Both triangles in one, and where each row comes from."""
    factors, pivots = torch.linalg.lu_factor(x)
    rows = torch.lu_unpack(factors, pivots, unpack_data=False)[0]
    return factors, torch.argmax(torch.real(rows) if rows.is_complex() else rows, -2)
