"""Pooling: TensorFlow's kernels against the engine's."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from anyhub.engines.portable import values
from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.ops.windows import Windows
from support.op_cases import Case, check, parametrize

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


def random(*shape: int, dtype: Any = np.float32) -> np.ndarray:
    rng = np.random.default_rng(shape)
    if np.dtype(dtype).kind in "iu":
        return rng.integers(0, 100, shape).astype(dtype)
    return rng.normal(size=shape).astype(dtype)


def case(op: str, shape: tuple, window: list, strides: list, **more: Any) -> Case:
    options = {name: more.pop(name) for name in ("tolerance", "skip", "gradient") if name in more}
    dtype = more.pop("dtype", np.float32)
    options.setdefault("gradient", np.dtype(dtype) == np.float32)
    attrs = {"padding": "SAME", **more}
    name = "value" if op == "AvgPool" else "input"
    inputs = {name: random(*shape, dtype=dtype)}
    if op == "MaxPoolV2":
        sizes = {"ksize": np.asarray(window, np.int32), "strides": np.asarray(strides, np.int32)}
        return Case(op, inputs | sizes, attrs, ("ksize", "strides"), **options)
    return Case(op, inputs, {"ksize": window, "strides": strides, **attrs}, **options)


ONE, TWO, THREE = [1, 1, 1, 1], [1, 2, 2, 1], [1, 3, 3, 1]
PLACES: list[tuple] = [
    ((2, 5, 6, 2), TWO, TWO, {}),
    ((2, 5, 6, 2), THREE, TWO, {}),
    ((1, 7, 7, 1), [1, 2, 3, 1], ONE, {"padding": "VALID"}),
    ((1, 6, 6, 2), ONE, TWO, {}),
    ((1, 5, 5, 2), [1, 5, 5, 1], ONE, {}),
    ((1, 6, 7, 2), TWO, [1, 3, 4, 1], {}),
    ((1, 8, 8, 1), [1, 4, 4, 1], ONE, {}),
    ((1, 8, 9, 1), [1, 4, 3, 1], [1, 3, 1, 1], {}),
    ((0, 4, 4, 2), TWO, TWO, {}),
]
EXPLICIT = [
    case("MaxPool", (1, 5, 6, 2), THREE, TWO, padding="EXPLICIT", explicit_paddings=pads)
    for pads in ([0, 0, 1, 1, 1, 1, 0, 0], [0, 0, 2, 0, 1, 2, 0, 0])
]
MAX = [
    *[case("MaxPool", *place, **more) for *place, more in PLACES],
    *EXPLICIT,
    # Equal elements: the derivative goes to the first.
    Case("MaxPool", {"input": np.zeros((1, 5, 5, 2), np.float32)},
         {"ksize": THREE, "strides": TWO, "padding": "SAME"}, gradient=True),
    case("MaxPool", (1, 2, 3, 4), [1, 1, 1, 2], [1, 1, 1, 2], gradient=False),
    *[case("MaxPool", (1, 5, 4, 2), TWO, TWO, dtype=dtype) for dtype in
      (np.int32, np.int64, np.int16, np.int8, np.uint8, np.uint16, np.float16, BFLOAT16,
       np.float64)],
    *[case("MaxPoolV2", *place, **more) for *place, more in PLACES[:3]],
    case("MaxPoolV2", (1, 5, 4, 2), TWO, TWO, dtype=np.int32),
]  # fmt: skip
# The sums are rounded in other places.
ROUGH: dict[Any, Any] = {
    np.float16: {"tolerance": (4e-3, 4e-3)}, BFLOAT16: {"tolerance": (4e-2, 4e-2)}
}  # fmt: skip
AVERAGE = [
    *[case("AvgPool", *place, **more) for *place, more in PLACES],
    *[case("AvgPool", (1, 5, 4, 2), TWO, TWO, dtype=dtype, **ROUGH.get(dtype, {}))
      for dtype in (np.float16, BFLOAT16, np.float64)],
]  # fmt: skip
PLACES_3D: list[tuple] = [
    ((1, 5, 4, 3, 2), [1, 2, 2, 2, 1], [1, 2, 2, 2, 1], {}),
    ((1, 5, 4, 3, 2), [1, 3, 3, 2, 1], [1, 2, 1, 1, 1], {}),
    ((1, 5, 4, 3, 1), [1, 2, 1, 3, 1], [1, 1, 2, 1, 1], {"padding": "VALID"}),
    ((1, 2, 5, 4, 3), [1, 1, 2, 2, 2], [1, 1, 2, 2, 2],
     {"data_format": "NCDHW", "gradient": False}),
]  # fmt: skip
THREE_D = [
    *[case(op, *place, **more) for op in ("MaxPool3D", "AvgPool3D") for *place, more in PLACES_3D],
    *[case(op, *PLACES_3D[0][:3], dtype=dtype, **ROUGH[dtype])
      for op in ("MaxPool3D", "AvgPool3D") for dtype in (BFLOAT16,)],
]  # fmt: skip
OP = "MaxPoolWithArgmax"
ARGMAX = [
    case(OP, (2, 5, 6, 2), TWO, TWO),
    case(OP, (2, 5, 6, 2), THREE, TWO, include_batch_in_index=True),
    case(OP, (2, 5, 6, 2), [1, 2, 3, 1], [1, 1, 2, 1], padding="VALID", Targmax="int32",
         gradient=False),
    case(OP, (1, 6, 6, 3), ONE, TWO),
    *[case(OP, (2, 5, 4, 2), TWO, TWO, dtype=dtype)
      for dtype in (np.int32, np.int64, np.uint8, np.int8, np.float16, BFLOAT16, np.float64)],
    case(OP, (2, 5, 4, 2), TWO, TWO, dtype=np.uint16, skip={"torch": "no kernels for uint16"}),
    Case(OP, {"input": np.zeros((2, 5, 5, 2), np.float32)},
         {"ksize": THREE, "strides": TWO, "padding": "VALID"}, gradient=True),
]  # fmt: skip


@parametrize([*MAX, *AVERAGE, *THREE_D, *ARGMAX])
def test_matches_tensorflow(case: Case) -> None:
    check(case)


# TensorFlow's kernels for CPUs have the channels last only.
@pytest.mark.parametrize("name", ["max_pool", "average_pool"])
@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_layouts_give_the_same(name: str, padding: str) -> None:
    x = random(2, 5, 6, 3)
    last, first = (Windows(is_last, (2, 1), (1, 1), padding) for is_last in (True, False))
    wanted = _pooled(name, x, last)
    found = _pooled(name, x.transpose(0, 3, 1, 2), first)
    np.testing.assert_allclose(found.transpose(0, 2, 3, 1), wanted, rtol=1e-6, atol=1e-6)


def _pooled(name: str, x: np.ndarray, windows: Windows) -> np.ndarray:
    pool = getattr(primitives("pool"), name)
    return values.to_host(pool(values.to_device(np.ascontiguousarray(x)), (2, 3), windows))
