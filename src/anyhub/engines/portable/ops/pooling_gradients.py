"""Derivatives of pooling as ops of their own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.ops.pooling import windows_of
from anyhub.engines.portable.ops.windows import read_windows
from anyhub.engines.portable.registry import lower
from anyhub.engines.portable.values import cast

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute

_pool = primitives("pool")


@lower(
    "MaxPoolGrad",
    "MaxPool3DGrad",
    limits="only for floating-point numbers; of equal elements in a 3D window the first counts",
)
def max_pool_grad(node: NodeView) -> Compute:
    _check_type(node)
    window, windows = windows_of(node)
    derivative = _pool.max_pool_gradient
    return lambda x, _pooled, gradient: derivative(x, gradient, window, windows)


@lower("MaxPoolGradV2", host=(3, 4), limits="only for floating-point numbers")
def max_pool_grad_v2(node: NodeView) -> Compute:
    _check_type(node)
    derivative = _pool.max_pool_gradient

    def run(x: Any, _pooled: Any, gradient: Any, window: Any, strides: Any) -> Any:
        windows = read_windows(node, strides.tolist())
        return derivative(x, gradient, windows.spatial(window.tolist()), windows)

    return run


def _check_type(node: NodeView) -> None:
    if "float" not in node.dtype("T"):
        node.unsupported(f"derivatives of {node.dtype('T')}")


@lower("AvgPoolGrad", "AvgPool3DGrad", host=(0,))
def average_pool_grad(node: NodeView) -> Compute:
    window, windows = windows_of(node)
    derivative = _pool.average_pool_gradient
    return lambda sizes, gradient: derivative(sizes.tolist(), gradient, window, windows)


@lower("MaxPoolGradWithArgmax")
def max_pool_grad_with_argmax(node: NodeView) -> Compute:
    with_batch = node.boolean("include_batch_in_index")

    def run(x: Any, gradient: Any, index: Any) -> Any:
        sizes = tuple(x.shape)
        index = cast(index, "int32")
        if not with_batch:
            first = np.arange(sizes[0], dtype=np.int32) * math.prod(sizes[1:])
            index = index + K.convert_to_tensor(first.reshape(-1, 1, 1, 1))
        return scattered(gradient, index, sizes)

    return run


def scattered(gradient: Any, index: Any, sizes: tuple[int, ...]) -> Any:
    """Add up elements at positions of a flat tensor, and give it its shape."""
    flat = K.segment_sum(
        K.reshape(gradient, (-1,)), K.reshape(index, (-1,)), num_segments=math.prod(sizes)
    )
    return K.reshape(flat, sizes)
