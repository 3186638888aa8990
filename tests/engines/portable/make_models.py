"""Makes the small SavedModels of these tests, with what TensorFlow computes of them.

In the environment with TensorFlow: python tests/engines/portable/make_models.py
They are kept in the repository, so that environments without TensorFlow have models to load.
"""

from __future__ import annotations

import collections
import os
import shutil
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "helpers"))

import keras
import numpy as np
import tensorflow as tf

from support.architectures.modules import save_reusable
from support.fine_tuning import batches, make_model, train

MODELS = Path(__file__).resolve().parent / "models"
Pair = collections.namedtuple("Pair", ["first", "second"])


class Encoder(tf.train.Checkpoint):
    """A sub-object that can be called."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = tf.Variable(_numbers(3, 4), name="encoder/kernel")

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, "x")])
    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        return tf.tanh(tf.matmul(x, self.kernel))


class Plain(tf.train.Checkpoint):
    """What the interface of loaded models is tested on."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.bias = tf.Variable(tf.zeros(4), name="bias")
        self.steps = tf.Variable(0, dtype=tf.int64, trainable=False, name="steps")
        self.scales = {"big": tf.Variable(10.0), "small": tf.Variable(0.1)}
        self.asset = tf.saved_model.Asset(str(MODELS / "words.txt"))
        kernel = self.encoder.kernel
        self.variables = [kernel, self.bias, self.steps]
        self.trainable_variables = [kernel, self.bias]
        penalty = tf.function(lambda: 0.01 * tf.reduce_sum(kernel * kernel), input_signature=[])
        self.regularization_losses = [penalty]

    @tf.function
    def __call__(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        if training:
            self.steps.assign_add(1)
        return self.encoder(x) + self.bias

    @tf.function
    def nested(self, inputs: dict, scale: float = 2.0, *, offset: tf.Tensor) -> dict:
        first, second = inputs["pair"]
        return {"sum": first + second * scale + offset, "list": [first, Pair(second, offset)]}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64)])
    def large(self, x: tf.Tensor) -> tf.Tensor:
        return x * 2**33 + 2**40

    @tf.function(input_signature=[tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.float32)])
    def filled(self, size: tf.Tensor, value: tf.Tensor) -> tf.Tensor:
        return tf.fill([size, 2], value) * self.scales["big"]

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float64)])
    def wide(self, x: tf.Tensor) -> tf.Tensor:
        return (x + 1e-12) * 1e12 - x * 1e12

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def unknown(self, x: tf.Tensor) -> tf.Tensor:
        # An op that this engine does not have.
        buckets = tf.raw_ops.BoostedTreesBucketize(float_values=[x], bucket_boundaries=[[0.5]])
        return tf.cast(buckets[0], tf.float32) + self.bias[0]


def _numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(7).normal(size=shape).astype(np.float32)


def make_plain() -> None:
    model = Plain()
    for training in (True, False):
        model.__call__.get_concrete_function(tf.TensorSpec([None, 3], tf.float32), training)
    vector = tf.TensorSpec([None], tf.float32)
    model.nested.get_concrete_function({"pair": [vector, vector]}, 2.0, offset=vector)
    default = model.__call__.get_concrete_function(tf.TensorSpec([None, 3], tf.float32, "x"), False)

    @tf.function(input_signature=[vector, tf.TensorSpec([None], tf.float32, "b")])
    def two(a: tf.Tensor, b: tf.Tensor) -> dict:
        return {"difference": a - b, "product": a * b}

    two = two.get_concrete_function()
    _save(model, "plain", {"serving_default": default, "two": two})


def convolutional(dropout: float) -> keras.Model:
    inputs = keras.Input((12, 12, 3))
    x = keras.layers.Conv2D(8, 3, use_bias=False)(inputs)
    x = keras.layers.Activation("silu")(keras.layers.BatchNormalization(momentum=0.9)(x))
    x = keras.layers.Dropout(dropout)(keras.layers.MaxPooling2D(2)(x))
    x = keras.layers.DepthwiseConv2D(3, padding="same")(x)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9)(x))
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))


def recurrent() -> keras.Model:
    inputs = keras.Input((6, 4))
    x = keras.layers.Bidirectional(keras.layers.LSTM(5, return_sequences=True))(inputs)
    return keras.Model(inputs, keras.layers.GRU(6)(keras.layers.LayerNormalization()(x)))


def make_tuned(name: str, model: keras.Model) -> None:
    """Save a model to fine-tune, and how it goes with TensorFlow."""
    folder = MODELS / name
    shutil.rmtree(folder, ignore_errors=True)
    save_reusable(model, str(folder))
    (folder / "fingerprint.pb").unlink(missing_ok=True)
    layer, tuned = make_model(folder, model.input_shape[1:], engine="tensorflow")
    losses = train(tuned, model.input_shape[1:])
    x, _ = next(batches(model.input_shape[1:]))
    np.savez_compressed(
        folder / "tuning.npz",
        losses=np.array(losses, np.float64),
        outputs=tuned.predict(x, verbose=0),
        **{f"state_{i}": v.numpy() for i, v in enumerate(layer.non_trainable_weights)},
    )


def _save(model: tf.train.Checkpoint, name: str, signatures: dict) -> None:
    shutil.rmtree(MODELS / name, ignore_errors=True)
    tf.saved_model.save(model, str(MODELS / name), signatures)
    (MODELS / name / "fingerprint.pb").unlink(missing_ok=True)


def main() -> None:
    MODELS.mkdir(exist_ok=True)
    (MODELS / "words.txt").write_text("one\ntwo\n")
    make_plain()
    keras.utils.set_random_seed(11)
    make_tuned("convolutional", convolutional(0.0))
    make_tuned("dropout", convolutional(0.3))
    make_tuned("recurrent", recurrent())
    (MODELS / "words.txt").unlink()
    (MODELS / "MADE_WITH").write_text(f"tensorflow {tf.__version__}, make_models.py\n")


if __name__ == "__main__":
    main()
