"""Calling a KerasLayer: inputs, outputs, signatures, arguments, and their errors."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import anyhub as hub
from anyhub.errors import (
    EngineError,
    InputError,
    LayerError,
    ModelNotFoundError,
    OutputKeyError,
    SignatureError,
)


def test_strings(saved) -> None:
    embed = hub.KerasLayer(saved("text"))
    result = embed(["A long sentence.", "single-word", "http://example.com"])
    assert result.shape == (3, 4)
    assert result.dtype == "float32"
    np.testing.assert_allclose(result[1], [0.0, 0.1, 0.2, 0.3])
    np.testing.assert_allclose(result[2], [1.6, 1.7, 1.8, 1.9])


@pytest.mark.parametrize(
    "inputs",
    [
        [[1.0, 2.0, 3.0]],
        [[1, 2, 3]],
        np.array([[1.0, 2.0, 3.0]]),
        np.array([[1.0, 2.0, 3.0]], np.float16),
        tf.constant([[1.0, 2.0, 3.0]]),
        tf.constant([[1.0, 2.0, 3.0]], tf.bfloat16),
        tf.Variable([[1.0, 2.0, 3.0]]),
    ],
    ids=["floats", "ints", "float64", "float16", "tensor", "bfloat16", "variable"],
)
def test_one_input(saved, inputs) -> None:
    result = hub.KerasLayer(saved("trainable"))(inputs)
    expected = np.array([[1.0, 2.0, 3.0]]) @ np.linspace(-1, 1, 12).reshape(3, 4)
    np.testing.assert_allclose(result, expected, rtol=1e-5)


def test_dict_in_and_out(saved) -> None:
    layer = hub.KerasLayer(saved("dict"))
    ids = tf.constant([[1, 2]], tf.int64)
    result = layer({"ids": ids, "mask": np.array([[1, 0]], np.int32)})
    np.testing.assert_allclose(result["pooled"], [[4.0, 4.0]])
    np.testing.assert_array_equal(result["raw"], [[2, 2]])


def test_list_in_and_out(saved) -> None:
    layer = hub.KerasLayer(saved("list"))
    first, second = layer([tf.constant([[1.0, 2.0]]), np.array([[3.0, 4.0]])])
    np.testing.assert_allclose(first, [[2.0, 4.0]])
    np.testing.assert_allclose(second, [[4.0, 6.0]])


def test_output_key_of_a_dict(saved) -> None:
    layer = hub.KerasLayer(saved("dict"), output_key="pooled")
    ids = tf.constant([[1, 2]], tf.int64)
    np.testing.assert_allclose(layer({"ids": ids, "mask": ids}), [[4.0, 8.0]])


def test_functional_models(saved, keras) -> None:
    inputs = {name: keras.Input((2,), dtype="int64", name=name) for name in ("ids", "mask")}
    outputs = hub.KerasLayer(saved("dict"))(inputs)
    assert tuple(outputs["pooled"].shape) == (None, 2)
    model = keras.Model(inputs, outputs["pooled"])
    ids = np.array([[1, 2], [3, 4]], np.int64)
    np.testing.assert_allclose(model.predict({"ids": ids, "mask": ids}, verbose=0), ids * 4.0)

    pair = [keras.Input((2,)), keras.Input((2,))]
    model = keras.Model(pair, hub.KerasLayer(saved("list"))(pair))
    first, second = model.predict([np.ones((3, 2)), np.ones((3, 2))], verbose=0)
    np.testing.assert_allclose(first, np.full((3, 2), 2.0))
    np.testing.assert_allclose(second, np.full((3, 2), 2.0))


def test_sequential_of_strings(saved, keras) -> None:
    model = keras.Sequential([hub.KerasLayer(saved("text")), keras.layers.Dense(2)])
    texts = tf.constant(["a", "long sentence."])
    assert model(texts).shape == (2, 2)
    model.compile("sgd", "mse")
    model.fit(texts, np.zeros((2, 2)), verbose=0)
    assert model.predict(texts, verbose=0).shape == (2, 2)


def test_subclassed_model(saved, keras) -> None:
    class Model(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.embed = hub.KerasLayer(saved("text"), trainable=True)
            self.head = keras.layers.Dense(1)

        def call(self, inputs):
            return self.head(self.embed(inputs))

    model = Model()
    model.compile("sgd", "mse")
    before = model.embed.weights[0].numpy().copy()
    model.fit(tf.constant(["a", "long"]), np.ones((2, 1)), verbose=0)
    assert len(model.trainable_weights) == 3
    assert np.abs(model.embed.weights[0].numpy() - before).max() > 0


@pytest.mark.parametrize("inputs", [[1.0, 2.0], np.array([1.0, 2.0]), {"x": [1.0, 2.0]}])
def test_signature(saved, inputs) -> None:
    layer = hub.KerasLayer(saved("signatures"), signature="serving_default", output_key="y")
    np.testing.assert_allclose(layer(inputs), [3.0, 6.0])


def test_signature_outputs_as_dict(saved) -> None:
    layer = hub.KerasLayer(
        saved("signatures"), signature="serving_default", signature_outputs_as_dict=True
    )
    result = layer(tf.constant([1.0]))
    assert sorted(result) == ["y", "z"]


def test_signature_with_two_inputs(saved) -> None:
    layer = hub.KerasLayer(saved("signatures"), signature="add", output_key="sum")
    np.testing.assert_allclose(layer({"a": [1.0], "b": np.array([2.0])}), [3.0])
    with pytest.raises(InputError, match="takes 2 inputs by name.*('a', 'b'|'b', 'a')"):
        layer(tf.constant([1.0]))


def test_arguments_are_passed_in_every_call(saved) -> None:
    layer = hub.KerasLayer(saved("trainable"), trainable=True, arguments={"rate": 0.0})
    x = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    result = layer(x, training=True)
    product = x @ np.linspace(-1, 1, 12).reshape(3, 4)
    np.testing.assert_allclose(result, product - product.mean(0), atol=1e-5)


def test_output_shape(keras) -> None:
    def forget_shape(x):
        result = x + 0.0
        return tf.compat.v1.placeholder_with_default(result, None)

    inputs = keras.Input((3,))
    layer = hub.KerasLayer(tf.function(forget_shape), output_shape=[3])
    assert tuple(layer(inputs).shape) == (None, 3)
    model = keras.Sequential([keras.Input((3,)), layer, keras.layers.Dense(2)])
    assert model.predict(np.ones((4, 3)), verbose=0).shape == (4, 2)


def test_plain_callable() -> None:
    layer = hub.KerasLayer(lambda x: x * 2)
    np.testing.assert_allclose(layer([1.0, 2.0]), [2.0, 4.0])
    assert layer.weights == []


def test_layer_as_callable(keras) -> None:
    inner = keras.layers.Dense(2)
    inner.build((None, 3))
    layer = hub.KerasLayer(inner, trainable=True)
    assert len(layer.trainable_weights) == 2
    layer.trainable = False
    assert layer.trainable_weights == []
    assert layer(np.ones((1, 3), "float32")).shape == (1, 2)


def test_loaded_twice_gives_equal_outputs(saved) -> None:
    x = np.random.default_rng(1).normal(size=(5, 3)).astype("float32")
    one, two = (hub.KerasLayer(saved("trainable"))(x).numpy() for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_tf1_hub_format(saved) -> None:
    layer = hub.KerasLayer(saved("tf1_hub"))
    np.testing.assert_allclose(layer(tf.constant([1.0, 2.0])), [2.0, 4.0])
    layer = hub.KerasLayer(saved("tf1_hub"), tags=["train"], signature_outputs_as_dict=True)
    np.testing.assert_allclose(layer(tf.constant([1.0]))["default"], [3.0])


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"signature": "nope", "output_key": "y"}, SignatureError, "'serving_default', 'add'"),
        ({"signature": "add"}, LayerError, "found neither; its outputs: 'sum'"),
        (
            {"signature": "add", "output_key": "sum", "signature_outputs_as_dict": True},
            LayerError,
            "found both",
        ),
        ({"signature_outputs_as_dict": True}, LayerError, "needs signature="),
        ({}, SignatureError, "not callable.*signatures of the model: 'serving_default', 'add'"),
        ({"arguments": {"training": True}, "signature": "add"}, LayerError, "set by the layer"),
        ({"arguments": [1]}, LayerError, "is a dict"),
    ],
)
def test_arguments_that_make_no_sense(saved, arguments, error, words) -> None:
    with pytest.raises(error, match=words):
        hub.KerasLayer(saved("signatures"), **arguments)


def test_unknown_output_key(saved) -> None:
    layer = hub.KerasLayer(saved("dict"), output_key="nope")
    ids = tf.constant([[1, 2]], tf.int64)
    with pytest.raises(OutputKeyError, match="no output 'nope'; available: 'pooled', 'raw'"):
        layer({"ids": ids, "mask": ids})


def test_output_key_without_dict(saved) -> None:
    layer = hub.KerasLayer(saved("text"), output_key="default")
    with pytest.raises(OutputKeyError, match="not a dict; remove output_key="):
        layer(["a"])


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        (["text"], ["string of shape (1,)", "float32 of shape (None, 3)", "dtype differs"]),
        (np.ones((2, 3), np.int32), ["int32 of shape (2, 3)", "dtype differs: found int32"]),
        (np.ones((2, 3, 1)), ["rank differs: found 3, accepted 2"]),
        (np.ones((2, 4)), ["shape differs: found (2, 4)"]),
        ([np.ones((2, 3)), np.ones((2, 3))], ["inputs[0]", "remove it"]),
    ],
    ids=["dtype", "integers", "rank", "shape", "nesting"],
)
def test_wrong_inputs_are_compared_with_accepted_forms(saved, inputs, words) -> None:
    layer = hub.KerasLayer(saved("trainable"))
    with pytest.raises(InputError) as caught:
        layer(inputs)
    for word in ("accepted form 1", *words):
        assert word in str(caught.value)


def test_missing_key_of_a_dict_is_marked(saved) -> None:
    layer = hub.KerasLayer(saved("dict"))
    with pytest.raises(InputError, match=r"inputs\['mask'\].*<- missing"):
        layer({"ids": tf.constant([[1, 2]], tf.int64)})


def test_errors_inside_a_python_callable_are_its_own() -> None:
    def fails(x):
        raise ValueError("Expected argument of my own")

    with pytest.raises(ValueError, match="of my own") as caught:
        hub.KerasLayer(fails)(tf.constant(1.0))
    assert not isinstance(caught.value, InputError)


def test_directory_without_a_model(tmp_path) -> None:
    with pytest.raises(ModelNotFoundError, match="an empty directory"):
        hub.KerasLayer(str(tmp_path))


def test_losses_that_are_not_callable() -> None:
    def identity(x):
        return x

    identity.regularization_losses = [1.0]
    with pytest.raises(LayerError, match="found float 1.0"):
        hub.KerasLayer(identity)


def test_load_options_and_engine_reach_the_loader(saved, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {}
    own_load = tf.saved_model.load

    def load(path, tags=None, options=None):
        seen.update(path=path, tags=tags, options=options)
        return own_load(path, tags=tags, options=options)

    monkeypatch.setattr(tf.saved_model, "load", load)
    options = tf.saved_model.LoadOptions(experimental_io_device="/job:localhost")
    hub.KerasLayer(saved("tf1_hub"), tags=["train"], load_options=options, engine="tensorflow")
    assert seen == {"path": saved("tf1_hub"), "tags": ["train"], "options": options}
    with pytest.raises(EngineError, match="unknown engine 'abacus'"):
        hub.KerasLayer(saved("mul"), engine="abacus")
