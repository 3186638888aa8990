"""Biases: a number for each channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable.ops.windows import channels_last
from anyhub.engines.portable.registry import lower
from anyhub.engines.portable.values import cast

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute

# Types that not all backends can add.
_UNSIGNED = ("uint16", "uint32", "uint64")
_SHORT = {"float16": "float32", "bfloat16": "float32"} | dict.fromkeys(_UNSIGNED, "int64")


@lower("BiasAdd", "BiasAddV1")
def bias_add(node: NodeView) -> Compute:
    dtype, is_last = node.dtype("T"), channels_last(node)

    def add(x: Any, bias: Any) -> Any:
        return x + (bias if is_last else K.reshape(bias, (-1,) + (1,) * (len(x.shape) - 2)))

    if dtype in _UNSIGNED:
        return lambda x, bias: cast(add(cast(x, "int64"), cast(bias, "int64")), dtype)
    return add


@lower("BiasAddGrad")
def bias_add_grad(node: NodeView) -> Compute:
    dtype, is_last = node.dtype("T"), channels_last(node)
    wide = _SHORT.get(dtype, dtype)

    def run(gradient: Any) -> Any:
        rank = len(gradient.shape)
        channels = rank - 1 if is_last else 1
        axes = tuple(axis for axis in range(rank) if axis != channels)
        return cast(K.sum(cast(gradient, wide), axes), dtype)

    return run
