"""Activations, and the ops that are their derivatives in TensorFlow's graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable import values
from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.registry import lower, lower_plain

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute

_activations = primitives("activations")
_conj = primitives("complex").FUNCTIONS["Conj"]
_SCALE, _SCALE_ALPHA = 1.0507009873554804934193349852946, 1.7580993408473768599402175208123

lower_plain(_activations.FUNCTIONS)


@lower("LeakyRelu")
def leaky_relu(node: NodeView) -> Compute:
    alpha, function = node.number("alpha"), _activations.leaky_relu
    return lambda x: function(x, alpha)


@lower("LeakyReluGrad")
def leaky_relu_grad(node: NodeView) -> Compute:
    alpha = node.number("alpha")
    return lambda gradient, x: K.where(x > 0, gradient, gradient * alpha)


@lower("ReluGrad")
def relu_grad(node: NodeView) -> Compute:
    dtype = node.dtype("T")
    # torch cannot say which of its unsigned integers is larger.
    is_positive = _is_not_zero if "uint" in dtype else _is_positive
    return lambda gradient, x: gradient * values.cast(is_positive(x), dtype)


@lower("Relu6Grad", limits="no uint16, uint32 and uint64 on torch")
def relu6_grad(node: NodeView) -> Compute:
    dtype = node.dtype("T")
    return lambda gradient, x: gradient * values.cast((x > 0) & (x < 6), dtype)


def _is_positive(x: Any) -> Any:
    return x > 0


def _is_not_zero(x: Any) -> Any:
    return x != 0


def _elu_grad(gradient: Any, y: Any) -> Any:
    return K.where(y < 0, (y + 1) * gradient, gradient)


def _selu_grad(gradient: Any, y: Any) -> Any:
    return K.where(y < 0, gradient * (y + _SCALE_ALPHA), gradient * _SCALE)


def _softplus_grad(gradient: Any, x: Any) -> Any:
    return gradient / (K.exp(-x) + 1)


def _softsign_grad(gradient: Any, x: Any) -> Any:
    return gradient / K.square(K.abs(x) + 1)


lower_plain({
    "EluGrad": _elu_grad, "SeluGrad": _selu_grad,
    "SoftplusGrad": _softplus_grad, "SoftsignGrad": _softsign_grad,
})  # fmt: skip


# Derivatives by way of a function's result `y`.
_BY_RESULT = {
    "InvGrad": lambda y, dy: -dy * (y * y),
    "ReciprocalGrad": lambda y, dy: -dy * (y * y),
    "RsqrtGrad": lambda y, dy: dy * (y * y * y) * -0.5,
    "SigmoidGrad": lambda y, dy: dy * (y * (1 - y)),
    "SqrtGrad": lambda y, dy: dy * 0.5 / y,
    "TanhGrad": lambda y, dy: dy * (1 - y * y),
}


@lower(*_BY_RESULT)
def grad_by_result(node: NodeView) -> Compute:
    function: Compute = _BY_RESULT[node.op]
    # Those two want a conjugated result.
    if "complex" not in node.dtype("T") or node.op in ("SigmoidGrad", "TanhGrad"):
        return function
    return lambda y, dy: function(_conj(y), dy)
