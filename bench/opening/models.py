"""Makes the models; runs as a child process, so that the parent stays small.

python opening/models.py NAME DIRECTORY
"""

from __future__ import annotations

import json
import sys
from typing import Any

import keras
from keras import layers, ops

SEED = 11
LENGTH = 128
LAYERS, WIDTH, HEADS, INNER = 12, 768, 12, 3072
WORDS, POSITIONS, SEGMENTS = 30522, 512, 2


class Embeddings(layers.Layer):
    """What BERT adds up: words, positions and segments (here all of the first)."""

    def __init__(self) -> None:
        super().__init__(name="embeddings")
        self.words = self._table(WORDS)
        self.positions = self._table(POSITIONS)
        self.segments = self._table(SEGMENTS)

    def build(self, input_shape: Any) -> None:
        """Make the tables."""
        for table in (self.words, self.positions, self.segments):
            table.build(input_shape)

    def call(self, ids: Any) -> Any:
        """Map [batch, length] to [batch, length, WIDTH]."""
        positions = ops.arange(ops.shape(ids)[1])
        return self.words(ids) + self.positions(positions) + self.segments(ops.zeros_like(ids))

    @staticmethod
    def _table(rows: int) -> layers.Embedding:
        return layers.Embedding(rows, WIDTH, embeddings_initializer=_normal())


def make_encoder() -> keras.Model:
    """An encoder with the sizes of BERT-base, without its pooler: 108.9 million parameters."""
    ids = keras.Input((LENGTH,), dtype="int32", name="ids")
    mask = keras.Input((LENGTH,), dtype="int32", name="mask")
    attend = ops.expand_dims(mask, 1)
    hidden = layers.LayerNormalization(epsilon=1e-12)(Embeddings()(ids))
    for _ in range(LAYERS):
        attention = layers.MultiHeadAttention(HEADS, WIDTH // HEADS, kernel_initializer=_normal())
        attended = attention(hidden, hidden, attention_mask=attend)
        hidden = layers.LayerNormalization(epsilon=1e-12)(hidden + attended)
        inner = layers.Dense(INNER, activation="gelu", kernel_initializer=_normal())(hidden)
        outer = layers.Dense(WIDTH, kernel_initializer=_normal())(inner)
        hidden = layers.LayerNormalization(epsilon=1e-12)(hidden + outer)
    return keras.Model({"ids": ids, "mask": mask}, hidden, name="encoder")


def make_efficientnet() -> keras.Model:
    """EfficientNetB0 with random weights."""
    return keras.applications.EfficientNetB0(weights=None)


def tell_apart(model: keras.Model) -> None:
    """Change all weights a little: after training no two tensors are all zeros or all ones."""
    for weight in model.weights:
        if keras.backend.is_float_dtype(weight.dtype):
            weight.assign(weight + keras.random.normal(weight.shape, stddev=0.02))


def _normal() -> keras.initializers.Initializer:
    return keras.initializers.TruncatedNormal(stddev=0.02)


MAKERS = {"EfficientNetB0": make_efficientnet, "encoder": make_encoder}


def main() -> None:
    """Export one model and tell its size."""
    name, directory = sys.argv[1:]
    keras.utils.set_random_seed(SEED)
    model = MAKERS[name]()
    tell_apart(model)
    model.export(directory, verbose=False)
    print("RESULT", json.dumps({"parameters": model.count_params()}), flush=True)


if __name__ == "__main__":
    main()
