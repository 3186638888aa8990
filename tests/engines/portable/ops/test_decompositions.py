"""Decompositions of matrices: where signs are free, what they give when multiplied out."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from anyhub.engines.portable import values
from anyhub.engines.portable.run import Run
from support.op_cases import Case, check, parametrize
from support.op_runs import derivative, plan_op, run_op

RNG = np.random.default_rng(0)
DTYPES = ("float32", "float64", "complex64", "complex128")
SOLVED = (2e-4, 2e-5)


def draw(*shape, dtype="float32") -> np.ndarray:
    found = RNG.normal(size=shape)
    if np.dtype(dtype).kind == "c":
        found = found + 1j * RNG.normal(size=shape)
    return found.astype(dtype)


def definite(*shape, dtype="float32") -> np.ndarray:
    """Positive definite matrices."""
    x = draw(*shape, shape[-1], dtype=dtype)
    return (x @ adjoint(x) + 2 * np.eye(shape[-1])).astype(dtype)


def adjoint(x: np.ndarray) -> np.ndarray:
    return np.conj(np.swapaxes(x, -1, -2))


def near(found: np.ndarray, wanted: np.ndarray) -> None:
    limit = 1e-4 if found.dtype.name in ("float32", "complex64") else 1e-9
    np.testing.assert_allclose(found, wanted, rtol=limit, atol=limit)


CASES = []
for dtype in DTYPES:
    # Errors grow with the condition of a matrix, and differ between libraries.
    usual = {"tolerance": SOLVED if dtype in ("float32", "complex64") else None}
    real = {"gradient": dtype == "float32"}
    upper = definite(2, 3, dtype=dtype)
    upper[:, 0, 1] += 7
    CASES += [
        Case("Cholesky", {"input": definite(2, 3, dtype=dtype)}, **usual, **real),
        Case("Cholesky", {"input": upper}, **usual, **real),
        Case("MatrixSquareRoot", {"input": definite(2, 3, dtype=dtype)}, **usual),
    ]
    if np.dtype(dtype).kind == "c":
        CASES += [Case("MatrixLogarithm", {"input": definite(2, 3, dtype=dtype)}, **usual)]
    else:
        CASES += [
            Case("Lu", {"input": draw(2, 3, 3, dtype=dtype)}, **usual),
            Case("Lu", {"input": draw(3, 3, dtype=dtype)}, {"output_idx_type": "int64"}, **usual),
        ]
        inputs = {
            "l": np.linalg.cholesky(definite(2, 3, dtype=dtype)),
            "grad": draw(2, 3, 3, dtype=dtype),
        }
        CASES += [Case("CholeskyGrad", inputs, **usual)]
CASES += [
    Case("Cholesky", {"input": draw(2, 0, 0)}),
    Case("Cholesky", {"input": np.float32([[4]])}, gradient=True),
    Case("Cholesky", {"input": np.float32([[4, np.nan], [1, 3]])}),
]


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("dtype", DTYPES)
def test_lu(dtype: str) -> None:
    x = draw(2, 3, 3, dtype=dtype)
    factors, order = run_op("Lu", x, outputs=2, T=dtype)
    lower, upper = np.tril(factors, -1) + np.eye(3), np.triu(factors)
    near((lower @ upper).astype(dtype), np.take_along_axis(x, order[..., None], -2))


@pytest.mark.parametrize("dtype", [*DTYPES, "float16"])
@pytest.mark.parametrize("shape", [(2, 4, 3), (3, 4), (3, 3)])
@pytest.mark.parametrize("full", [False, True])
def test_qr(dtype: str, shape: tuple[int, ...], full: bool) -> None:
    x = draw(*shape, dtype=dtype)
    q, r = run_op("Qr", x, outputs=2, T=dtype, full_matrices=full)
    wanted = np.linalg.qr(
        x.astype("float64") if dtype == "float16" else x, "complete" if full else "reduced"
    )
    assert (q.dtype, r.dtype, q.shape, r.shape) == (
        x.dtype,
        x.dtype,
        wanted[0].shape,
        wanted[1].shape,
    )
    if dtype == "float16":
        np.testing.assert_allclose(q @ r, x, atol=1e-2)
        return
    near(q @ r, x)
    near(adjoint(q) @ q, np.broadcast_to(np.eye(q.shape[-1]), adjoint(q).shape[:-1] + q.shape[-1:]))
    near(np.tril(r, -1), np.zeros_like(r))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(2, 4, 3), (3, 4)])
@pytest.mark.parametrize("full", [False, True])
def test_svd(dtype: str, shape: tuple[int, ...], full: bool) -> None:
    x = draw(*shape, dtype=dtype)
    s, u, v = run_op("Svd", x, outputs=3, T=dtype, full_matrices=full)
    assert (s.dtype, u.dtype, v.dtype) == (x.dtype, x.dtype, x.dtype)
    wanted = np.linalg.svd(x, full_matrices=full)
    near(s, wanted[1].astype(dtype))
    assert (u.shape, v.shape) == (wanted[0].shape, np.swapaxes(wanted[2], -1, -2).shape)
    count = s.shape[-1]
    near((u[..., :count] * s[..., None, :]) @ adjoint(v[..., :count]), x)
    (alone,) = run_op("Svd", x, T=dtype, compute_uv=False)
    assert alone.dtype == x.dtype
    near(alone, s)


@pytest.mark.parametrize("dtype", DTYPES)
def test_self_adjoint_eig(dtype: str) -> None:
    x = definite(2, 3, dtype=dtype)
    upper = x.copy()
    upper[:, 0, 1] = np.nan
    numbers, vectors = run_op("SelfAdjointEigV2", upper, outputs=2, T=dtype)
    assert (numbers.dtype, vectors.dtype) == (x.dtype, x.dtype)
    near(numbers, np.linalg.eigvalsh(x).astype(dtype))
    near(x @ vectors, vectors * numbers[..., None, :])
    near(adjoint(vectors) @ vectors, np.broadcast_to(np.eye(3), x.shape))
    (alone,) = run_op("SelfAdjointEigV2", x, T=dtype, compute_v=False)
    near(alone, numbers)


def weighted(op: str, x: np.ndarray, weights: np.ndarray, **attrs) -> np.ndarray:
    """The derivative of the weighted sum of an op's first output."""
    plan = plan_op(op, [x], 1, {"T": "float32", **attrs})

    def total(value):
        return keras.ops.sum(plan(Run(), value)[0] * values.to_device(weights))

    return derivative(total, x)


@pytest.mark.parametrize("has_vectors", [True, False])
def test_derivative_of_eigenvalues_by_the_lower_triangle(has_vectors: bool) -> None:
    x, weights = definite(2, 3), draw(2, 3)
    _, vectors = np.linalg.eigh(x)
    free = (vectors * weights[:, None]) @ adjoint(vectors)
    found = weighted("SelfAdjointEigV2", x, weights, compute_v=has_vectors)
    near(found, np.tril(free) + np.tril(free, -1))


@pytest.mark.parametrize("has_bases", [True, False])
def test_derivative_of_singular_values(has_bases: bool) -> None:
    x, weights = draw(2, 4, 3), draw(2, 3)
    u, _, v = np.linalg.svd(x, full_matrices=False)
    near(weighted("Svd", x, weights, compute_uv=has_bases), (u * weights[:, None]) @ v)


@pytest.mark.parametrize("dtype", DTYPES)
def test_eig(dtype: str) -> None:
    x = draw(2, 3, 3, dtype=dtype)
    wide = "complex128" if dtype in ("float64", "complex128") else "complex64"
    numbers, vectors = run_op("Eig", x, outputs=2, T=dtype, Tout=wide)
    assert (numbers.dtype.name, vectors.dtype.name) == (wide, wide)
    near(x @ vectors, vectors * numbers[..., None, :])
    (alone,) = run_op("Eig", x, T=dtype, Tout=wide, compute_v=False)
    near(np.sort_complex(alone), np.sort_complex(numbers))


@pytest.mark.parametrize("dtype", DTYPES)
def test_matrix_exponential(dtype: str) -> None:
    x = draw(2, 3, 3, dtype=dtype) / 2
    (found,) = run_op("MatrixExponential", x, T=dtype)
    assert found.dtype == x.dtype
    power, wanted = np.broadcast_to(np.eye(3), x.shape), np.zeros_like(x)
    for n in range(1, 30):
        wanted = wanted + power
        power = power @ x / n
    near(found, wanted)


def test_of_matrices_that_are_not_definite() -> None:
    (found,) = run_op("Cholesky", np.float32([[1, 2], [2, 1]]), T="float32")
    assert np.isnan(found).any()


@pytest.mark.parametrize("op", ["Cholesky", "Svd", "SelfAdjointEigV2"])
def test_old_names(op: str) -> None:
    x = definite(2, 3)
    found, wanted = (run_op(name, x, T="float32") for name in (f"Batch{op}", op))
    np.testing.assert_array_equal(found, wanted)
