"""Reductions against TensorFlow's CPU kernels."""

from __future__ import annotations

import ml_dtypes
import numpy as np

from support.op_cases import Case, check, parametrize

RNG = np.random.default_rng(0)
NAN, INF = np.nan, np.inf
FLOATS = ("float16", ml_dtypes.bfloat16, "float64")
INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
COMPLEX = ("complex64", "complex128")
X = RNG.uniform(-2, 2, (2, 3, 4)).astype(np.float32)


def reduction(op, x, axes, keep=False, **options) -> Case:
    inputs = {"input": x, "axis": np.asarray(axes, np.int32)}
    return Case(op, inputs, {"keep_dims": keep}, static=("axis",), **options)


def numbers(dtype) -> np.ndarray:
    name = np.dtype(dtype).name
    if "int" in name:
        low = 0 if name.startswith("u") else -100
        return RNG.integers(low, 101, (3, 4)).astype(dtype)
    if name.startswith("complex"):
        return (RNG.normal(size=(3, 4)) + 1j * RNG.normal(size=(3, 4))).astype(dtype)
    return RNG.uniform(-2, 2, (3, 4)).astype(dtype)


CASES = []
for op in ("Sum", "Mean", "Max", "Min", "Prod", "EuclideanNorm"):
    CASES += [
        reduction(op, X, [1], gradient=True),
        reduction(op, X, [-1, 0], True, gradient=True),
        reduction(op, X, [0, 1, 2], gradient=True),
        reduction(op, numbers("int32"), [0]),
        reduction(op, X, np.zeros(0), gradient=op != "EuclideanNorm"),
        reduction(op, X, 1),
        reduction(op, np.float32(3), np.zeros(0)),
        reduction(op, np.float32([[NAN, 1, INF], [2, -INF, INF], [1, 0, -INF]]), [0]),
        reduction(op, np.float32([[NAN, 1, INF], [2, -INF, INF]]), [1]),
        reduction(op, np.zeros((0, 2), np.float32), [0]),
        reduction(op, np.zeros((0, 2), np.float32), [1], True),
        reduction(op, np.zeros((2, 0, 3), np.int32), [1]),
        Case(op, {"input": X, "axis": np.asarray([2], np.int64)}, static=("axis",)),
    ]
    CASES += [
        reduction(op, numbers(dtype), [1], compiled=dtype == "int8")
        for dtype in (*FLOATS, *INTEGERS)
    ]
    if op not in ("Max", "Min"):
        CASES += [reduction(op, numbers(dtype), [0]) for dtype in COMPLEX]

TIES = np.float32([[1, 0, 3], [2, 0, 3], [2, 0, -3]])
for op in ("Max", "Min"):
    CASES += [
        reduction(op, TIES, [0], gradient=True),
        reduction(op, TIES, [0, 1], gradient=True),
        reduction(op, np.asarray([2**63, 2**64 - 1, 5], np.uint64), [0]),
        reduction(op, np.zeros((0, 2), ml_dtypes.bfloat16), [0]),
        reduction(op, np.zeros((0, 2), np.uint8), [0]),
    ]
ZEROS = np.float32([[1, 0, 3], [2, 2, 0], [4, 0, 6]])
CASES += [
    reduction("Prod", ZEROS, [0], gradient=True),
    reduction("Prod", ZEROS, [0, 1], gradient=True),
    reduction("EuclideanNorm", ZEROS, [0], gradient=True),
    reduction("Sum", np.full(3, 100, np.int8), [0]),
    reduction("Prod", np.full(3, 100, np.int8), [0]),
    reduction("Mean", np.full(3, 100, np.int8), [0]),
    reduction("Mean", np.asarray([-7, -8]), [0]),
    reduction("Mean", np.full(3, 2**62), [0]),
    reduction("EuclideanNorm", np.asarray([-100, 10], np.int8), np.zeros(0)),
    reduction("EuclideanNorm", np.zeros((2, 2), np.float32), [0], gradient=True),
]
BOOLS = RNG.uniform(size=(2, 3, 2)) > 0.4
for op in ("All", "Any"):
    CASES += [
        reduction(op, BOOLS, [1]),
        reduction(op, BOOLS, [-1, 0], True),
        reduction(op, BOOLS, np.zeros(0)),
        reduction(op, BOOLS, [0, 1, 2]),
        reduction(op, np.zeros((0, 2), bool), [0]),
        reduction(op, np.asarray(True), np.zeros(0)),
    ]


def arg(op, x, axis, output="int64", **options) -> Case:
    inputs = {"input": x, "dimension": np.asarray(axis, np.int32)}
    return Case(op, inputs, {"output_type": output}, static=("dimension",), **options)


for op in ("ArgMax", "ArgMin"):
    CASES += [
        arg(op, X, 1),
        arg(op, X, -1, "int32"),
        arg(op, np.float32([[1, 3, 3], [0, 0, -1]]), 1),
        arg(op, np.float32([[NAN, 1, 2], [1, NAN, 2], [1, 2, NAN], [NAN, NAN, NAN]]), 1),
        arg(op, np.float32([[-INF, -3e38, -INF], [INF, 3e38, INF], [NAN, -INF, INF]]), 1),
        arg(op, np.float32([[-INF, np.finfo("float32").min, 0], [INF, 0, 3]]), 1),
        arg(op, BOOLS, 1),
        arg(op, np.zeros((0, 2), np.float32), 1),
        arg(op, np.asarray([[2**63, 5, 2**64 - 1]], np.uint64), 1),
    ]
    CASES += [arg(op, numbers(dtype), 0, compiled=False) for dtype in (*FLOATS, *INTEGERS)]
CASES += [arg("ArgMax", X, 0, output) for output in ("int16", "uint16")]
ON_HOST = [
    Case(case.op, case.inputs, case.attrs, static=tuple(case.inputs))
    for case in CASES
    if case.op in ("ArgMax", "ArgMin")
]


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)


@parametrize(ON_HOST)
def test_matches_tensorflow_on_the_host(case: Case) -> None:
    check(case)
