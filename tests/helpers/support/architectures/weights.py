"""Random weights with which a model computes something: no statistic is one, no output constant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import layers

if TYPE_CHECKING:
    from support.architectures.architecture import Architecture

_SEED = 7


def randomize(model: Any, inputs: Any, architecture: Architecture) -> None:
    """Give a freshly made model weights and moving statistics that matter."""
    rng = np.random.default_rng(_SEED)
    every = list(model._flatten_layers(include_self=False))
    if not architecture.is_random:
        _stop_dropout(every)
    for layer in every:
        _vary(layer, rng)
    _calibrate([x for x in every if isinstance(x, layers.BatchNormalization)], model, inputs, rng)
    _standardize_head(model, inputs)


def _stop_dropout(every: list[Any]) -> None:
    # keras.applications keep their dropout out of reach of the caller.
    for layer in every:
        if isinstance(layer, layers.Dropout):
            layer.rate = 0


def _vary(layer: Any, rng: np.random.Generator) -> None:
    """Change what initializers leave at zero or one."""
    for variable in layer._trainable_variables:
        if variable.name == "gamma":
            variable.assign(rng.uniform(0.8, 1.2, variable.shape))
        elif variable.name == "beta":
            # Around zero, fifty random layers multiply rounding errors by a thousand.
            variable.assign(rng.normal(0.5, 0.2, variable.shape))
        elif variable.name == "embeddings":
            variable.assign(variable * 10)
        elif "bias" in variable.name:
            variable.assign(variable + rng.normal(0, 0.1, variable.shape))


def _calibrate(normalizations: list[Any], model: Any, inputs: Any, rng: Any) -> None:
    """Let moving statistics be near those of the inputs, but not the same."""
    if not normalizations:
        return
    momenta = [layer.momentum for layer in normalizations]
    for layer in normalizations:
        layer.momentum = 0.0
    model(inputs, training=True)
    for layer, momentum in zip(normalizations, momenta, strict=True):
        layer.momentum = momentum
        mean, variance = np.asarray(layer.moving_mean), np.asarray(layer.moving_variance)
        shift = 0.05 * rng.normal(size=mean.shape) * np.sqrt(variance)
        layer.moving_mean.assign(mean + shift)
        layer.moving_variance.assign(variance * rng.uniform(0.85, 1.15, mean.shape))


def _standardize_head(model: Any, inputs: Any) -> None:
    """Give each channel of a single output mean 0 and a deviation of about 1 over the inputs."""
    output = model(inputs, training=False)
    head = _head(model)
    if head is None or isinstance(output, dict):
        return
    output = keras.ops.convert_to_numpy(output).astype(np.float64)
    axes = tuple(range(output.ndim - 1))
    mean = output.mean(axes)
    # Where the mean is much larger, taking it away leaves mostly rounding errors.
    size = max(output.std(axes).mean(), np.sqrt((output**2).mean()) / 2)
    head.kernel.assign(np.asarray(head.kernel) / size)
    head.bias.assign((np.asarray(head.bias) - mean) / size)


def _head(model: Any) -> Any:
    """The last layer, or the one before it where that only changes the shape."""
    for layer in model.layers[:-3:-1]:
        if isinstance(layer, (layers.Dense, layers.Conv1D, layers.Conv2D)):
            return layer
    return None
