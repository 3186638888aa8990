"""Normalization: TensorFlow's kernels against the engine's."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from anyhub.engines.portable import values
from support.op_cases import Case, check, parametrize, reference, run_eagerly

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


def random(*shape: int, dtype: Any = np.float32, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(dtype)


def batch_norm(op: str, shape: tuple, *, shift: float = 0, **more: Any) -> Case:
    dtype = more.pop("dtype", np.float32)
    options = {name: more.pop(name) for name in ("tolerance", "gradient") if name in more}
    channels = shape[1] if more.get("data_format", "NHWC").startswith("NC") else shape[-1]
    is_open = not more.get("is_training", True) or more.get("exponential_avg_factor", 1) != 1
    inputs = {
        "x": random(*shape, dtype=dtype) + np.asarray(shift, dtype),
        "scale": random(channels, seed=1),
        "offset": random(channels, seed=2),
        "mean": random(channels if is_open else 0, seed=3) + np.float32(shift),
        "variance": np.abs(random(channels if is_open else 0, seed=4)) + np.float32(0.1),
    }
    options.setdefault("gradient", dtype == np.float32)
    return Case(op, inputs, more, **options)


V1, V2, V3 = "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"
X, X3 = (3, 2, 4, 3), (2, 2, 3, 2, 3)
# Derivatives are sums in another order.
SUMS = {"tolerance": (1e-4, 1e-5)}
BATCH = [
    batch_norm(V3, X, **SUMS),
    batch_norm(V3, X, is_training=False, epsilon=0.001, **SUMS),
    batch_norm(V3, (3, 4, 2, 3), data_format="NCHW", epsilon=0.001, **SUMS),
    batch_norm(V3, X, exponential_avg_factor=0.25, **SUMS),
    batch_norm(V3, X, dtype=np.float16, epsilon=0.001),
    batch_norm(V3, (3, 4, 2, 3), data_format="NCHW", is_training=False, **SUMS),
    batch_norm(V3, X3, data_format="NDHWC", **SUMS),
    batch_norm(V3, (2, 3, 2, 3, 2), data_format="NCDHW", **SUMS),
    batch_norm(V3, X, shift=100.0, epsilon=0.001, tolerance=(2e-3, 2e-3)),
    batch_norm(V3, X, shift=100.0, epsilon=0.001, is_training=False, tolerance=(2e-4, 2e-4)),
    batch_norm(V3, (1, 1, 1, 3), exponential_avg_factor=0.25, gradient=False),
    batch_norm(V3, (0, 2, 2, 3), gradient=False),
    batch_norm(V3, (0, 2, 2, 3), is_training=False, gradient=False),
    batch_norm(V3, X, dtype=BFLOAT16, tolerance=(2e-2, 4e-2)),
    batch_norm(V3, X, dtype=BFLOAT16, is_training=False, tolerance=(2e-2, 4e-2)),
    *[batch_norm(op, X, **more, **SUMS) for op in (V1, V2) for more in
      ({}, {"is_training": False}, {"exponential_avg_factor": 0.5, "epsilon": 0.01})],
    batch_norm(V2, X, dtype=np.float16),
]  # fmt: skip


def batch_norm_grad(op: str, shape: tuple = X, **more: Any) -> Case:
    dtype = more.pop("dtype", np.float32)
    place = 1 if more.get("data_format", "NHWC").startswith("NC") else len(shape) - 1
    channels, axes = shape[place], tuple(axis for axis in range(len(shape)) if axis != place)
    x = random(*shape, dtype=dtype)
    inputs = {
        "y_backprop": random(*shape, dtype=dtype, seed=1),
        "x": x,
        "scale": random(channels, seed=1),
        "reserve_space_1": np.mean(x.astype(np.float32), axes),
        "reserve_space_2": np.var(x.astype(np.float32), axes),
    }
    if op.endswith("V3"):
        inputs["reserve_space_3"] = np.zeros(0, np.float32)
    # Sums in another order.
    return Case(op, inputs, more, tolerance=(1e-4, 1e-5) if dtype == np.float32 else None)


GRAD = "FusedBatchNormGrad"
BATCH_GRAD = [
    batch_norm_grad(op, **more) for op in (GRAD, f"{GRAD}V2", f"{GRAD}V3")
    for more in ({}, {"is_training": False, "epsilon": 0.01})
] + [
    batch_norm_grad(f"{GRAD}V3", (2, 3, 2, 4), data_format="NCHW"),
    batch_norm_grad(f"{GRAD}V3", (2, 2, 4, 2, 3), data_format="NDHWC"),
    batch_norm_grad(f"{GRAD}V3", dtype=np.float16),
]  # fmt: skip
LRN = [
    Case("LRN", {"input": random(2, 1, 2, 8)}, attrs, gradient=True, tolerance=(1e-4, 1e-5))
    for attrs in (
        {},
        {"depth_radius": 2, "bias": 2.0, "alpha": 1e-4, "beta": 0.75},
        {"depth_radius": 0, "alpha": 0.5},
        {"depth_radius": 10, "beta": 1.0},
    )
] + [
    Case("LRN", {"input": random(2, 1, 2, 8, dtype=np.float16)}),
    *[Case("LRNGrad", {"input_grads": random(2, 1, 2, 8), "input_image": random(2, 1, 2, 8, seed=1),
                       "output_image": random(2, 1, 2, 8, seed=2)}, attrs, tolerance=(1e-4, 1e-5))
      for attrs in ({}, {"depth_radius": 2, "bias": 2.0, "alpha": 0.1, "beta": 0.75})],
]  # fmt: skip


@parametrize([*BATCH, *BATCH_GRAD, *LRN])
def test_matches_tensorflow(case: Case) -> None:
    check(case)


# TensorFlow's kernels leave reserve spaces of these uninitialised.
@parametrize(
    [
        batch_norm(V3, X3, data_format="NDHWC", is_training=False),
        batch_norm(V3, (2, 3, 2, 3, 2), data_format="NCDHW", is_training=False),
        batch_norm(V3, X, dtype=np.float16, is_training=False),
    ]
)
def test_inference_matches_tensorflow(case: Case) -> None:
    expected = reference(case)
    for found, wanted in zip(run_eagerly(case, expected.node)[:3], expected.outputs, strict=False):
        np.testing.assert_allclose(values.to_host(found), wanted, rtol=2e-3, atol=1e-5)
