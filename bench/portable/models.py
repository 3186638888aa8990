"""The architectures whose speed is measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers

WORDS, LENGTH, WIDTH, BLOCKS = 8000, 128, 256, 4


@dataclass(frozen=True)
class Subject:
    """An architecture with inputs.

    Attributes:
        build: Makes the Keras model; its first output is a tensor.
        inputs: A batch.
    """

    build: Callable[[], Any]
    inputs: np.ndarray


def application(name: str, size: int, batch: int) -> Subject:
    """A model of `keras.applications`."""

    def build() -> Any:
        made = getattr(keras.applications, name)
        return made(weights=None, input_shape=(size, size, 3), classifier_activation=None)

    return Subject(build, _rng().normal(size=(batch, size, size, 3)).astype(np.float32))


def bert() -> Any:
    """An encoder in the style of BERT: 4 blocks of width 256 over 128 words."""
    inputs = keras.Input((LENGTH,), dtype="int32")
    x = layers.Embedding(WORDS, WIDTH)(inputs)
    x = layers.LayerNormalization(epsilon=1e-12)(x)
    for _ in range(BLOCKS):
        heard = layers.MultiHeadAttention(num_heads=4, key_dim=WIDTH // 4)(x, x)
        x = layers.LayerNormalization(epsilon=1e-12)(x + heard)
        wide = layers.Dense(4 * WIDTH, activation="gelu")(x)
        x = layers.LayerNormalization(epsilon=1e-12)(x + layers.Dense(WIDTH)(wide))
    return keras.Model(inputs, layers.Dense(WIDTH, activation="tanh")(x[:, 0]))


def lstm() -> Any:
    """Two recurrent layers over 32 steps."""
    inputs = keras.Input((32, 64))
    x = layers.LSTM(128, return_sequences=True)(inputs)
    return keras.Model(inputs, layers.Dense(10)(layers.LSTM(128)(x)))


def gru() -> Any:
    """The same with layers of another kind."""
    inputs = keras.Input((32, 64))
    x = layers.GRU(128, return_sequences=True)(inputs)
    return keras.Model(inputs, layers.Dense(10)(layers.GRU(128)(x)))


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


SUBJECTS = {
    "ResNet50": application("ResNet50", 160, 4),
    "EfficientNetB0": application("EfficientNetB0", 160, 4),
    "MobileNetV2": application("MobileNetV2", 160, 4),
    "BERT-style": Subject(bert, _rng().integers(1, WORDS, (8, LENGTH)).astype(np.int32)),
    "LSTM": Subject(lstm, _rng().normal(size=(16, 32, 64)).astype(np.float32)),
    "GRU": Subject(gru, _rng().normal(size=(16, 32, 64)).astype(np.float32)),
}
