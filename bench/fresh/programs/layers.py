"""Programs about `hub.KerasLayer`."""

from __future__ import annotations

from typing import Any

import numpy as np
from checks import check, check_close

LEARNING_RATE = 0.1
SAVED_OUTPUT = ".y.npy"


def sequential(hub: Any, handle: str, probe: str) -> None:
    """Fit a head on the frozen layer in keras.Sequential."""
    import keras

    known = np.load(probe)
    layer = hub.KerasLayer(handle)
    head = keras.layers.Dense(1)
    model = keras.Sequential([keras.Input(known["x"].shape[1:]), layer, head])
    before = np.array(head.kernel)
    fit(model, known)
    check(np.abs(np.array(head.kernel) - before).max() > 0, "fit did not change the head")
    check_close(layer(known["x"]), known["y"], "the frozen layer after fit")


def functional(hub: Any, handle: str, probe: str) -> None:
    """Predict with the layer inside a functional model."""
    import keras

    known = np.load(probe)
    inputs = keras.Input(known["x"].shape[1:])
    model = keras.Model(inputs, hub.KerasLayer(handle)(inputs))
    check_close(model.predict(known["x"], verbose=0), known["y"], "the functional model")


def fine_tune(hub: Any, handle: str, probe: str) -> None:
    """Take one step of a training loop of one's own, which needs no model of any Keras."""
    import tensorflow as tf

    known = np.load(probe)
    layer = hub.KerasLayer(handle, trainable=True)
    before = loss_of(layer, known)
    with tf.GradientTape() as tape:
        loss = loss_of(layer, known)
    check(len(layer.trainable_weights) == 1, "the kernel is no trainable weight of the layer")
    for weight, gradient in zip(
        layer.trainable_weights, tape.gradient(loss, layer.trainable_weights), strict=True
    ):
        check(gradient is not None, "no gradient reaches the kernel")
        weight.assign(weight - LEARNING_RATE * gradient)
    after = loss_of(layer, known)
    check(after < before, f"the loss went from {float(before):.3g} to {float(after):.3g}")


def loss_of(layer: Any, known: Any) -> Any:
    """Mean square of the outputs in a training call."""
    import tensorflow as tf

    return tf.reduce_mean(layer(known["x"], training=True) ** 2)


def save_keras(hub: Any, handle: str, probe: str, path: str) -> None:
    """Save a model with the layer as a `.keras` file, and beside it what it computes."""
    import keras

    known = np.load(probe)
    inputs = keras.Input(known["x"].shape[1:])
    outputs = keras.layers.Dense(3)(hub.KerasLayer(handle)(inputs))
    model = keras.Model(inputs, outputs)
    model.save(path)
    np.save(path + SAVED_OUTPUT, model.predict(known["x"], verbose=0))


def open_keras(hub: Any, probe: str, path: str) -> None:
    """Open a `.keras` file with nothing but the library imported."""
    import keras

    del hub  # its import is what must be enough
    found = keras.saving.load_model(path).predict(np.load(probe)["x"], verbose=0)
    check_close(found, np.load(path + SAVED_OUTPUT), "the opened model")


def legacy_keras(hub: Any, handle: str, probe: str) -> None:
    """Fine-tune the layer by fit in a model of the package tf_keras (Keras 2)."""
    import tf_keras

    known = np.load(probe)
    layer = hub.KerasLayer(handle, trainable=True)
    before = np.array(layer(known["x"]))
    fit(tf_keras.Sequential([layer, tf_keras.layers.Dense(1)]), known)
    check(np.abs(np.array(layer(known["x"])) - before).max() > 0, "fit did not change the layer")


def fit(model: Any, known: Any) -> None:
    """Train a model of one output for one epoch."""
    model.compile(optimizer="sgd", loss="mse")
    model.fit(known["x"], np.ones((len(known["x"]), 1), "float32"), verbose=0)
