"""A forward pass and a training step of a Keras model, as a function that only computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

RATE = 1e-4


def steps(model: Any, inputs: Any) -> dict[str, Callable[[], Any]]:
    """The two steps of a model on the backend in use, compiled where it compiles."""
    make = _jax_steps if keras.backend.backend() == "jax" else _torch_steps
    return make(model, keras.ops.convert_to_tensor(inputs))


def _jax_steps(model: Any, inputs: Any) -> dict[str, Callable[[], Any]]:
    import jax

    def forward(trainable: Any, others: Any) -> Any:
        return model.stateless_call(trainable, others, inputs, training=False)[0]

    def loss(trainable: Any, others: Any) -> Any:
        outputs, others = model.stateless_call(trainable, others, inputs, training=True)
        return (outputs**2).mean(), others

    def train(trainable: Any, others: Any) -> Any:
        (value, others), found = jax.value_and_grad(loss, has_aux=True)(trainable, others)
        return value, [v - RATE * g for v, g in zip(trainable, found, strict=True)], others

    state = (
        [v.value for v in model.trainable_variables],
        [v.value for v in model.non_trainable_variables],
    )
    jitted = {"forward": jax.jit(forward), "training": jax.jit(train)}
    return {
        name: lambda run=run: jax.block_until_ready(run(*state)) for name, run in jitted.items()
    }


def _torch_steps(model: Any, inputs: Any) -> dict[str, Callable[[], Any]]:
    import torch

    weights = [v.value for v in model.trainable_variables]

    def forward() -> Any:
        with torch.no_grad():
            return model(inputs, training=False)

    def train() -> None:
        loss = (model(inputs, training=True) ** 2).mean()
        found = torch.autograd.grad(loss, weights, allow_unused=True)
        with torch.no_grad():
            for weight, gradient in zip(weights, found, strict=True):
                if gradient is not None:
                    weight.sub_(RATE * gradient)

    return {"forward": forward, "training": train}
