"""The same 50 steps of training, whatever runs them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

import anyhub as hub

STEPS, BATCH = 50, 16


def make_model(path: Path, shape: tuple[int, ...], *, engine: str) -> tuple[Any, keras.Model]:
    """The layer, and a model of it with a head whose weights are always the same."""
    layer = hub.KerasLayer(str(path), trainable=True, engine=engine)
    inputs = keras.Input(shape)
    features = layer(inputs)
    head = keras.layers.Dense(1)
    model = keras.Model(inputs, head(features))
    kernel = np.random.default_rng(1).normal(size=head.kernel.shape).astype(np.float32)
    head.set_weights([0.3 * kernel, np.zeros(1, np.float32)])
    model.compile(keras.optimizers.SGD(0.02, momentum=0.9), "mse")
    return layer, model


def batches(shape: tuple[int, ...]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches of a task that can be learned."""
    rng = np.random.default_rng(2)
    while True:
        x = rng.normal(size=(BATCH, *shape)).astype(np.float32)
        flat = x.reshape(BATCH, -1)
        y = flat.mean(axis=1, keepdims=True) * np.sqrt(flat.shape[1])
        yield x, y.astype(np.float32)


def train(model: keras.Model, shape: tuple[int, ...]) -> list[float]:
    """The losses of all steps, the regularization among them."""
    source = batches(shape)
    return [float(model.train_on_batch(*next(source))) for _ in range(STEPS)]
