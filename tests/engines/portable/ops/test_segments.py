"""Segment ops against TensorFlow's CPU kernels."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from support.op_cases import Case, check, parametrize
from support.op_runs import run_op

RNG = np.random.default_rng(0)
X = RNG.uniform(-2, 2, (6, 2)).astype(np.float32)
TIES = np.float32([[1, 2], [1, 0], [5, 0], [3, 0], [3, 0], [0, 0]])
SORTED = np.int32([0, 0, 1, 3, 3, 3])
MIXED = np.int32([2, -1, 0, 2, 0, 4])
FLOATS = ("float16", ml_dtypes.bfloat16, "float64")
INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")


def numbers(dtype) -> np.ndarray:
    name = np.dtype(dtype).name
    if "int" in name:
        return RNG.integers(0 if name.startswith("u") else -100, 101, (6, 2)).astype(dtype)
    if name.startswith("complex"):
        return (RNG.normal(size=(6, 2)) + 1j * RNG.normal(size=(6, 2))).astype(dtype)
    return RNG.uniform(-2, 2, (6, 2)).astype(dtype)


def segments(name, data, ids=SORTED, **options) -> Case:
    inputs = {"data": data, "segment_ids": np.asarray(ids)}
    return Case(f"Segment{name}", inputs, static=("segment_ids",), **options)


def unsorted(name, data, ids=MIXED, count=5, **options) -> Case:
    inputs = {"data": data, "segment_ids": np.asarray(ids), "num_segments": np.int32(count)}
    return Case(f"UnsortedSegment{name}", inputs, static=("num_segments",), **options)


CASES = []
for name in ("Sum", "Mean", "Max", "Min", "Prod"):
    CASES += [
        segments(name, X, gradient=True),
        segments(name, TIES, gradient=True),
        segments(name, X[:, 0], SORTED.astype(np.int64)),
        segments(name, numbers("int32")),
        segments(name, np.zeros((0, 2), np.float32), np.zeros(0, np.int32)),
    ]
    CASES += [segments(name, numbers(dtype), compiled=False) for dtype in (*FLOATS, *INTEGERS)]
    if name in ("Sum", "Mean"):
        CASES += [segments(name, numbers(dtype)) for dtype in ("complex64", "complex128")]
for name in ("Sum", "Max", "Min", "Prod"):
    CASES += [
        unsorted(name, X, gradient=True),
        unsorted(name, TIES, SORTED, gradient=True),
        unsorted(name, X.reshape(2, 3, 2), MIXED.reshape(2, 3), gradient=True),
        unsorted(name, X.reshape(2, 3, 2), MIXED.reshape(2, 3).astype(np.int64), 6),
        unsorted(name, X.reshape(2, 6), np.int32([1, 0]), 3),
        unsorted(name, np.zeros((0, 2), np.float32), np.zeros(0, np.int32), 2),
        unsorted(name, X, np.full(6, -1, np.int32), 1),
    ]
    CASES += [unsorted(name, numbers(dtype), compiled=False) for dtype in (*FLOATS, *INTEGERS)]
CASES += [unsorted("Sum", X, MIXED.astype(np.int16))]
CASES += [unsorted("Sum", numbers("complex64")), unsorted("Sum", numbers("complex128"))]

INDICES = np.int32([0, 5, 1, 1, 3, 0])
for name in ("Sum", "Mean", "SqrtN"):
    inputs = {"data": X, "indices": INDICES, "segment_ids": SORTED}
    counted = {**inputs, "num_segments": np.int32(6)}
    CASES += [
        Case(f"SparseSegment{name}", inputs, static=("segment_ids",), gradient=True),
        Case(
            f"SparseSegment{name}",
            {**inputs, "data": numbers("float64"), "indices": INDICES.astype(np.int64)},
            static=("segment_ids",),
        ),
        Case(
            f"SparseSegment{name}WithNumSegments",
            counted,
            static=("num_segments",),
            gradient=True,
        ),
        Case(
            f"SparseSegment{name}WithNumSegments",
            {**counted, "data": numbers("float16"), "segment_ids": SORTED.astype(np.int64)},
            static=("num_segments",),
        ),
        Case(
            f"SparseSegment{name}Grad",
            {"grad": X[:4], "indices": INDICES, "segment_ids": SORTED,
             "output_dim0": np.int32(7)},
            static=("output_dim0",),
        ),
        Case(
            f"SparseSegment{name}GradV2",
            {"grad": X[:4], "indices": INDICES, "segment_ids": SORTED,
             "dense_output_dim0": np.int32(7)},
            static=("indices", "dense_output_dim0"),
        ),
    ]  # fmt: skip
CASES += [
    Case(
        "SparseSegmentSum",
        {"data": numbers("int32"), "indices": INDICES, "segment_ids": SORTED},
        static=("segment_ids",),
    )
]


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("name", ["Sum", "Max", "Min", "Prod"])
def test_second_version_is_as_unsorted(name: str) -> None:
    inputs = (X, SORTED, np.int32(5))
    attrs = {"T": "float32", "Tindices": "int32", "Tnumsegments": "int32"}
    found = run_op(f"Segment{name}V2", *inputs, static=(2,), **attrs)
    wanted = run_op(f"UnsortedSegment{name}", *inputs, static=(2,), **attrs)
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("ids", [[0, 2, 1], [-1, 0, 1], [0, 1]])
def test_refuses_ids_as_tensorflow_does(ids: list[int]) -> None:
    with pytest.raises(ValueError, match="segment ids"):
        run_op("SegmentSum", X[:3], np.int32(ids), static=(1,), T="float32", Tindices="int32")
