"""Dilation of images: TensorFlow's kernels against the engine's."""

from __future__ import annotations

from typing import Any

import numpy as np

from support.op_cases import Case, check, parametrize


def random(*shape: int, dtype: Any = np.float32, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(dtype)


ONE, TWO = [1, 1, 1, 1], [1, 2, 2, 1]
PLACES = [
    {"strides": ONE, "rates": ONE, "padding": "SAME"},
    {"strides": [1, 2, 1, 1], "rates": ONE, "padding": "VALID"},
    {"strides": TWO, "rates": [1, 1, 2, 1], "padding": "SAME"},
    {"strides": ONE, "rates": TWO, "padding": "SAME"},
]
X, KERNEL = random(2, 5, 6, 2), random(2, 3, 2, seed=1)
CASES = [Case("Dilation2D", {"input": X, "filter": KERNEL}, at, gradient=True) for at in PLACES]
CASES += [
    Case("Dilation2D", {"input": np.zeros((1, 3, 3, 1), np.float32),
                        "filter": np.zeros((2, 2, 1), np.float32)}, PLACES[0], gradient=True),
    Case("Dilation2D", {"input": X.astype(np.float16), "filter": KERNEL.astype(np.float16)},
         PLACES[0]),
    Case("Dilation2D", {"input": X.astype(np.float64), "filter": KERNEL.astype(np.float64)},
         PLACES[0]),
]  # fmt: skip
OUT = [(2, 5, 6, 2), (2, 2, 4, 2), (2, 3, 3, 2), (2, 5, 6, 2)]
CASES += [
    Case(f"Dilation2DBackprop{name}",
         {"input": X, "filter": KERNEL, "out_backprop": random(*out)}, at)
    for name in ("Input", "Filter") for at, out in zip(PLACES, OUT, strict=True)
]  # fmt: skip


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)
