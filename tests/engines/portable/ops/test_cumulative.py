"""Cumulative ops against TensorFlow's CPU kernels."""

from __future__ import annotations

import ml_dtypes
import numpy as np

from support.op_cases import Case, check, parametrize

RNG = np.random.default_rng(0)
NAN, INF = np.nan, np.inf
X = RNG.uniform(-2, 2, (2, 3, 4)).astype(np.float32)
FLOATS = ("float16", ml_dtypes.bfloat16, "float64")
INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")


def cumulative(op, x, axis, exclusive=False, reverse=False, **options) -> Case:
    inputs = {"x": x, "axis": np.asarray(axis, np.int32)}
    attrs = {"exclusive": exclusive, "reverse": reverse}
    return Case(op, inputs, attrs, static=("axis",), **options)


CASES = []
for op in ("Cumsum", "Cumprod", "CumulativeLogsumexp"):
    CASES += [
        cumulative(op, X, axis, exclusive, reverse, gradient=True)
        for axis, exclusive, reverse in (
            (1, False, False), (-1, True, False), (0, False, True), (2, True, True)
        )
    ]  # fmt: skip
    CASES += [cumulative(op, RNG.uniform(0.5, 1.5, (2, 3)).astype(dtype), 1) for dtype in FLOATS]
    CASES += [
        cumulative(op, np.zeros((0, 2), np.float32), 0, True),
        cumulative(op, np.zeros((0, 2), np.float32), 1),
        cumulative(op, np.float32([-INF, INF, 1, NAN, 2]), 0),
        cumulative(op, np.float32([[5]]), 1, True, True),
    ]
for op in ("Cumsum", "Cumprod"):
    CASES += [
        cumulative(
            op, RNG.integers(1, 100, (2, 3)).astype(dtype), 1, dtype == "int8", compiled=False
        )
        for dtype in INTEGERS
    ]
    CASES += [
        cumulative(op, (RNG.normal(size=(2, 3)) + 1j).astype(dtype), 1, True)
        for dtype in ("complex64", "complex128")
    ]
CASES += [
    cumulative("CumulativeLogsumexp", np.float32([1, 2, -INF, 3]), 0, e, r, gradient=True)
    for e in (False, True)
    for r in (False, True)
]
CASES += [
    cumulative("CumulativeLogsumexp", np.float32([-INF, -INF, 1, INF, 90, -90]), 0, True),
    cumulative("CumulativeLogsumexp", np.float32([20, 40, 20]), 0, gradient=True),
]
ON_HOST = [
    Case(case.op, case.inputs, case.attrs, static=tuple(case.inputs))
    for case in CASES
    if case.op != "CumulativeLogsumexp"
]


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)


@parametrize(ON_HOST)
def test_matches_tensorflow_on_the_host(case: Case) -> None:
    check(case)
