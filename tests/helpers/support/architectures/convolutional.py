"""Small convolutional nets with the layers that `keras.applications` lacks."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from support.architectures.architecture import Architecture, images, noise


def small_cnn() -> Any:
    """Convolutions of several kinds and a dense head."""
    x = inputs = keras.Input((32, 32, 3))
    x = _block(layers.Conv2D(16, 3, strides=2, padding="same"), "relu")(x)
    x = _block(layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2), "relu6")(x)
    x = _block(layers.SeparableConv2D(24, 3), "leaky_relu")(x)
    x = layers.MaxPooling2D()(x)
    x = _block(layers.Conv2D(32, 3, dilation_rate=2, padding="same"), "elu")(x)
    x = layers.Flatten()(layers.AveragePooling2D(2)(x))
    x = layers.Dense(32, activation="gelu")(x)
    return keras.Model(inputs, layers.Dense(10)(x))


def dropout_cnn() -> Any:
    """A net whose training is random."""
    x = inputs = keras.Input((32, 32, 3))
    x = _block(layers.Conv2D(16, 3, strides=2), "silu")(x)
    x = layers.SpatialDropout2D(0.2)(layers.GaussianNoise(0.1)(x))
    x = layers.Dropout(0.3)(layers.Flatten()(x))
    return keras.Model(inputs, layers.Dense(10)(x))


def u_net() -> Any:
    """Down with pooling, up with transposed convolutions and resizing, joined by shortcuts."""
    x = inputs = keras.Input((64, 64, 3))
    shortcuts = []
    for filters in (12, 16, 24):
        x = _double(x, filters)
        shortcuts.append(x)
        x = layers.MaxPooling2D()(x)
    x = _double(x, 32)
    x = layers.Conv2DTranspose(24, 2, strides=2, padding="same")(x)
    x = _double(layers.Concatenate()([x, shortcuts[2]]), 24)
    x = layers.Conv2DTranspose(16, 3, strides=2, padding="same", use_bias=False)(x)
    x = _double(layers.Concatenate()([x, shortcuts[1]]), 16)
    x = layers.UpSampling2D(interpolation="bilinear")(x)
    x = _double(layers.Concatenate()([x, shortcuts[0]]), 12)
    return keras.Model(inputs, layers.Conv2D(4, 1)(x))


def conv_3d() -> Any:
    """A net over volumes."""
    x = inputs = keras.Input((8, 12, 12, 2))
    x = _block(layers.Conv3D(8, 3, padding="same"), "relu")(x)
    x = layers.MaxPooling3D(2)(x)
    x = _block(layers.Conv3D(12, 3, strides=(1, 2, 2), padding="same"), "relu")(x)
    x = layers.AveragePooling3D((2, 1, 1))(x)
    x = _block(layers.Conv3DTranspose(8, 2, strides=2), "softplus")(x)
    x = layers.GlobalAveragePooling3D()(x)
    return keras.Model(inputs, layers.Dense(10)(x))


def wave_net() -> Any:
    """Causal dilated convolutions with gates, and shortcuts from each of them."""
    inputs = keras.Input((None, 1))
    x = layers.Conv1D(16, 2, padding="causal")(inputs)
    shortcuts = []
    for dilation in (1, 2, 4, 8, 1, 2, 4, 8):
        options = {"padding": "causal", "dilation_rate": dilation}
        value = layers.Conv1D(16, 2, activation="tanh", **options)(x)
        gate = layers.Conv1D(16, 2, activation="sigmoid", **options)(x)
        gated = layers.Multiply()([value, gate])
        shortcuts.append(layers.Conv1D(16, 1)(gated))
        x = layers.Add()([x, layers.Conv1D(16, 1)(gated)])
    x = layers.ReLU()(layers.Add()(shortcuts))
    x = layers.Conv1D(16, 1, activation="relu")(x)
    return keras.Model(inputs, layers.Conv1D(8, 1)(x))


def _double(x: Any, filters: int) -> Any:
    for _ in range(2):
        x = _block(layers.Conv2D(filters, 3, padding="same", use_bias=False), "relu")(x)
    return x


def _block(convolution: Any, activation: str) -> Any:
    def apply(x: Any) -> Any:
        return layers.Activation(activation)(layers.BatchNormalization()(convolution(x)))

    return apply


CONVOLUTIONAL = {
    "small_cnn": Architecture(small_cnn, images(32)),
    "dropout_cnn": Architecture(dropout_cnn, images(32), is_random=True),
    "u_net": Architecture(u_net, images(64)),
    "conv_3d": Architecture(conv_3d, noise(8, 12, 12, 2)),
    "wave_net": Architecture(wave_net, noise(64, 1)),
}
