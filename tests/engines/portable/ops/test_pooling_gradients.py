"""Derivatives of pooling: TensorFlow's kernels against the engine's."""

from __future__ import annotations

from typing import Any

import numpy as np

from support.op_cases import Case, check, parametrize


def random(*shape: int, dtype: Any = np.float32, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng([seed, *shape])
    if np.dtype(dtype).kind in "iu":
        return rng.integers(0, 100, shape).astype(dtype)
    return rng.normal(size=shape).astype(dtype)


def maximum(op: str, x: Any, out: tuple, window: list, strides: list, **more: Any) -> Case:
    dtype = more.pop("dtype", np.float32)
    options = {name: more.pop(name) for name in ("tolerance", "skip") if name in more}
    x = x if isinstance(x, np.ndarray) else random(*x, dtype=dtype)
    # TensorFlow looks for the largest elements itself.
    pooled = np.zeros(out, dtype)
    if op == "MaxPool3DGrad":
        pooled = x.reshape(1, 2, 2, 2, 2, 2, 2, 1).max((2, 4, 6))
    inputs = {"orig_input": x, "orig_output": pooled, "grad": random(*out, dtype=dtype, seed=1)}
    attrs = {"padding": "SAME", **more}
    if op == "MaxPoolGradV2":
        sizes = {"ksize": np.asarray(window, np.int32), "strides": np.asarray(strides, np.int32)}
        return Case(op, inputs | sizes, attrs, ("ksize", "strides"), **options)
    return Case(op, inputs, {"ksize": window, "strides": strides, **attrs}, **options)


def average(op: str, sizes: tuple, out: tuple, window: list, strides: list, **more: Any) -> Case:
    dtype = more.pop("dtype", np.float32)
    options = {name: more.pop(name) for name in ("tolerance", "gradient") if name in more}
    options.setdefault("gradient", dtype == np.float32)
    inputs = {
        "orig_input_shape": np.asarray(sizes, np.int32), "grad": random(*out, dtype=dtype)
    }  # fmt: skip
    attrs = {"ksize": window, "strides": strides, "padding": "SAME", **more}
    return Case(op, inputs, attrs, ("orig_input_shape",), **options)


TWO, THREE = [1, 2, 2, 1], [1, 3, 3, 1]
X = (2, 5, 6, 2)
MAX = [
    maximum("MaxPoolGrad", X, (2, 3, 3, 2), TWO, TWO),
    maximum("MaxPoolGrad", X, (2, 3, 3, 2), THREE, TWO),
    maximum("MaxPoolGrad", X, (2, 4, 4, 2), [1, 2, 3, 1], [1, 1, 1, 1], padding="VALID"),
    maximum("MaxPoolGrad", np.zeros((1, 5, 5, 1), np.float32), (1, 3, 3, 1), THREE, TWO),
    maximum("MaxPoolGrad", X, (2, 3, 4, 2), THREE, TWO, padding="EXPLICIT",
            explicit_paddings=[0, 0, 2, 0, 1, 2, 0, 0]),
    maximum("MaxPoolGrad", X, (2, 3, 3, 2), TWO, TWO, dtype=np.float64),
    maximum("MaxPoolGrad", X, (2, 3, 3, 2), TWO, TWO, dtype=np.float16),
    maximum("MaxPoolGradV2", X, (2, 3, 3, 2), TWO, TWO),
    maximum("MaxPoolGradV2", X, (2, 3, 3, 2), THREE, TWO),
    maximum("MaxPoolGradV2", X, (2, 4, 4, 2), [1, 2, 3, 1], [1, 1, 1, 1], padding="VALID"),
    maximum("MaxPool3DGrad", (1, 4, 4, 4, 1), (1, 2, 2, 2, 1), [1, 2, 2, 2, 1], [1, 2, 2, 2, 1]),
]  # fmt: skip
AVERAGE = [
    average("AvgPoolGrad", X, (2, 3, 3, 2), TWO, TWO),
    average("AvgPoolGrad", X, (2, 3, 3, 2), THREE, TWO),
    average("AvgPoolGrad", X, (2, 4, 4, 2), [1, 2, 3, 1], [1, 1, 1, 1], padding="VALID"),
    average("AvgPoolGrad", (1, 8, 9, 1), (1, 3, 9, 1), [1, 4, 3, 1], [1, 3, 1, 1]),
    average("AvgPoolGrad", X, (2, 3, 3, 2), TWO, TWO, dtype=np.float64),
    average("AvgPoolGrad", X, (2, 3, 3, 2), TWO, TWO, dtype=np.float16),
    average("AvgPool3DGrad", (1, 5, 4, 3, 2), (1, 3, 2, 2, 2), [1, 2, 2, 2, 1], [1, 2, 2, 2, 1]),
    average("AvgPool3DGrad", (1, 5, 4, 3, 2), (1, 3, 4, 3, 2), [1, 3, 3, 2, 1], [1, 2, 1, 1, 1]),
    average("AvgPool3DGrad", (1, 5, 4, 3, 2), (1, 4, 2, 1, 2), [1, 2, 1, 3, 1], [1, 1, 2, 1, 1],
            padding="VALID"),
]  # fmt: skip


def with_argmax(with_batch: bool) -> Case:
    index = np.random.default_rng(0).integers(0, 60, (2, 3, 3, 2))
    index[1] += 60 if with_batch else 0
    inputs = {"input": random(*X), "grad": random(2, 3, 3, 2), "argmax": index}
    attrs = {"ksize": TWO, "strides": TWO, "padding": "SAME", "include_batch_in_index": with_batch}
    return Case("MaxPoolGradWithArgmax", inputs, attrs)


ARGMAX = [with_argmax(False), with_argmax(True)]


@parametrize([*MAX, *AVERAGE, *ARGMAX])
def test_matches_tensorflow(case: Case) -> None:
    check(case)
