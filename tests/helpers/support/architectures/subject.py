"""A loaded model as the comparison sees it: arrays in, arrays out, on the backend in use."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from support.architectures.reference import named, unnamed

Arrays = dict[str, np.ndarray]


class Subject:
    """A loaded model.

    Args:
        obj: What an engine loaded.
    """

    def __init__(self, obj: Any) -> None:
        self.obj = obj

    def serve(self, inputs: Arrays) -> Arrays:
        """The outputs of the serving signature."""
        return _arrays(self.obj.signatures["serving_default"](**_tensors(inputs)))

    def call(self, inputs: Arrays, *, training: bool) -> Arrays:
        """The outputs of a call."""
        return _arrays(self.obj(unnamed(_tensors(inputs)), training=training))

    def gradients(self, inputs: Arrays, weights: Arrays, *, training: bool) -> Arrays:
        """Derivatives of the weighted sum of outputs by each trainable variable."""
        arguments, factors = unnamed(_tensors(inputs)), _tensors(weights)

        def loss() -> Any:
            outputs = named(self.obj(arguments, training=training))
            parts = [keras.ops.sum(outputs[n] * f) / math.prod(f.shape) for n, f in factors.items()]
            return sum(parts[1:], parts[0])

        variables = list(self.obj.trainable_variables)
        found = _DIFFERENTIATE[keras.backend.backend()](loss, variables, self.obj.variables)
        return {
            label(i, v): _array(g) for i, (v, g) in enumerate(zip(variables, found, strict=True))
        }

    def variables(self) -> Arrays:
        """The values of all variables."""
        return {label(i, v): _array(v) for i, v in enumerate(self.obj.variables)}

    def restore(self, kept: Arrays) -> None:
        """Set all variables to the values that they had."""
        for variable, array in zip(self.obj.variables, kept.values(), strict=True):
            variable.assign(array)

    def regularization(self) -> Arrays:
        """The values of the regularization losses."""
        return {str(i): _array(loss()) for i, loss in enumerate(self.obj.regularization_losses)}


def label(index: int, variable: Any) -> str:
    """The name of a variable in figures: engines agree on the index only."""
    return f"{index} {getattr(variable, 'path', variable.name)}"


def _by_jax(loss: Callable[[], Any], variables: list[Any], every: list[Any]) -> list[Any]:
    import jax

    trained = {id(variable) for variable in variables}
    others = [variable for variable in every if id(variable) not in trained]

    def total(values: list[Any], rest: list[Any]) -> Any:
        mapping = [*zip(variables, values, strict=True), *zip(others, rest, strict=True)]
        with keras.StatelessScope(state_mapping=mapping):
            return loss()

    return jax.jit(jax.grad(total))([v.value for v in variables], [v.value for v in others])


def _by_torch(loss: Callable[[], Any], variables: list[Any], _: list[Any]) -> list[Any]:
    for variable in variables:
        variable.value.grad = None
    loss().backward()
    found = [variable.value.grad for variable in variables]
    return [
        np.zeros(v.shape, np.float32) if g is None else g
        for v, g in zip(variables, found, strict=True)
    ]


def _by_tensorflow(loss: Callable[[], Any], variables: list[Any], _: list[Any]) -> list[Any]:
    import tensorflow as tf

    with tf.GradientTape() as tape:
        total = loss()
    values = [v.value if isinstance(v, keras.Variable) else v for v in variables]
    return tape.gradient(total, values, unconnected_gradients="zero")


_DIFFERENTIATE = {"jax": _by_jax, "torch": _by_torch, "tensorflow": _by_tensorflow}


def _tensors(arrays: Arrays) -> dict[str, Any]:
    return {name: keras.ops.convert_to_tensor(array) for name, array in arrays.items()}


def _arrays(outputs: Any) -> Arrays:
    return {name: _array(value) for name, value in named(outputs).items()}


def _array(value: Any) -> np.ndarray:
    # TensorFlow's own variables and sparse gradients are not known to keras.ops.
    found = value.numpy() if hasattr(value, "read_value") else None
    if found is None and hasattr(value, "indices") and hasattr(value, "dense_shape"):
        import tensorflow as tf

        value = tf.convert_to_tensor(value)
    return np.asarray(keras.ops.convert_to_numpy(value) if found is None else found)
