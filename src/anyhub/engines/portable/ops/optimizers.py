"""Steps of optimizers: new values of a variable and of what the optimizer keeps beside it.

A step gets the variable and what is kept, then the op's other inputs in the op's order.

Source: TensorFlow's `core/kernels/training_ops.cc`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable import values
from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.registry import lower_raw
from anyhub.graph.op_defs import find_op

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute, Factory
    from anyhub.engines.portable.run import Run

_move = primitives("indexing")
_RESOURCE = 20


def gradient_descent(_: NodeView) -> Compute:
    def step(state: Any, inputs: Any) -> Any:
        (var,) = state
        rate, grad = inputs
        return (var - rate * grad,)

    return step


def momentum(node: NodeView) -> Compute:
    is_nesterov = node.boolean("use_nesterov")

    def step(state: Any, inputs: Any) -> Any:
        var, accum = state
        rate, grad, momentum = inputs
        accum = accum * momentum + grad
        move = grad * rate + accum * momentum * rate if is_nesterov else accum * rate
        return var - move, accum

    return step


def keras_momentum(node: NodeView) -> Compute:
    is_nesterov = node.boolean("use_nesterov")

    def step(state: Any, inputs: Any) -> Any:
        var, accum = state
        rate, grad, momentum = inputs
        accum = accum * momentum - grad * rate
        return var + (accum * momentum - grad * rate if is_nesterov else accum), accum

    return step


def adam(node: NodeView) -> Compute:
    is_nesterov = node.boolean("use_nesterov")

    def step(state: Any, inputs: Any) -> Any:
        var, m, v = state
        power1, power2, rate, beta1, beta2, epsilon, grad = inputs
        alpha = rate * K.sqrt(1 - power2) / (1 - power1)
        m = m + (grad - m) * (1 - beta1)
        v = v + (grad * grad - v) * (1 - beta2)
        move = grad * (1 - beta1) + beta1 * m if is_nesterov else m
        return var - (move * alpha) / (K.sqrt(v) + epsilon), m, v

    return step


def adam_with_amsgrad(_: NodeView) -> Compute:
    def step(state: Any, inputs: Any) -> Any:
        var, m, v, top = state
        power1, power2, rate, beta1, beta2, epsilon, grad = inputs
        alpha = rate * K.sqrt(1 - power2) / (1 - power1)
        m = m + (grad - m) * (1 - beta1)
        v = v + (grad * grad - v) * (1 - beta2)
        top = K.maximum(top, v)
        return var - (m * alpha) / (K.sqrt(top) + epsilon), m, v, top

    return step


def ada_max(_: NodeView) -> Compute:
    def step(state: Any, inputs: Any) -> Any:
        var, m, v = state
        power1, rate, beta1, beta2, epsilon, grad = inputs
        m = m + (grad - m) * (1 - beta1)
        v = K.maximum(beta2 * v, K.abs(grad))
        return var - rate / (1 - power1) * (m / (v + epsilon)), m, v

    return step


def rms_prop(_: NodeView) -> Compute:
    def step(state: Any, inputs: Any) -> Any:
        var, ms, mom = state
        rate, rho, momentum, epsilon, grad = inputs
        ms = ms + (grad * grad - ms) * (1 - rho)
        mom = mom * momentum + (grad * rate) * K.rsqrt(ms + epsilon)
        return var - mom, ms, mom

    return step


def centered_rms_prop(_: NodeView) -> Compute:
    def step(state: Any, inputs: Any) -> Any:
        var, mg, ms, mom = state
        rate, rho, momentum, epsilon, grad = inputs
        ms = ms + (grad * grad - ms) * (1 - rho)
        mg = mg + (grad - mg) * (1 - rho)
        mom = mom * momentum + (grad * rate) * K.rsqrt(ms - mg * mg + epsilon)
        return var - mom, mg, ms, mom

    return step


def adagrad(node: NodeView) -> Compute:
    updates_slots = node.boolean("update_slots")

    def step(state: Any, inputs: Any) -> Any:
        var, accum = state
        rate, grad = inputs
        accum = accum + grad * grad if updates_slots else accum
        return var - grad * rate * K.rsqrt(accum), accum

    return step


def adagrad_v2(node: NodeView) -> Compute:
    updates_slots = node.boolean("update_slots")

    def step(state: Any, inputs: Any) -> Any:
        var, accum = state
        rate, epsilon, grad = inputs
        accum = accum + grad * grad if updates_slots else accum
        return var - grad * rate / (K.sqrt(accum) + epsilon), accum

    return step


def adadelta(_: NodeView) -> Compute:
    def step(state: Any, inputs: Any) -> Any:
        var, accum, accum_update = state
        rate, rho, epsilon, grad = inputs
        accum = accum * rho + grad * grad * (1 - rho)
        update = K.sqrt(accum_update + epsilon) * K.rsqrt(accum + epsilon) * grad
        return var - update * rate, accum, accum_update * rho + update * update * (1 - rho)

    return step


def ftrl(node: NodeView) -> Compute:
    step = ftrl_v2(node)

    def step_without_shrinkage(state: Any, inputs: Any) -> Any:
        grad, rate, l1, l2, power = inputs
        return step(state, (grad, rate, l1, l2, None, power))

    return step_without_shrinkage


def ftrl_v2(node: NodeView) -> Compute:
    multiplies = node.boolean("multiply_linear_by_lr")

    def step(state: Any, inputs: Any) -> Any:
        var, accum, linear = state
        grad, rate, l1, l2, shrinkage, power = inputs
        shrunk = grad if shrinkage is None else grad + 2 * shrinkage * var
        total = accum + grad * grad
        new, old = total ** (-power), accum ** (-power)
        if multiplies:
            linear = linear + shrunk * rate - (new - old) * var
            l1, scale = l1 * rate, new + 2 * l2 * rate
        else:
            linear = linear + shrunk - (new - old) / rate * var
            scale = new / rate + 2 * l2
        return (K.minimum(K.maximum(linear, -l1), l1) - linear) / scale, total, linear

    return step


def proximal_gradient_descent(_: NodeView) -> Compute:
    def step(state: Any, inputs: Any) -> Any:
        (var,) = state
        rate, l1, l2, grad = inputs
        return (_proximal(var, grad * rate, rate, l1, l2),)

    return step


def proximal_adagrad(_: NodeView) -> Compute:
    def step(state: Any, inputs: Any) -> Any:
        var, accum = state
        rate, l1, l2, grad = inputs
        accum = accum + grad * grad
        own = rate * K.rsqrt(accum)
        return _proximal(var, grad * own, own, l1, l2), accum

    return step


def _proximal(var: Any, move: Any, rate: Any, l1: Any, l2: Any) -> Any:
    moved = var - move
    size = K.maximum(K.abs(moved) - rate * K.maximum(l1, 0), 0)
    return K.sign(moved) * size / (1 + rate * l2)


def add_sign(_: NodeView) -> Compute:
    def step(state: Any, inputs: Any) -> Any:
        var, m = state
        rate, alpha, decay, beta, grad = inputs
        m = m * beta + grad * (1 - beta)
        return var - rate * (alpha + decay * K.sign(grad) * K.sign(m)) * grad, m

    return step


def power_sign(_: NodeView) -> Compute:
    def step(state: Any, inputs: Any) -> Any:
        var, m = state
        rate, base, decay, beta, grad = inputs
        m = m * beta + grad * (1 - beta)
        return var - rate * K.exp(base * decay * K.sign(grad) * K.sign(m)) * grad, m

    return step


STEPS: Mapping[str, Factory] = {
    "GradientDescent": gradient_descent,
    "Momentum": momentum,
    "KerasMomentum": keras_momentum,
    "Adam": adam,
    "AdamWithAmsgrad": adam_with_amsgrad,
    "AdaMax": ada_max,
    "RMSProp": rms_prop,
    "CenteredRMSProp": centered_rms_prop,
    "Adagrad": adagrad,
    "AdagradV2": adagrad_v2,
    "Adadelta": adadelta,
    "Ftrl": ftrl,
    "FtrlV2": ftrl_v2,
    "ProximalGradientDescent": proximal_gradient_descent,
    "ProximalAdagrad": proximal_adagrad,
    "AddSign": add_sign,
    "PowerSign": power_sign,
}
_DENSE_ONLY = {"GradientDescent", "Adam", "AdamWithAmsgrad", "AdaMax", "AddSign", "PowerSign"}
# Attribute use_locking is about threads, of which there are none here.


def _argument_names(op: str) -> tuple[list[str], int]:
    """The names of an op's inputs, and how many of them are variables: the first ones."""
    found = find_op(op)
    assert found is not None  # noqa: S101 - it is in the op registry
    names = [argument.name for argument in found.inputs]
    return names, sum(argument.type_number == _RESOURCE for argument in found.inputs)


def _dense(op: str, build_step: Factory) -> Factory:
    _, slots = _argument_names(op)

    def build(node: NodeView) -> Compute:
        step = build_step(node)

        def run(run: Run, *inputs: Any) -> None:
            handles, rest = inputs[:slots], map(values.to_device, inputs[slots:])
            current = [run.read(handle) for handle in handles]
            for handle, value in zip(handles, step(current, rest), strict=True):
                run.assign(handle, value)

        return run

    return build


def _sparse(op: str, build_step: Factory) -> Factory:
    names, slots = _argument_names(op)
    position = names.index("indices")

    def build(node: NodeView) -> Compute:
        step = build_step(node)

        def run(run: Run, *inputs: Any) -> None:
            handles, indices = inputs[:slots], values.to_device(inputs[position])
            rest = [values.to_device(v) for v in inputs[slots:position] + inputs[position + 1 :]]
            rows = [_move.take(run.read(handle), indices, 0) for handle in handles]
            places = _move.expand_dims(indices, 1)
            for handle, part in zip(handles, step(rows, rest), strict=True):
                run.assign(handle, _move.scatter(run.read(handle), places, part, "set"))

        return run

    return build


for _name, _build in STEPS.items():
    lower_raw(f"ResourceApply{_name}")(_dense(f"ResourceApply{_name}", _build))
    if _name not in _DENSE_ONLY:
        lower_raw(
            f"ResourceSparseApply{_name}",
            limits="Where an index is there twice, one of the two steps wins; TensorFlow makes "
            "both. Keras adds up gradients of the same row beforehand.",
        )(_sparse(f"ResourceSparseApply{_name}", _build))
