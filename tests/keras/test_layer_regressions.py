"""What a hostile review of KerasLayer found; each test failed before its fix."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import anyhub as hub
from anyhub.errors import InputError, LayerError

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")


def test_variable_shared_by_two_layers_is_trained_once(saved, keras) -> None:
    loaded = hub.load(saved("mul"))
    one, two = (hub.KerasLayer(loaded, trainable=True) for _ in range(2))
    loaded.regularization_losses = []
    inputs = keras.Input(())
    model = keras.Model(inputs, one(inputs) + two(inputs))
    model.compile(keras.optimizers.SGD(0.01), "mse")
    model.fit(np.ones(4), np.zeros(4), batch_size=4, verbose=0)
    # Loss (2v)^2 plus twice 0.001 v^2 of the layers made before: gradient 8v + 0.004v.
    np.testing.assert_allclose(loaded.v.numpy(), 2.0 - 0.01 * (16.0 + 0.008), rtol=1e-5)


def test_frozen_and_trainable_layer_of_one_model(saved) -> None:
    loaded = hub.load(saved("trainable"))
    frozen, trained = hub.KerasLayer(loaded), hub.KerasLayer(loaded, trainable=True)
    assert (len(frozen.trainable_weights), len(trained.trainable_weights)) == (0, 2)


def test_training_as_a_tensor(saved) -> None:
    for trainable in (True, False):
        layer = hub.KerasLayer(saved("trainable"), trainable=trainable, arguments={"rate": 0.0})
        function = tf.function(lambda x, t, layer=layer: layer(x, training=t))
        for flag in (True, False):
            moved = layer.resolved_object.moving_mean.numpy().copy()
            function(tf.constant(X), tf.constant(flag))
            is_same = np.array_equal(moved, layer.resolved_object.moving_mean.numpy())
            assert is_same == (not (flag and trainable))


def test_time_distributed(saved, keras) -> None:
    layer = hub.KerasLayer(saved("trainable"), output_shape=[4])
    assert tuple(layer.compute_output_shape((None, 3))) == (None, 4)
    inputs = keras.Input((5, 3))
    model = keras.Model(inputs, keras.layers.TimeDistributed(layer)(inputs))
    assert model.predict(np.ones((2, 5, 3)), verbose=0).shape == (2, 5, 4)


class TwoDtypes(tf.train.Checkpoint):
    @tf.function
    def __call__(self, x):
        return tf.cast(x, tf.float32) * 2.0


@pytest.mark.parametrize(
    "value",
    [
        np.ones((1, 3)),
        [[1, 1, 1]],
        [[1.0, 1.0, 1.0]],
        np.ones((1, 3), np.uint8),
        np.float16([[1] * 3]),
    ],
)
def test_model_traced_for_several_dtypes(tmp_path, value) -> None:
    model = TwoDtypes()
    for dtype in (tf.float32, tf.uint8):
        model.__call__.get_concrete_function(tf.TensorSpec([None, 3], dtype))
    tf.saved_model.save(model, str(tmp_path))
    np.testing.assert_array_equal(hub.KerasLayer(str(tmp_path))(value), [[2.0, 2.0, 2.0]])


def test_floats_of_python_callables_are_cast_as_keras_does() -> None:
    weight = tf.Variable(tf.ones((3, 2)))
    for function in (lambda x: tf.matmul(x, weight), tf.function(lambda x: tf.matmul(x, weight))):
        assert hub.KerasLayer(function)(np.ones((1, 3))).dtype == "float32"


def test_variable_of_unknown_shape(tmp_path) -> None:
    model = tf.train.Checkpoint()
    model.v = tf.Variable([1.0, 2.0], shape=tf.TensorShape(None), trainable=False)
    model.variables = [model.v]
    model.__call__ = tf.function(lambda x: x, input_signature=[tf.TensorSpec([None])])
    tf.saved_model.save(model, str(tmp_path))
    np.testing.assert_array_equal(hub.KerasLayer(str(tmp_path))([1.0]), [1.0])


@pytest.mark.parametrize("shape", [{"input_shape": []}, {"batch_input_shape": (None,)}])
def test_input_shape_and_string_dtype_in_sequential(saved, keras, shape: dict) -> None:
    layer = hub.KerasLayer(saved("text"), output_shape=[4], dtype=tf.string, **shape)
    model = keras.Sequential([layer, keras.layers.Dense(2)])
    assert model(tf.constant(["a", "long"])).shape == (2, 2)


def test_signature_that_is_a_function_without_traces() -> None:
    holder = tf.train.Checkpoint()
    holder.signatures = {"s": tf.function(lambda x: {"y": x * 2})}
    layer = hub.KerasLayer(holder, signature="s", output_key="y")
    np.testing.assert_array_equal(layer(tf.constant([1.0])), [2.0])


def test_wrapping_a_layer_leaves_what_its_owner_froze(keras) -> None:
    inner = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), keras.layers.Dense(1)])
    inner.layers[0].trainable = False
    layer = hub.KerasLayer(inner, trainable=True)
    assert len(layer.trainable_weights) == 2
    np.testing.assert_allclose(layer(X), inner(X), rtol=1e-6)


@pytest.mark.parametrize("handle", [None, 3, b"/models"])
def test_handle_of_no_known_type(handle) -> None:
    with pytest.raises(LayerError, match="is a str, a path, or a callable object; found"):
        hub.KerasLayer(handle)


@pytest.mark.parametrize("arguments", [{"tags": ["serve"]}, {"engine": "tensorflow"}])
def test_load_arguments_need_a_handle(arguments: dict) -> None:
    with pytest.raises(LayerError, match="which is loaded already"):
        hub.KerasLayer(lambda x: x, **arguments)


def test_ragged_instead_of_dense_is_marked(saved) -> None:
    with pytest.raises(InputError, match="found a ragged tensor"):
        hub.KerasLayer(saved("trainable"))(tf.ragged.constant([[1.0], [2.0, 3.0]]))


def test_tuple_instead_of_list_is_marked(saved) -> None:
    pair = (tf.ones((1, 2)), tf.ones((1, 2)))
    with pytest.raises(
        InputError, match=r"inputs\[0\].*<- missing[\s\S]*inputs\(0\).*<- remove it"
    ):
        hub.KerasLayer(saved("list"))(pair)


def test_output_shape_of_another_structure(saved) -> None:
    layer = hub.KerasLayer(saved("dict"), output_shape={"nope": [2]})
    ids = tf.constant([[1, 2]], tf.int64)
    with pytest.raises(LayerError, match="does not fit the outputs"):
        layer({"ids": ids, "mask": ids})


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_are_refused_before_anything_is_fetched(backend: str, is_keras3) -> None:
    if not is_keras3:
        pytest.skip("Keras 2 has no other backends")
    program = (
        f"import os; os.environ['KERAS_BACKEND'] = {backend!r}\n"
        "import anyhub\n"
        "try:\n    anyhub.KerasLayer('https://example.invalid/p/m/1', engine='tensorflow')\n"
        "except anyhub.HubError as error:\n    print(error)"
    )
    command = [sys.executable, "-c", program]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "KERAS_BACKEND=tensorflow" in answer.stdout


def test_checkpoint_of_the_original_library(saved, keras, tmp_path) -> None:
    """Only where the original library imports: Keras 2 of TensorFlow 2.15."""
    original = pytest.importorskip(
        "tensorflow_hub", reason="the original library is not installed or does not import"
    )
    if not issubclass(original.KerasLayer, keras.layers.Layer):
        pytest.skip("the original library is of another Keras")

    def build(library):
        layer = library.KerasLayer(saved("trainable"), trainable=True)
        return keras.Sequential([keras.Input((3,)), layer, keras.layers.Dense(2)])

    theirs, ours = build(original), build(hub)
    theirs.compile("sgd", "mse")
    theirs.fit(X, np.ones((8, 2)), epochs=2, verbose=0)
    theirs.save_weights(str(tmp_path / "weights"), save_format="tf")
    ours.load_weights(str(tmp_path / "weights")).assert_existing_objects_matched()
    np.testing.assert_allclose(ours.predict(X, verbose=0), theirs.predict(X, verbose=0), rtol=1e-6)
    theirs.save(tmp_path / "model.keras")
    with keras.utils.custom_object_scope({"KerasLayer": hub.KerasLayer}):
        again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again.predict(X, verbose=0), theirs.predict(X, verbose=0), rtol=1e-6)
