"""Each program of the page "SavedModels from TF Hub in TensorFlow 2", in all its variants.

The import line and the URLs are changed, `...` is filled in, and what a program prints is
asserted. Programs about Estimators and the TF1 API are in no test yet.
"""

from __future__ import annotations

import os

import numpy as np
import pytest
import tensorflow as tf

import anyhub as hub

keras = tf.keras


@pytest.fixture(params=["text_url", "older_text_url"])
def hub_url(request: pytest.FixtureRequest) -> str:
    """The URL of the newer and of the older variant of the page."""
    return request.getfixturevalue(request.param)


def test_use_a_saved_model_in_keras(hub_url: str) -> None:
    tf.keras.utils.set_random_seed(0)
    embed = hub.KerasLayer(hub_url)
    embeddings = embed(["A long sentence.", "single-word", "http://example.com"])
    assert (embeddings.shape, embeddings.dtype) == (tf.TensorShape([3, 4]), tf.float32)

    model = tf.keras.Sequential(
        [
            embed,
            tf.keras.layers.Dense(16, activation="relu"),
            tf.keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    # The page goes on to "a complete example of how to train and evaluate such a classifier".
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy", metrics=["accuracy"])
    texts = tf.constant(["a long sentence.", "single-word"] * 8)
    history = model.fit(texts, np.array([0, 1] * 8), epochs=100, verbose=0)
    assert history.history["accuracy"][-1] == 1.0
    # "Weights are frozen by default": only the two Dense layers are trained.
    assert len(model.trainable_weights) == 4


def test_low_level_load(hub_url: str) -> None:
    """`hub.load()` gives what TensorFlow's own `tf.saved_model.load()` gives."""
    loaded = hub.load(hub_url)
    own = tf.saved_model.load(hub.resolve(hub_url))
    assert type(loaded).__qualname__ == type(own).__qualname__
    sentences = tf.constant(["a long", "single-word"])
    np.testing.assert_array_equal(loaded(sentences), own(sentences))


def test_serving_signature(image_url: str) -> None:
    """`tensors_out = obj.signatures["serving_default"](**tensors_in)`."""
    obj = hub.load(image_url)
    tensors_in = {"inputs": tf.constant([[1.0, 2.0, 3.0]])}
    tensors_out = obj.signatures["serving_default"](**tensors_in)
    np.testing.assert_allclose(tensors_out["output_0"], obj(tensors_in["inputs"], training=False))


def test_combinations_of_traced_arguments(image_url: str) -> None:
    """`output_tensor = obj(input_tensor, training=False)`."""
    obj = hub.load(image_url)
    input_tensor = tf.constant([[1.0, 2.0, 3.0]])
    output_tensor = obj(input_tensor, training=False)
    assert output_tensor.shape == (1, 4)
    with pytest.raises(ValueError, match="Could not find matching concrete function"):
        obj(input_tensor, training="neither")


def test_trainable_variables_are_watched(image_url: str) -> None:
    """ "Trainable variables in a SavedModel are reloaded as trainable, and tf.GradientTape
    will watch them by default"."""
    obj = hub.load(image_url)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(obj(tf.constant([[1.0, 2.0, 3.0]]), training=False))
    assert {v.name for v in tape.watched_variables()} == {v.name for v in obj.trainable_variables}
    assert all(g is not None for g in tape.gradient(loss, obj.trainable_variables))


def test_cache_directory(hub_url: str, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`TFHUB_CACHE_DIR` overrides where models are kept."""
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "elsewhere"))
    assert hub.resolve(hub_url).startswith(str(tmp_path / "elsewhere"))


@pytest.mark.skipif(hasattr(keras, "ops"), reason="Keras 3 does not save SavedModels")
def test_share_a_piece_designed_as_one(tmp_path) -> None:
    piece_to_share = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(4)])
    full_model = tf.keras.Sequential([piece_to_share, tf.keras.layers.Dense(1)])
    full_model.compile("sgd", "mse")
    full_model.fit(np.ones((8, 3)), np.ones(8), verbose=0)
    piece_to_share.save(str(tmp_path / "piece"), include_optimizer=False, save_format="tf")

    layer = hub.KerasLayer(str(tmp_path / "piece"), trainable=True)
    x = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    np.testing.assert_allclose(layer(x), piece_to_share(x), rtol=1e-6)
    assert len(layer.trainable_weights) == 2


@pytest.mark.skipif(hasattr(keras, "ops"), reason="Keras 3 has no get_output_at")
def test_share_a_piece_cut_out_afterwards(tmp_path) -> None:
    full_model = tf.keras.Sequential(
        [
            tf.keras.Input((3,)),
            tf.keras.layers.Dense(4, name="first", kernel_regularizer="l2"),
            tf.keras.layers.Dropout(0.5, name="dropout"),
            tf.keras.layers.Dense(1, name="last"),
        ]
    )
    sharing_input = full_model.get_layer("first").get_input_at(0)
    sharing_output = full_model.get_layer("dropout").get_output_at(0)
    piece_to_share = tf.keras.Model(sharing_input, sharing_output)
    piece_to_share.save(str(tmp_path / "piece"), include_optimizer=False, save_format="tf")

    layer = hub.KerasLayer(str(tmp_path / "piece"), trainable=True)
    x = np.random.default_rng(0).normal(size=(50, 3)).astype("float32")
    np.testing.assert_allclose(layer(x), piece_to_share(x), rtol=1e-6)
    # "Saving from a Keras model should make all the mechanisms of fine-tuning work".
    assert len(layer.trainable_weights) == 2
    assert len(layer.losses) == 1
    assert float(np.mean(np.asarray(layer(x, training=True)) == 0)) > 0.3


@pytest.mark.parametrize("as_older_variant", [False, True])
def test_save_from_low_level_tensorflow(tmp_path, as_older_variant: bool) -> None:
    class MyMulModel(tf.train.Checkpoint):
        def __init__(self, v_init):
            if as_older_variant:
                super(MyMulModel, self).__init__()  # noqa: UP008 - as the older page has it
            else:
                super().__init__()
            self.v = tf.Variable(v_init)
            self.variables = [self.v]
            self.trainable_variables = [self.v]
            self.regularization_losses = [
                tf.function(input_signature=[])(lambda: 0.001 * self.v**2),
            ]

        @tf.function(input_signature=[tf.TensorSpec(shape=None, dtype=tf.float32)])
        def __call__(self, inputs):
            return tf.multiply(inputs, self.v)

    path = str(tmp_path / "my_mul")
    tf.saved_model.save(MyMulModel(2.0), path)

    layer = hub.KerasLayer(path)
    np.testing.assert_array_equal(layer([10.0, 20.0]), [20.0, 40.0])
    layer.trainable = True
    np.testing.assert_array_equal([w.numpy() for w in layer.trainable_weights], [2.0])
    np.testing.assert_allclose([float(loss) for loss in layer.losses], [0.004], rtol=1e-6)


def test_fine_tuning_layer(image_url: str) -> None:
    layer = hub.KerasLayer(image_url, trainable=True)
    assert len(layer.trainable_weights) == 2
    assert len(layer.losses) == 2


def test_re_export_the_result_of_fine_tuning(
    image_url: str, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    loaded_obj = hub.load(image_url)
    hub_layer = hub.KerasLayer(loaded_obj, trainable=True, arguments={"rate": 0.0})

    model = keras.Sequential([keras.Input((3,)), hub_layer, keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(32, 3)).astype("float32")
    before = loaded_obj.kernel.numpy().copy()
    model.fit(x, x.sum(1), epochs=2, verbose=0)
    assert np.abs(loaded_obj.kernel.numpy() - before).max() > 0

    export_module_dir = os.path.join(os.getcwd(), "finetuned_model_export")  # noqa: PTH109, PTH118 - as the page has it
    tf.saved_model.save(loaded_obj, export_module_dir)

    again = hub.load(export_module_dir)
    np.testing.assert_allclose(again(x, training=False), loaded_obj(x, training=False), rtol=1e-6)
    # "used in place of the one originally loaded": it can be fine-tuned once more.
    assert len(hub.KerasLayer(again, trainable=True).trainable_weights) == 2
