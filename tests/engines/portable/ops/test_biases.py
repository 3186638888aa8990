"""Biases: TensorFlow's kernels against the engine's."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from support.op_cases import Case, check, parametrize

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
TYPES = [
    np.int32, np.int64, np.float16, BFLOAT16, np.float64, np.int8, np.int16, np.uint8, np.uint16,
    np.uint32, np.uint64, np.complex64, np.complex128,
]  # fmt: skip


def random(*shape: int, dtype: Any = np.float32) -> np.ndarray:
    rng = np.random.default_rng(shape)
    if np.dtype(dtype).kind in "iu":
        return rng.integers(0, 100, shape).astype(dtype)
    return rng.normal(size=shape).astype(dtype)


def add(
    shape: tuple, size: int, dtype: Any = np.float32, op: str = "BiasAdd", **attrs: Any
) -> Case:
    inputs = {"value": random(*shape, dtype=dtype), "bias": random(size, dtype=dtype)}
    return Case(op, inputs, attrs, gradient=dtype == np.float32 and op == "BiasAdd")


FIRST = {"data_format": "NCHW"}
CASES = [
    add((2, 3), 3),
    add((2, 3, 4, 2), 2),
    add((2, 3, 4, 2), 3, **FIRST),
    add((2, 3, 4, 2, 3), 3, **FIRST),
    add((2, 3, 4), 3, **FIRST),
    add((2, 3, 4), 4),
    add((0, 3), 3),
    *[add((2, 3), 3, dtype) for dtype in TYPES],
    add((2, 3), 3, op="BiasAddV1"),
    add((2, 3, 4, 2), 2, np.int32, op="BiasAddV1"),
    Case("BiasAddGrad", {"out_backprop": random(2, 3)}, gradient=True),
    Case("BiasAddGrad", {"out_backprop": random(2, 3, 4, 2)}, gradient=True),
    Case("BiasAddGrad", {"out_backprop": random(2, 3, 4, 2)}, FIRST, gradient=True),
    Case("BiasAddGrad", {"out_backprop": random(2, 3, 4, 2, 3)}, FIRST),
    Case("BiasAddGrad", {"out_backprop": random(0, 3)}),
    *[Case("BiasAddGrad", {"out_backprop": random(2, 3, dtype=dtype)}) for dtype in
      (np.int32, np.int64, np.float16, BFLOAT16, np.float64, np.int8, np.uint8, np.uint16)],
]  # fmt: skip


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)
