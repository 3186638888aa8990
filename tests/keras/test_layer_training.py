"""Fine-tuning: what is trainable, what runs in training mode, and what that changes."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import tensorflow as tf

import anyhub as hub
from anyhub.errors import EngineError

X = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")


def test_documented_example(saved) -> None:
    layer = hub.KerasLayer(saved("mul"))
    np.testing.assert_allclose(layer([10.0, 20.0]), [20.0, 40.0])
    assert layer.trainable_weights == []
    layer.trainable = True
    assert [float(w.numpy()) for w in layer.trainable_weights] == [2.0]
    np.testing.assert_allclose([float(loss) for loss in layer.losses], [0.004], rtol=1e-6)


def test_frozen_by_default(saved) -> None:
    layer = hub.KerasLayer(saved("trainable"))
    assert (len(layer.weights), len(layer.trainable_weights)) == (3, 0)
    assert layer.losses == []


def test_trainable_follows_the_switch(saved, keras) -> None:
    layer = hub.KerasLayer(saved("trainable"), trainable=True)
    model = keras.Sequential([keras.Input((3,)), layer])
    for flag in (True, False, True):
        layer.trainable = flag
        assert len(layer.trainable_weights) == (2 if flag else 0)
        assert len(layer.non_trainable_weights) == (1 if flag else 3)
        assert len(model.losses) == (2 if flag else 0)
        assert len(model.trainable_weights) == (2 if flag else 0)


def test_weights_are_the_variables_of_the_model(saved) -> None:
    layer = hub.KerasLayer(saved("trainable"), trainable=True)
    layer.weights[0].assign(np.ones((3, 4), "float32"))
    np.testing.assert_array_equal(layer.resolved_object.kernel, np.ones((3, 4)))
    layer.resolved_object.kernel.assign(tf.zeros((3, 4)))
    np.testing.assert_array_equal(layer.weights[0].numpy(), np.zeros((3, 4)))


@pytest.mark.parametrize("trainable", [True, False])
@pytest.mark.parametrize("training", [True, False, None])
def test_training_mode_needs_both(saved, trainable: bool, training: bool | None) -> None:
    layer = hub.KerasLayer(saved("trainable"), trainable=trainable)
    result = layer(X) if training is None else layer(X, training=training)
    ran_training = bool(trainable and training)
    moved = np.abs(layer.resolved_object.moving_mean.numpy()).max() > 0
    dropped = float(np.mean(np.asarray(result) == 0.0)) > 0.3
    assert (moved, dropped) == (ran_training, ran_training)


def test_fit_runs_training_mode_and_predict_does_not(saved, keras) -> None:
    layer = hub.KerasLayer(saved("trainable"), trainable=True, arguments={"rate": 0.0})
    model = keras.Sequential([keras.Input((3,)), layer])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    model.fit(X, np.zeros((64, 4)), batch_size=64, epochs=1, verbose=0)
    product = X @ np.linspace(-1, 1, 12).reshape(3, 4)
    mean = layer.resolved_object.moving_mean.numpy()
    np.testing.assert_allclose(mean, 0.1 * product.mean(0), atol=1e-6)
    np.testing.assert_allclose(model.predict(X, verbose=0), product - mean, atol=1e-5)
    np.testing.assert_array_equal(layer.resolved_object.moving_mean.numpy(), mean)


def test_fit_of_a_frozen_layer_changes_nothing(saved, keras) -> None:
    layer = hub.KerasLayer(saved("trainable"))
    before = [w.numpy().copy() for w in layer.weights]
    model = keras.Sequential([keras.Input((3,)), layer, keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, np.ones((64, 1)), epochs=2, verbose=0)
    for weight, old in zip(layer.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), old)


def test_gradients_reach_every_trainable_weight(saved, keras) -> None:
    layer = hub.KerasLayer(saved("trainable"), trainable=True)
    before = [w.numpy().copy() for w in layer.trainable_weights]
    model = keras.Sequential([keras.Input((3,)), layer, keras.layers.Dense(1)])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(X, training=True))
    weights = layer.trainable_weights
    variables = [w if isinstance(w, tf.Variable) else w.value for w in weights]
    for gradient in tape.gradient(loss, variables):
        assert float(tf.reduce_sum(tf.abs(gradient))) > 0
    model.compile("sgd", "mse")
    model.fit(X, np.ones((64, 1)), verbose=0)
    for weight, old in zip(layer.trainable_weights, before, strict=True):
        assert np.abs(weight.numpy() - old).max() > 0


def test_regularization_losses_are_trained(saved, keras) -> None:
    layer = hub.KerasLayer(saved("trainable"), trainable=True)
    model = keras.Sequential([keras.Input((3,)), layer])
    # The data loss has no gradient: what changes comes from regularization.
    model.compile(keras.optimizers.SGD(0.1), lambda y, p: tf.reduce_mean(p * 0.0, -1))
    kernel, gamma = (w.numpy().copy() for w in layer.trainable_weights)
    expected = 0.01 * (kernel**2).sum() + 0.5 * gamma.sum()
    np.testing.assert_allclose(sum(float(loss) for loss in model.losses), expected, rtol=1e-5)
    model.fit(X, np.zeros((64, 4)), batch_size=64, verbose=0)
    new_kernel, new_gamma = (w.numpy() for w in layer.trainable_weights)
    np.testing.assert_allclose(new_kernel, kernel * (1 - 0.1 * 0.02), rtol=1e-5)
    np.testing.assert_allclose(new_gamma, gamma - 0.1 * 0.5, rtol=1e-5)


def test_loss_is_the_models_plus_regularization(saved, keras) -> None:
    layer = hub.KerasLayer(saved("trainable"), trainable=True, arguments={"rate": 0.0})
    model = keras.Sequential([keras.Input((3,)), layer])
    model.compile("sgd", "mse")
    with_losses = model.evaluate(X, np.zeros((64, 4)), batch_size=64, verbose=0)
    plain = float(np.mean(np.asarray(model(X)) ** 2))
    regularization = sum(float(loss) for loss in layer.losses)
    np.testing.assert_allclose(with_losses, plain + regularization, rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("tf1_hub", {}), ("signatures", {"signature": "serving_default", "output_key": "y"})],
)
def test_signatures_cannot_be_trained(saved, name: str, arguments: dict) -> None:
    layer = hub.KerasLayer(saved(name), trainable=True, **arguments)
    with pytest.raises(EngineError, match="no training mode"):
        layer(tf.constant([1.0]))
    layer.trainable = False
    assert layer(tf.constant([1.0])).shape == (1,)


def test_nothing_to_train_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    layer = hub.KerasLayer(lambda x: x, trainable=True)
    with caplog.at_level(logging.WARNING, logger="anyhub"):
        layer(tf.constant([1.0]))
        layer(tf.constant([1.0]))
    assert [r.getMessage() for r in caplog.records].count(
        "KerasLayer(function) is trainable but has no trainable weights"
    ) == 1


def test_mixed_precision_keeps_the_models_dtype(saved, keras) -> None:
    inputs = keras.Input((3,), dtype="float16")
    layer = hub.KerasLayer(saved("trainable"), trainable=True, dtype="mixed_float16")
    model = keras.Model(inputs, layer(inputs))
    assert model(X.astype("float16")).dtype == tf.float32
    assert {str(getattr(w.dtype, "name", w.dtype)) for w in layer.weights} == {"float32"}


def test_weights_are_shared_by_all_calls(saved, keras) -> None:
    layer = hub.KerasLayer(saved("trainable"), trainable=True)
    one, two = keras.Input((3,)), keras.Input((3,))
    model = keras.Model([one, two], [layer(one), layer(two)])
    assert len(model.weights) == 3
