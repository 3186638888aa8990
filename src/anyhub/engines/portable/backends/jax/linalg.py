"""Products and decompositions of matrices that `keras.ops` computes otherwise, on JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax import lax

from anyhub.engines.portable.backends.jax._products import as_product

if TYPE_CHECKING:
    from collections.abc import Callable


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function without what Python does in it, which takes longer than a small product."""
    compute: Callable[..., Any] = jax.jit(function, inline=True)
    return compute


def mat_mul(transpose_a: bool, transpose_b: bool) -> Callable[[Any, Any], Any]:
    """The product of two matrices, in one op."""
    axes = (((0 if transpose_a else 1,), (1 if transpose_b else 0,)), ((), ()))

    def run(a: Any, b: Any) -> Any:
        if a.ndim != 2 or b.ndim != 2:
            raise ValueError(f"matrices of shapes {a.shape} and {b.shape}")
        return lax.dot_general(a, b, axes)

    return _compiled(run)


def batch_mat_mul(adj_x: bool, adj_y: bool) -> Callable[[Any, Any], Any]:
    """Products of matrices."""

    def run(x: Any, y: Any) -> Any:
        x = adjoint(x) if adj_x else x
        y = adjoint(y) if adj_y else y
        return jnp.matmul(x, y)

    return _compiled(run)


def einsum(equation: str) -> Callable[..., Any]:
    """Sums of products."""
    product = as_product(equation.replace(" ", ""))
    return _compiled(product or (lambda *tensors: jnp.einsum(equation, *tensors)))


def adjoint(x: Any) -> Any:
    """Matrices transposed, complex numbers conjugated."""
    x = jnp.swapaxes(x, -1, -2)
    return jnp.conj(x) if jnp.iscomplexobj(x) else x


def inverse(x: Any) -> Any:
    """Inverses of matrices."""
    return jnp.linalg.inv(x)


def determinant(x: Any) -> Any:
    """Determinants of matrices."""
    return jnp.linalg.det(x)


def log_determinant(x: Any) -> tuple[Any, Any]:
    """Signs of determinants, and logarithms of their absolute values."""
    sign, log = jnp.linalg.slogdet(x)
    return lax.stop_gradient(sign), log.astype(x.dtype)


def solve(a: Any, b: Any) -> Any:
    """What a times something is b."""
    return jnp.linalg.solve(a, b)


def solve_triangular(a: Any, b: Any, lower: bool, adjoint: bool) -> Any:
    """What a triangle of a times something is b."""
    batch = jnp.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return lax.linalg.triangular_solve(
        jnp.broadcast_to(a, (*batch, *a.shape[-2:])),
        jnp.broadcast_to(b, (*batch, *b.shape[-2:])),
        left_side=True,
        lower=lower,
        transpose_a=adjoint,
        conjugate_a=adjoint,
    )


def least_squares(a: Any, b: Any) -> Any:
    """The shortest that comes closest to b when multiplied by a."""
    return jnp.linalg.pinv(a) @ b


def _cholesky(x: Any) -> Any:
    return lax.linalg.cholesky(x, symmetrize_input=False)


# JAX differentiates as if x were free, and TensorFlow as if x were symmetric.
def _cholesky_jvp(primals: Any, tangents: Any) -> Any:
    (x,), (moved,) = primals, tangents
    lower = cholesky(x)
    moved = (moved + adjoint(moved)) / 2
    left = solve_triangular(lower, moved, lower=True, adjoint=False)
    both = adjoint(solve_triangular(lower, adjoint(left), lower=True, adjoint=False))
    half = jnp.tril(both) * (1 - jnp.eye(x.shape[-1], dtype=x.dtype) / 2)
    return lower, lower @ half


cholesky = jax.custom_jvp(_cholesky)
"""Lower triangles L such that L times its adjoint has the lower triangle of x."""
cholesky.defjvp(_cholesky_jvp)


def qr(x: Any, full: bool) -> tuple[Any, Any]:
    """Orthogonal and triangular factors."""
    q, r = jnp.linalg.qr(x, mode="complete" if full else "reduced")
    return q, r


def svd(x: Any, full: bool) -> tuple[Any, Any, Any]:
    """Singular values and both bases, the second not transposed."""
    u, s, v = jnp.linalg.svd(x, full_matrices=full)
    return s, u, adjoint(v)


def singular_values(x: Any) -> Any:
    """Singular values."""
    return jnp.linalg.svd(x, compute_uv=False)


def eigh(x: Any) -> tuple[Any, Any]:
    """Eigenvalues, ascending, and vectors of symmetric matrices."""
    vectors, numbers = lax.linalg.eigh(x, lower=True, symmetrize_input=False)
    return numbers, vectors


def eig(x: Any) -> tuple[Any, Any]:
    """Eigenvalues and vectors."""
    numbers, vectors = jnp.linalg.eig(x)
    return numbers, vectors


def mirrored(x: Any) -> Any:
    """Symmetric matrices that have the lower triangles of x."""
    mask = jnp.tril(jnp.ones(x.shape[-2:], bool))
    return jnp.where(mask, x, adjoint(x))


def exponential(x: Any) -> Any:
    """Exponentials of matrices."""
    return jax.scipy.linalg.expm(x)


def log(x: Any) -> Any:
    """Natural logarithms of elements."""
    return jnp.log(x)


def sqrt(x: Any) -> Any:
    """Square roots of elements."""
    return jnp.sqrt(x)


def lu(x: Any) -> tuple[Any, Any]:
    """Both triangles in one, and where each row comes from."""
    factors, _, order = lax.linalg.lu(x)
    return factors, order
