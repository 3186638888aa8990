"""Convolutions: TensorFlow's kernels against the engine's."""

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


def random(*shape: int, dtype: Any = np.float32, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng([seed, *shape])
    if np.dtype(dtype).kind == "i":
        return rng.integers(-9, 9, shape).astype(dtype)
    return rng.normal(size=shape).astype(dtype)


def conv(x: tuple, kernel: tuple, op: str = "Conv2D", dtype: Any = np.float32, **more: Any) -> Case:
    options = {name: more.pop(name) for name in ("tolerance", "skip", "gradient") if name in more}
    options.setdefault("gradient", np.dtype(dtype) == np.float32)
    attrs = {"strides": [1] * len(x), "padding": "SAME", **more}
    inputs = {"input": random(*x, dtype=dtype), "filter": random(*kernel, dtype=dtype, seed=1)}
    return Case(op, inputs, attrs, **options)


def explicit(*pads: int) -> dict[str, Any]:
    return {"padding": "EXPLICIT", "explicit_paddings": [0, 0, *pads, 0, 0]}


X2, K2 = (2, 5, 6, 3), (3, 2, 3, 4)
CONV2D = [
    conv(X2, K2),
    conv(X2, K2, strides=[1, 2, 2, 1]),
    conv(X2, K2, dilations=[1, 2, 3, 1], padding="VALID"),
    conv((1, 5, 5, 4), (3, 3, 2, 6), strides=[1, 2, 1, 1]),
    conv((1, 3, 5, 6), K2, strides=[1, 1, 2, 1], data_format="NCHW"),
    conv(X2, K2, strides=[1, 2, 3, 1], **explicit(2, 0, 1, 3)),
    conv(X2, K2, **explicit(1, 1, 1, 1)),
    conv(X2, K2, dilations=[1, 2, 2, 1]),
    conv(X2, K2, strides=[1, 3, 2, 1], padding="VALID"),
    conv((2, 4, 4, 3), (1, 1, 3, 5)),
    conv((2, 4, 4, 3), (1, 1, 3, 5), strides=[1, 2, 2, 1]),
    conv((1, 5, 5, 4), (3, 3, 1, 4), dilations=[1, 2, 2, 1]),
    conv((1, 6, 5, 5), (3, 3, 3, 4), data_format="NCHW", padding="VALID"),
    conv((1, 8, 8, 2), (3, 3, 2, 2), strides=[1, 2, 2, 1]),
    conv((0, 5, 5, 2), (3, 3, 2, 2)),
    conv((1, 1, 9, 2), (1, 4, 2, 2), padding="VALID"),
    conv(X2, K2, dtype=np.float16, tolerance=(1e-2, 1e-2)),
    # The sums of products are rounded in other places.
    conv(X2, K2, dtype=BFLOAT16, tolerance=(5e-2, 5e-2)),
    conv(X2, K2, dtype=np.float64, strides=[1, 2, 1, 1]),
    conv(X2, K2, dtype=np.int32, strides=[1, 2, 1, 1]),
]
X3, K3 = (1, 4, 3, 5, 2), (2, 3, 2, 2, 3)
CONV3D = [
    conv(X3, K3, "Conv3D"),
    conv(X3, K3, "Conv3D", strides=[1, 2, 2, 2, 1]),
    conv(X3, K3, "Conv3D", strides=[1, 1, 2, 1, 1], padding="VALID"),
    conv(X3, K3, "Conv3D", dilations=[1, 2, 2, 2, 1]),
    conv((1, 2, 4, 3, 5), K3, "Conv3D", data_format="NCDHW"),
    conv(X3, K3, "Conv3D", dtype=np.float64),
    conv(X3, K3, "Conv3D", dtype=np.float16, tolerance=(1e-2, 1e-2)),
    # The sums of products are rounded in other places.
    conv(X3, K3, "Conv3D", dtype=BFLOAT16, tolerance=(5e-2, 5e-2)),
]
CONV = [
    conv(X2, K2, "Conv", gradient=False),
    conv(X2, K2, "Conv", strides=[1, 2, 2, 1], dilations=[1, 1, 1, 1], gradient=False),
    conv(X3, K3, "Conv", gradient=False),
    conv(X2, K2, "Conv", gradient=False, **explicit(2, 0, 1, 3)),
]
D2 = (3, 2, 3, 2)
DEPTHWISE = [
    conv(X2, D2, "DepthwiseConv2dNative"),
    conv(X2, (3, 3, 3, 1), "DepthwiseConv2dNative", strides=[1, 2, 2, 1]),
    conv(X2, D2, "DepthwiseConv2dNative", strides=[1, 2, 2, 1], padding="VALID"),
    conv(X2, D2, "DepthwiseConv2dNative", **explicit(2, 0, 1, 3)),
    # TensorFlow's derivative forgets dilations; see below.
    conv(X2, D2, "DepthwiseConv2dNative", dilations=[1, 2, 2, 1], gradient=False),
    conv((1, 3, 5, 6), D2, "DepthwiseConv2dNative", data_format="NCHW"),
    conv((1, 5, 5, 1), (3, 3, 1, 2), "DepthwiseConv2dNative"),
    conv(X2, D2, "DepthwiseConv2dNative", dtype=np.float64),
    conv(X2, D2, "DepthwiseConv2dNative", dtype=np.float16, tolerance=(1e-2, 1e-2)),
    # The sums of products are rounded in other places.
    conv(X2, D2, "DepthwiseConv2dNative", dtype=BFLOAT16, tolerance=(5e-2, 5e-2)),
]


@parametrize([*CONV2D, *CONV3D, *CONV, *DEPTHWISE])
def test_matches_tensorflow(case: Case) -> None:
    check(case)


# What TensorFlow's kernels for CPUs lack is compared with what the engine gives where they do not.
@pytest.mark.parametrize("padding", ["SAME", "VALID", "EXPLICIT"])
@pytest.mark.parametrize("channels_out", [4, 6])
def test_layouts_give_the_same(padding: str, channels_out: int) -> None:
    pads = ((0, 2), (1, 0)) if padding == "EXPLICIT" else ()
    x, kernel = random(1, 5, 6, 4), random(3, 2, 2, channels_out)
    last = Windows(True, (1, 2), (1, 1), padding, pads)
    first = Windows(False, (1, 2), (1, 1), padding, pads)
    wanted = _convolve(x, kernel, last)
    found = _convolve(x.transpose(0, 3, 1, 2), kernel, first)
    np.testing.assert_allclose(found.transpose(0, 2, 3, 1), wanted, rtol=1e-5, atol=1e-5)


def _convolve(x: np.ndarray, kernel: np.ndarray, windows: Windows) -> np.ndarray:
    tensors = values.to_device(np.ascontiguousarray(x)), values.to_device(kernel)
    return values.to_host(primitives("conv").convolve(*tensors, windows, 2))


def test_derivative_of_dilated_depthwise_convolution() -> None:
    spread = np.zeros((5, 5, 3, 2), np.float32)
    spread[::2, ::2] = random(3, 3, 3, 2)
    gradient, sizes = random(2, 5, 6, 6), (2, 5, 6, 3)
    found = _input_gradient(sizes, spread[::2, ::2], gradient, (2, 2))
    wanted = _input_gradient(sizes, spread, gradient, (1, 1))
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


def _input_gradient(
    sizes: tuple, kernel: np.ndarray, gradient: np.ndarray, dilations: tuple
) -> np.ndarray:
    windows = Windows(True, (1, 1), dilations, "SAME")
    tensors = [values.to_device(np.ascontiguousarray(array)) for array in (kernel, gradient)]
    return values.to_host(primitives("conv").depthwise_input_gradient(sizes, *tensors, windows))
