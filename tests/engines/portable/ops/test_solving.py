"""Equations of matrices against TensorFlow's CPU kernels."""

from __future__ import annotations

import numpy as np
import pytest

from anyhub.errors import EngineError
from support.op_cases import Case, check, parametrize
from support.op_runs import plan_op, run_op

RNG = np.random.default_rng(0)
DTYPES = ("float64", "complex64", "complex128")
# Errors grow with the condition of a matrix, and differ between libraries.
SOLVED = (2e-4, 2e-5)


def draw(*shape, dtype="float32") -> np.ndarray:
    found = RNG.normal(size=shape)
    if np.dtype(dtype).kind == "c":
        found = found + 1j * RNG.normal(size=shape)
    return found.astype(dtype)


def square(*shape, dtype="float32") -> np.ndarray:
    """Matrices far from singular ones."""
    return (draw(*shape, shape[-1], dtype=dtype) + 3 * np.eye(shape[-1])).astype(dtype)


def options(dtype, **more) -> dict:
    tolerance = SOLVED if dtype in ("float32", "complex64") else None
    return {"tolerance": tolerance, "compiled": dtype == "float32", **more}


CASES = []
for dtype in ("float32", *DTYPES):
    usual = options(dtype, gradient=dtype == "float32")
    for adjoint in (False, True):
        CASES += [
            Case(
                "MatrixInverse", {"input": square(2, 3, dtype=dtype)}, {"adjoint": adjoint}, **usual
            ),
            Case(
                "MatrixSolve",
                {"matrix": square(2, 3, dtype=dtype), "rhs": draw(2, 3, 2, dtype=dtype)},
                {"adjoint": adjoint},
                **usual,
            ),
        ]
        CASES += [
            Case(
                "MatrixTriangularSolve",
                {"matrix": square(2, 3, dtype=dtype), "rhs": draw(2, 3, 2, dtype=dtype)},
                {"adjoint": adjoint, "lower": lower},
                **usual,
            )
            for lower in (True, False)
        ]
        CASES += [
            Case(
                "BandedTriangularSolve",
                {"matrix": draw(2, 2, 4, dtype=dtype) + 3, "rhs": draw(2, 4, 2, dtype=dtype)},
                {"adjoint": adjoint, "lower": lower},
                **usual,
            )
            for lower in (True, False)
        ]
    bands = draw(2, 3, 4, dtype=dtype)
    bands[:, 1] += 5
    CASES += [
        Case(
            "TridiagonalSolve",
            {"diagonals": bands, "rhs": draw(2, 4, 2, dtype=dtype)},
            {"partial_pivoting": pivoting},
            **usual,
        )
        for pivoting in (True, False)
    ]
    CASES += [
        Case("MatrixDeterminant", {"input": square(2, 3, dtype=dtype)}, **usual),
        Case("LogMatrixDeterminant", {"input": square(2, 3, dtype=dtype)}, **usual),
    ]
    CASES += [
        Case(
            "MatrixSolveLs",
            {
                "matrix": draw(2, *shape, dtype=dtype),
                "rhs": draw(2, shape[0], 2, dtype=dtype),
                "l2_regularizer": np.float64(weight),
            },
            {"fast": fast},
            static=("l2_regularizer",),
            **options(dtype, gradient=fast and dtype == "float32"),
        )
        for shape in ((4, 2), (2, 4), (3, 3))
        for weight, fast in ((0.5, True), (0.1, True), (0, False))
    ]
CASES += [
    Case("MatrixInverse", {"input": square(2).astype("float16")}),
    Case("MatrixInverse", {"input": draw(2, 0, 0)}),
    Case("MatrixInverse", {"input": np.float32([[4]])}, gradient=True),
    Case("MatrixDeterminant", {"input": np.float32([[1, 1], [1, 1]])}),
    Case("MatrixDeterminant", {"input": draw(2, 0, 0)}),
    Case("LogMatrixDeterminant", {"input": np.float32([[1, 1], [1, 1]])}),
    Case("LogMatrixDeterminant", {"input": np.float32([[0, 1], [1, 0]])}, gradient=True),
    Case("MatrixTriangularSolve", {"matrix": square(2, 3), "rhs": draw(3, 1)}, gradient=True),
    Case(
        "MatrixTriangularSolve",
        {"matrix": np.float32([[1, 9], [1, 0]]), "rhs": np.float32([[1], [1]])},
    ),
    Case("MatrixSolve", {"matrix": square(3), "rhs": draw(3, 0)}),
    Case("BandedTriangularSolve", {"matrix": draw(3, 3) + 3, "rhs": draw(3, 1)}, gradient=True),
]


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)


@pytest.mark.parametrize(
    ("op", "count"),
    [("MatrixInverse", 1), ("MatrixDeterminant", 1), ("MatrixSolve", 2),
     ("MatrixTriangularSolve", 2)],
)  # fmt: skip
def test_old_names(op: str, count: int) -> None:
    inputs = [square(2, 3)] * count
    found, wanted = (run_op(name, *inputs, T="float32") for name in (f"Batch{op}", op))
    np.testing.assert_array_equal(found, wanted)


def test_perturbed_is_refused() -> None:
    attrs = {"T": "float32", "perturb_singular": True}
    with pytest.raises(EngineError, match="perturb_singular"):
        plan_op("TridiagonalSolve", [draw(3, 3), draw(3, 1)], 1, attrs)
