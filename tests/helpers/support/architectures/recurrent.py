"""Recurrent nets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from support.architectures.architecture import Architecture, noise, padded_noise, tokens

FEATURES = 6
WORDS = 50


def _net(*middle: Callable[[], Any]) -> Callable[[], Any]:
    """A net over sequences of any length."""

    def build() -> Any:
        x = inputs = keras.Input((None, FEATURES))
        for make in middle:
            x = make()(x)
        return keras.Model(inputs, layers.Dense(10)(x))

    return build


def masked_embedding() -> Any:
    """Words of which zeros are padding, read in both directions and then backwards."""
    inputs = keras.Input((None,), dtype="int32")
    x = layers.Embedding(WORDS, 12, mask_zero=True)(inputs)
    x = layers.Bidirectional(layers.GRU(10, return_sequences=True))(x)
    x = layers.LSTM(12, go_backwards=True)(x)
    return keras.Model(inputs, layers.Dense(10)(x))


def states() -> Any:
    """An encoder whose states start a decoder."""
    inputs = [keras.Input((None, FEATURES)), keras.Input((None, FEATURES))]
    _, *found = layers.LSTM(12, return_state=True)(inputs[0])
    x = layers.LSTM(12, return_sequences=True)(inputs[1], initial_state=found)
    return keras.Model(inputs, layers.Dense(10)(x))


def unrolled() -> Any:
    """A loop that is written out, over a fixed length."""
    inputs = keras.Input((6, FEATURES))
    x = layers.LSTM(12, unroll=True, return_sequences=True)(inputs)
    x = layers.GRU(12, unroll=True)(x)
    return keras.Model(inputs, layers.Dense(10)(x))


def conv_lstm() -> Any:
    """A recurrent net over frames, the frames read by a convolution."""
    inputs = keras.Input((5, 12, 12, 2))
    x = layers.TimeDistributed(layers.Conv2D(6, 3, activation="relu"))(inputs)
    x = layers.ConvLSTM2D(8, 3, padding="same")(x)
    x = layers.BatchNormalization()(x)
    return keras.Model(inputs, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))


def _two(rng: Any) -> list[Any]:
    return [noise(9, FEATURES)(rng), noise(7, FEATURES)(rng)]


RECURRENT = {
    "lstm": Architecture(_net(lambda: layers.LSTM(16)), noise(12, FEATURES)),
    "gru": Architecture(_net(lambda: layers.GRU(16)), noise(12, FEATURES)),
    "bidirectional": Architecture(
        _net(
            lambda: layers.Bidirectional(layers.LSTM(10, return_sequences=True)),
            lambda: layers.Bidirectional(layers.GRU(8), merge_mode="sum"),
        ),
        noise(12, FEATURES),
    ),
    "stacked": Architecture(
        _net(
            lambda: layers.LSTM(12, return_sequences=True),
            lambda: layers.GRU(12, return_sequences=True, reset_after=False),
            lambda: layers.SimpleRNN(12, return_sequences=True),
            lambda: layers.RNN([layers.LSTMCell(10), layers.GRUCell(8)]),
        ),
        noise(12, FEATURES),
    ),
    "masked": Architecture(
        _net(
            layers.Masking,
            lambda: layers.LSTM(12, return_sequences=True),
            lambda: layers.GRU(12),
        ),
        padded_noise(12, FEATURES),
    ),
    "masked_embedding": Architecture(masked_embedding, tokens(12, WORDS, padded=True)),
    "recurrent_states": Architecture(states, _two),
    "unrolled": Architecture(unrolled, noise(6, FEATURES)),
    "conv_lstm": Architecture(conv_lstm, noise(5, 12, 12, 2)),
}
