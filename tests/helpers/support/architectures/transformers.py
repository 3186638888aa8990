"""Small Transformers made of Keras layers, with the parts of the large ones."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers
from keras import ops as K

from support.architectures.architecture import Architecture, images, padding_mask, tokens

WORDS = 60
LENGTH = 16
WIDTH = 32


class Positions(layers.Layer):
    """Adds a trained vector for each position."""

    supports_masking = True

    def build(self, shape: Any) -> None:
        self.vectors = self.add_weight(shape=(LENGTH, shape[-1]), initializer="normal")

    def call(self, x: Any) -> Any:
        return x + self.vectors[: K.shape(x)[1]]


class Logits(layers.Layer):
    """A score for each word: the product with the words' own vectors."""

    def __init__(self, embedding: Any) -> None:
        super().__init__()
        self.embedding = embedding

    def call(self, x: Any) -> Any:
        return K.matmul(x, K.transpose(self.embedding.embeddings))


def bert() -> Any:
    """An encoder with segments and a mask; normalization follows each sum."""
    names = ("input_word_ids", "input_mask", "input_type_ids")
    inputs = {name: keras.Input((None,), dtype="int32", name=name) for name in names}
    x = layers.Embedding(WORDS, WIDTH)(inputs["input_word_ids"])
    x = Positions()(x) + layers.Embedding(2, WIDTH)(inputs["input_type_ids"])
    x = layers.LayerNormalization(epsilon=1e-12)(x)
    mask = layers.Lambda(lambda m: K.cast(K.expand_dims(m, 1), "bool"))(inputs["input_mask"])
    for _ in range(2):
        heard = _attention()(x, x, attention_mask=mask)
        x = layers.LayerNormalization(epsilon=1e-12)(x + heard)
        x = layers.LayerNormalization(epsilon=1e-12)(x + _feed_forward(x, "gelu"))
    pooled = layers.Dense(WIDTH, activation="tanh")(x[:, 0])
    return keras.Model(inputs, {"pooled_output": pooled, "sequence_output": x})


def gpt() -> Any:
    """A decoder that sees only what came before; words are scored by their own vectors."""
    inputs = keras.Input((None,), dtype="int32")
    embedding = layers.Embedding(WORDS, WIDTH)
    x = Positions()(embedding(inputs))
    for _ in range(2):
        y = layers.LayerNormalization()(x)
        x = x + _attention()(y, y, use_causal_mask=True)
        x = x + _feed_forward(layers.LayerNormalization()(x), _gelu_of_gpt)
    return keras.Model(inputs, Logits(embedding)(layers.LayerNormalization()(x)))


def seq2seq() -> Any:
    """Encoder and decoder, padded; masks come from the embeddings."""
    inputs = [keras.Input((None,), dtype="int32"), keras.Input((None,), dtype="int32")]
    source, target = (layers.Embedding(WORDS, WIDTH, mask_zero=True)(i) for i in inputs)
    source, target = Positions()(source), Positions()(target)
    for _ in range(2):
        source = _normalized_sum(source, _attention()(source, source))
        source = _normalized_sum(source, _feed_forward(source, "relu"))
    for _ in range(2):
        target = _normalized_sum(target, _attention()(target, target, use_causal_mask=True))
        target = _normalized_sum(target, _attention()(target, source))
        target = _normalized_sum(target, _feed_forward(target, "relu"))
    return keras.Model(inputs, layers.Dense(WORDS)(target))


def vision() -> Any:
    """Patches of an image as words; heads that share keys and values."""
    inputs = keras.Input((32, 32, 3))
    x = layers.Conv2D(WIDTH, 8, strides=8)(inputs)
    x = Positions()(layers.Reshape((-1, WIDTH))(x))
    for _ in range(2):
        y = layers.LayerNormalization()(x)
        x = x + layers.GroupQueryAttention(8, num_query_heads=4, num_key_value_heads=2)(y, y)
        x = x + _feed_forward(layers.LayerNormalization()(x), "silu")
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))
    return keras.Model(inputs, layers.Dense(10)(x))


def _attention() -> Any:
    return layers.MultiHeadAttention(num_heads=4, key_dim=WIDTH // 4)


def _feed_forward(x: Any, activation: Any) -> Any:
    return layers.Dense(WIDTH)(layers.Dense(4 * WIDTH, activation=activation)(x))


def _normalized_sum(x: Any, y: Any) -> Any:
    return layers.LayerNormalization()(layers.Add()([x, y]))


def _gelu_of_gpt(x: Any) -> Any:
    return K.gelu(x, approximate=True)


def _words_and_segments(rng: np.random.Generator) -> dict[str, np.ndarray]:
    mask = padding_mask(LENGTH)
    return {
        "input_word_ids": tokens(LENGTH, WORDS, padded=True)(rng),
        "input_mask": mask,
        "input_type_ids": (np.arange(LENGTH) > 6).astype(np.int32) * mask,
    }


def _source_and_target(rng: np.random.Generator) -> list[np.ndarray]:
    return [tokens(length, WORDS, padded=True)(rng) for length in (LENGTH, LENGTH - 4)]


TRANSFORMERS = {
    "bert": Architecture(bert, _words_and_segments),
    "gpt": Architecture(gpt, tokens(LENGTH, WORDS)),
    "seq2seq": Architecture(seq2seq, _source_and_target),
    "vision_transformer": Architecture(vision, images(32)),
}
