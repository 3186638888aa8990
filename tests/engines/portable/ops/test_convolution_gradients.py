"""Derivatives of convolutions: TensorFlow's kernels against the engine's."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from support.op_cases import Case, check, parametrize

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


def random(*shape: int, dtype: Any = np.float32, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng([seed, *shape])
    if np.dtype(dtype).kind == "i":
        return rng.integers(-9, 9, shape).astype(dtype)
    return rng.normal(size=shape).astype(dtype)


def explicit(*pads: int) -> dict[str, Any]:
    return {"padding": "EXPLICIT", "explicit_paddings": [0, 0, *pads, 0, 0]}


def case(op: str, first: Any, second: Any, out: tuple, **more: Any) -> Case:
    """A case, whose sizes are lists where others have the shapes of tensors."""
    dtype = more.pop("dtype", np.float32)
    options = {name: more.pop(name) for name in ("tolerance", "skip", "gradient") if name in more}
    options.setdefault("gradient", np.dtype(dtype) == np.float32)
    names = ("input_sizes", "filter") if isinstance(first, list) else ("input", "filter_sizes")
    inputs = {
        name: np.asarray(value, np.int32) if isinstance(value, list)
        else random(*value, dtype=dtype, seed=1)
        for name, value in zip(names, (first, second), strict=True)
    } | {"out_backprop": random(*out, dtype=dtype)}  # fmt: skip
    attrs = {"strides": [1] * len(out), "padding": "SAME", **more}
    static = tuple(name for name in names if name.endswith("sizes"))
    return Case(op, inputs, attrs, static, **options)


K2, TWO = (3, 3, 3, 4), [1, 2, 2, 1]
OP = "Conv2DBackpropInput"
INPUT2D = [
    case(OP, [2, 5, 5, 3], K2, (2, 3, 3, 4), strides=TWO),
    case(OP, [2, 6, 6, 3], K2, (2, 3, 3, 4), strides=TWO),
    case(OP, [1, 8, 7, 3], (2, 3, 3, 4), (1, 3, 3, 4), strides=[1, 3, 2, 1], padding="VALID"),
    case(OP, [1, 5, 5, 6], (3, 3, 3, 4), (1, 3, 3, 4), strides=TWO),
    case(OP, [1, 3, 6, 5], K2, (1, 4, 3, 5), strides=[1, 1, 2, 1], data_format="NCHW"),
    case(OP, [1, 5, 5, 3], K2, (1, 5, 5, 4), dilations=[1, 2, 2, 1]),
    case(OP, [1, 9, 9, 3], K2, (1, 5, 5, 4), dilations=[1, 2, 2, 1], padding="VALID"),
    case(OP, [6, 6], K2, (2, 3, 3, 4), strides=TWO),
    case(OP, [1, 5, 6, 3], K2, (1, 3, 3, 4), strides=TWO, **explicit(2, 0, 0, 1)),
    case(OP, [1, 5, 5, 3], K2, (1, 3, 3, 4), strides=TWO, **explicit(1, 1, 1, 1)),
    case(OP, [1, 6, 6, 3], (2, 2, 3, 4), (1, 3, 3, 4), strides=TWO),
    case(OP, [1, 5, 5, 3], (1, 1, 3, 4), (1, 3, 3, 4), strides=TWO),
    case(OP, [1, 7, 7, 3], (2, 2, 3, 4), (1, 2, 2, 4), strides=[1, 4, 4, 1]),
    case(OP, [1, 8, 8, 3], (2, 2, 3, 4), (1, 2, 2, 4), strides=[1, 4, 4, 1], padding="VALID"),
    # TensorFlow's derivative of an empty batch has the wrong shape.
    case(OP, [0, 5, 5, 3], K2, (0, 3, 3, 4), strides=TWO, gradient=False),
    case(OP, [2, 5, 5, 3], K2, (2, 3, 3, 4), strides=TWO, dtype=np.float64),
    case(OP, [2, 5, 5, 3], K2, (2, 3, 3, 4), strides=TWO, dtype=np.int32),
    case(OP, [2, 5, 5, 3], K2, (2, 3, 3, 4), strides=TWO, dtype=np.float16,
         tolerance=(1e-2, 1e-2)),
    # The sums of products are rounded in other places.
    case(OP, [2, 5, 5, 3], K2, (2, 3, 3, 4), strides=TWO, dtype=BFLOAT16,
         tolerance=(5e-2, 5e-2)),
]  # fmt: skip
OP = "Conv3DBackpropInputV2"
K3, TWO3 = (3, 2, 3, 2, 3), [1, 2, 2, 2, 1]
INPUT3D = [
    case(OP, [1, 5, 4, 3, 2], K3, (1, 3, 2, 2, 3), strides=TWO3),
    case(OP, [1, 4, 4, 4, 2], K3, (1, 2, 2, 2, 3), strides=TWO3),
    case(OP, [1, 5, 4, 3, 2], K3, (1, 3, 3, 1, 3), padding="VALID"),
    case(OP, [1, 5, 4, 3, 2], K3, (1, 5, 4, 3, 3), dilations=[1, 2, 2, 2, 1]),
    case(OP, [1, 2, 5, 4, 3], K3, (1, 3, 3, 2, 2), strides=[1, 1, 2, 2, 2],
         data_format="NCDHW"),
    case(OP, [1, 5, 4, 3, 2], K3, (1, 3, 2, 2, 3), strides=TWO3, dtype=np.float64),
]  # fmt: skip
OP = "Conv2DBackpropFilter"
FILTER = [
    case(OP, (2, 5, 5, 3), [*K2], (2, 3, 3, 4), strides=TWO),
    case(OP, (1, 6, 6, 3), [*K2], (1, 3, 3, 4), strides=TWO),
    case(OP, (1, 5, 5, 6), [*K2], (1, 5, 5, 4), gradient=False),
    case(OP, (1, 5, 5, 3), [*K2], (1, 1, 1, 4), dilations=TWO, padding="VALID"),
    case(OP, (1, 3, 5, 5), [*K2], (1, 4, 5, 5), data_format="NCHW"),
    case(OP, (1, 5, 6, 3), [*K2], (1, 3, 3, 4), strides=TWO, **explicit(2, 0, 0, 1)),
    case(OP, (1, 6, 6, 3), [*K2], (1, 2, 2, 4), strides=TWO, padding="VALID"),
    case(OP, (2, 5, 5, 3), [*K2], (2, 3, 3, 4), strides=TWO, dtype=np.float64),
    case("Conv3DBackpropFilterV2", (1, 5, 4, 3, 2), [*K3], (1, 3, 2, 2, 3), strides=TWO3),
    case("Conv3DBackpropFilterV2", (1, 5, 4, 3, 2), [*K3], (1, 3, 3, 1, 3), padding="VALID"),
    case("Conv3DBackpropFilterV2", (1, 2, 5, 4, 3), [*K3], (1, 3, 5, 4, 3), data_format="NCDHW"),
]
OP = "DepthwiseConv2dNativeBackpropInput"
D2 = (3, 3, 3, 2)
DEPTHWISE = [
    case(OP, [2, 5, 5, 3], D2, (2, 3, 3, 6), strides=TWO),
    case(OP, [1, 6, 6, 3], D2, (1, 3, 3, 6), strides=TWO),
    case(OP, [1, 5, 5, 3], D2, (1, 3, 3, 6), padding="VALID"),
    case(OP, [1, 5, 6, 3], D2, (1, 3, 3, 6), strides=TWO, **explicit(2, 0, 0, 1)),
    case(OP, [2, 5, 5, 3], D2, (2, 3, 3, 6), strides=TWO, dtype=np.float64),
]
OP = "DepthwiseConv2dNativeBackpropFilter"
DEPTHWISE += [
    case(OP, (2, 5, 5, 3), [*D2], (2, 3, 3, 6), strides=TWO),
    case(OP, (1, 6, 6, 3), [*D2], (1, 3, 3, 6), strides=TWO),
    case(OP, (1, 5, 5, 3), [*D2], (1, 3, 3, 6), padding="VALID"),
    case(OP, (1, 5, 6, 3), [*D2], (1, 3, 3, 6), strides=TWO, **explicit(2, 0, 0, 1)),
    case(OP, (2, 5, 5, 3), [*D2], (2, 3, 3, 6), strides=TWO, dtype=np.float64),
]


@parametrize([*INPUT2D, *INPUT3D, *FILTER, *DEPTHWISE])
def test_matches_tensorflow(case: Case) -> None:
    check(case)
