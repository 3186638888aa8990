"""Numbers rounded as if they were stored as small integers, and TensorFlow's derivatives of that.

Source: TensorFlow, `tensorflow/core/kernels/quantize_and_dequantize_op.h`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable import values
from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.registry import lower

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute

_backend = primitives("quantization")
# Those of keras.ops make float32 of float64 on torch.
_functions = primitives("elementwise").FUNCTIONS
_floor, _round = _functions["Floor"], _functions["Round"]
_minimum, _maximum = _functions["Minimum"], _functions["Maximum"]


def _steps(node: NodeView) -> tuple[int, int]:
    return int(node.boolean("narrow_range")), (1 << node.integer("num_bits")) - 1


def _ends(node: NodeView) -> tuple[Any, Any]:
    return np.float32(node.number("min")), np.float32(node.number("max"))


def _tensors(ends: tuple[Any, Any]) -> tuple[Any, Any]:
    return values.to_device(np.asarray(ends[0])), values.to_device(np.asarray(ends[1]))


@lower("FakeQuantWithMinMaxArgs")
def fake_quant_args(node: NodeView) -> Compute:
    steps, ends = _steps(node), _ends(node)
    return lambda x: _backend.fake_quant(x, *_tensors(ends), steps)


@lower("FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxVarsPerChannel")
def fake_quant_vars(node: NodeView) -> Compute:
    steps = _steps(node)
    return lambda x, low, high: _backend.fake_quant(x, low, high, steps)


@lower("FakeQuantWithMinMaxArgsGradient")
def fake_quant_args_grad(node: NodeView) -> Compute:
    steps, ends = _steps(node), _ends(node)
    return lambda gradient, x: _backend.fake_quant_grad(gradient, x, *_tensors(ends), steps)[0]


@lower("FakeQuantWithMinMaxVarsGradient", "FakeQuantWithMinMaxVarsPerChannelGradient")
def fake_quant_vars_grad(node: NodeView) -> Compute:
    steps = _steps(node)
    return lambda gradient, x, low, high: _backend.fake_quant_grad(gradient, x, low, high, steps)


class _Rounding(NamedTuple):
    """How QuantizeAndDequantize rounds.

    Attributes:
        is_signed: Whether integers may be negative.
        is_narrow: Whether the least of them is left out.
        is_given: Whether the range is an input, and not that of the numbers.
        is_half_up: Whether halves go up, and not to even integers.
        axis: The dimension whose slices have ranges of their own, negative for none.
    """

    is_signed: bool
    is_narrow: bool
    is_given: bool
    is_half_up: bool
    axis: int

    def integers(self, bits: int) -> tuple[int, int]:
        """The least and the largest integer."""
        if not self.is_signed:
            return 0, (1 << bits) - 1
        return -(1 << (bits - 1)) + self.is_narrow, (1 << (bits - 1)) - 1


def _rounding(node: NodeView) -> _Rounding:
    mode = "HALF_TO_EVEN"
    if node.op != "QuantizeAndDequantizeV3":
        mode = node.text("round_mode", "HALF_TO_EVEN", "HALF_UP")
    return _Rounding(
        node.boolean("signed_input"), node.boolean("narrow_range"), node.boolean("range_given"),
        mode == "HALF_UP", node.integer("axis"),
    )  # fmt: skip


def _quantized(x: Any, low: Any, high: Any, bits: int, how: _Rounding) -> Any:
    low, high = _range_of(x, low, high, how)
    least, largest = how.integers(bits)
    top = values.to_device(np.asarray(np.finfo(values.dtype_name(x)).max))
    by_low = K.where(least * low > 0, least / K.where(low == 0, 1, low), top)
    by_high = K.where(largest * high > 0, largest / K.where(high == 0, 1, high), top)
    is_low = by_low < by_high
    scale = K.where(is_low, by_low, by_high)
    inverse = K.where(is_low, low / (least or 1), high / largest)
    if how.is_given:
        x = _minimum(x, K.where(is_low, largest * inverse, high))
        x = _maximum(x, K.where(is_low, low, least * inverse))
    return (_floor(x * scale + 0.5) if how.is_half_up else _round(x * scale)) * inverse


def _range_of(x: Any, low: Any, high: Any, how: _Rounding) -> tuple[Any, Any]:
    rank = len(x.shape)
    if not how.is_given:
        axes = tuple(i for i in range(rank) if i != how.axis)
        return K.min(x, axis=axes, keepdims=True), K.max(x, axis=axes, keepdims=True)
    if how.axis < 0:
        return low, high
    shape = [-1 if i == how.axis else 1 for i in range(rank)]
    return K.reshape(low, shape), K.reshape(high, shape)


def _with_derivative(rounded: Any, carrier: Any) -> Any:
    finite = K.where(K.isfinite(carrier), carrier, 0)
    return K.stop_gradient(rounded) + (finite - K.stop_gradient(finite))


@lower("QuantizeAndDequantizeV2")
def quantize_and_dequantize_v2(node: NodeView) -> Compute:
    bits, how = node.integer("num_bits"), _rounding(node)
    return lambda x, low, high: _with_derivative(_quantized(x, low, high, bits, how), x)


@lower("QuantizeAndDequantizeV3", host=(3,))
def quantize_and_dequantize_v3(node: NodeView) -> Compute:
    how = _rounding(node)

    def run(x: Any, low: Any, high: Any, bits: Any) -> Any:
        return _with_derivative(_quantized(x, low, high, int(bits), how), x)

    return run


@lower("QuantizeAndDequantizeV4")
def quantize_and_dequantize_v4(node: NodeView) -> Compute:
    bits, how = node.integer("num_bits"), _rounding(node)

    def run(x: Any, low: Any, high: Any) -> Any:
        is_inside = _is_inside(x, low, high, how.axis)
        carrier = K.where(is_inside, x, K.stop_gradient(x))
        return _with_derivative(_quantized(x, low, high, bits, how), carrier)

    return run


def _is_inside(x: Any, low: Any, high: Any, axis: int) -> Any:
    if axis >= 0:
        shape = [-1 if i == axis else 1 for i in range(len(x.shape))]
        low, high = K.reshape(low, shape), K.reshape(high, shape)
    return (x >= low) & (x <= high)


@lower("QuantizeAndDequantizeV4Grad")
def quantize_and_dequantize_v4_grad(node: NodeView) -> Compute:
    axis = node.integer("axis")

    def run(gradient: Any, x: Any, low: Any, high: Any) -> tuple[Any, Any, Any]:
        by_x = K.where(_is_inside(x, low, high, axis), gradient, 0)
        return by_x, K.zeros_like(low), K.zeros_like(high)

    return run
