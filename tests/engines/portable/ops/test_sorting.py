"""Sorting against TensorFlow's CPU kernels."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from anyhub.errors import EngineError
from support.op_cases import Case, check, parametrize
from support.op_runs import plan_op, run_op

RNG = np.random.default_rng(0)
NAN, INF = np.nan, np.inf
X = RNG.uniform(-2, 2, (2, 3, 5)).astype(np.float32)
TIES = np.float32([[1, 5, 2, 5, 3], [0, 0, 0, 0, 0], [-1, INF, -INF, INF, 2]])
FLOATS = ("float16", ml_dtypes.bfloat16, "float64")
INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")


def numbers(dtype) -> np.ndarray:
    return RNG.permutation(12).reshape(3, 4).astype(dtype)


def top(x, k, attrs=None, dtype=np.int32, **options) -> Case:
    inputs = {"input": x, "k": np.asarray(k, dtype)}
    return Case("TopKV2", inputs, attrs or {}, static=("k",), **options)


def nth(x, n, reverse=False, **options) -> Case:
    inputs = {"input": x, "n": np.asarray(n, np.int32)}
    return Case("NthElement", inputs, {"reverse": reverse}, static=("n",), **options)


CASES = [
    top(X, 2, gradient=True),
    top(TIES, 3),
    top(TIES, 5, {"index_type": "int64"}, np.int64),
    top(TIES[0], 1, {"index_type": "int16"}, np.int16),
    top(X, 0),
    top(np.asarray([[2**63, 5, 2**64 - 1]], np.uint64), 2),
    top(np.zeros((0, 3), np.float32), 2),
    nth(X, 1, gradient=True),
    nth(X, 1, True, gradient=True),
    nth(np.float32([[1, 3, 3], [2, 5, 3], [4, 0, 3]]), 1, gradient=True),
    nth(np.float32([[1, INF, 3], [-INF, 5, 3]]), 2),
    nth(np.asarray([[2**63, 5, 2**64 - 1]], np.uint64), 1),
]
CASES += [top(numbers(dtype), 2, compiled=False) for dtype in (*FLOATS, *INTEGERS)]
CASES += [nth(numbers(dtype), 2, compiled=False) for dtype in (*FLOATS, *INTEGERS)]

SCORES = np.float32(
    [[1, 3, 2], [1, 1, 1], [NAN, 1, 2], [INF, 1, 2], [1, 2, 3], [1, 2, 3], [3, 2, 1]]
)
TARGETS = np.int32([2, 0, 1, 1, 5, -1, 1])
for k in (0, 1, 2, 3):
    CASES += [
        Case("InTopK", {"predictions": SCORES, "targets": TARGETS}, {"k": k}),
        Case(
            "InTopKV2",
            {"predictions": SCORES, "targets": TARGETS.astype(np.int64), "k": np.int64(k)},
            static=("k",),
        ),
    ]

TEXTS = np.asarray([b"b", b"a", b"b", b"", b"a"], object)
VECTORS = (
    np.asarray([3, 1, 3, 2, 1, 1]),
    np.float32([NAN, 1, NAN, -0.0, 0.0, 1]),
    TEXTS,
    np.zeros(0, np.int32),
    np.asarray([True, False, True]),
    np.asarray([3, 1, 3], ml_dtypes.bfloat16),
)
for op in ("Unique", "UniqueWithCounts"):
    CASES += [
        Case(op, {"x": x}, {"out_idx": out}, static=("x",), compiled=False)
        for x, out in zip(VECTORS, ("int32", "int64") * 3, strict=True)
    ]
    CASES += [
        Case(op, {"x": RNG.integers(0, 3, 5).astype(dtype)}, static=("x",), compiled=False)
        for dtype in INTEGERS
    ]
ROWS = np.asarray([[1, 0, 1], [2, 1, 2], [1, 0, 1]])
for op in ("UniqueV2", "UniqueWithCountsV2"):
    CASES += [
        Case(
            op,
            {"x": x, "axis": np.asarray(axis, np.int64)},
            static=("x", "axis"),
            compiled=x.dtype != object,
        )
        for x, axis in (
            (ROWS, [0]), (ROWS, [1]), (ROWS[0], []), (ROWS, [-1]), (TEXTS, [0]),
            (np.asarray([[1, NAN], [1, NAN], [2, 0], [2, 0]]), [0]),
            (ROWS.reshape(3, 3, 1).astype(np.int8), [1]),
        )
    ]  # fmt: skip


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)


def test_first_version_of_top_k() -> None:
    found = run_op("TopK", TIES, outputs=2, T="float32", k=3)
    wanted = run_op("TopKV2", TIES, np.int32(3), outputs=2, static=(1,), T="float32")
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(("is_max", "axis"), [(True, -1), (False, -1), (True, 1), (False, 0)])
def test_approximate_is_exact(is_max: bool, axis: int) -> None:
    attrs = {"T": "float32", "k": 2, "reduction_dimension": axis, "is_max_k": is_max}
    found, indices = run_op("ApproxTopK", X, outputs=2, **attrs)
    order = np.argsort(-X if is_max else X, axis, kind="stable")
    order = np.take(order, [0, 1], axis)
    np.testing.assert_array_equal(indices, order)
    assert indices.dtype == np.int32
    np.testing.assert_array_equal(found, np.take_along_axis(X, order, axis))


def test_approximate_without_aggregation_is_refused() -> None:
    with pytest.raises(EngineError, match="aggregate_to_topk"):
        plan_op("ApproxTopK", [X], 2, {"T": "float32", "k": 2, "aggregate_to_topk": False})


def test_unsorted_top_k_has_the_same_elements() -> None:
    found, indices = run_op(
        "TopKV2", TIES, np.int32(3), outputs=2, static=(1,), T="float32", sorted=False
    )
    np.testing.assert_array_equal(np.sort(found, -1), np.sort(TIES, -1)[:, -3:])
    np.testing.assert_array_equal(np.take_along_axis(TIES, indices, -1), found)
