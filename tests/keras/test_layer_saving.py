"""Saving and loading Keras models with a KerasLayer, in a fresh process."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import anyhub as hub
from anyhub.errors import ArchiveError, LayerError

X = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")

READER = """
import sys
import anyhub as hub
import numpy as np
import tensorflow as tf
model = tf.keras.models.load_model(sys.argv[1])
np.savez(sys.argv[2], y=model.predict(np.load(sys.argv[3]), verbose=0),
         trainable=len(model.trainable_weights), losses=len(model.losses))
"""


def read_in_fresh_process(model: Path, tmp_path: Path) -> dict[str, np.ndarray]:
    np.save(tmp_path / "x.npy", X)
    files = [str(model), str(tmp_path / "y.npz"), str(tmp_path / "x.npy")]
    subprocess.run([sys.executable, "-c", READER, *files], check=True, timeout=120)
    return dict(np.load(tmp_path / "y.npz"))


@pytest.fixture
def fine_tuned(saved, keras, tmp_path: Path):
    """fine_tuned(embed=...) is a trained model and the directory that its layer came from."""

    def make(**arguments):
        source = tmp_path / "source"
        shutil.copytree(saved("trainable"), source)
        layer = hub.KerasLayer(str(source), trainable=True, **arguments)
        model = keras.Sequential([keras.Input((3,)), layer, keras.layers.Dense(2)])
        model.compile("sgd", "mse")
        model.fit(X, np.ones((16, 2)), epochs=2, verbose=0)
        return model, source

    return make


def test_keras_file_with_a_handle(fine_tuned, tmp_path: Path) -> None:
    model, _ = fine_tuned()
    model.save(tmp_path / "m.keras")
    found = read_in_fresh_process(tmp_path / "m.keras", tmp_path)
    np.testing.assert_allclose(found["y"], model.predict(X, verbose=0), rtol=1e-6)
    assert (int(found["trainable"]), int(found["losses"])) == (4, 2)


def test_keras_file_with_the_model_inside(fine_tuned, tmp_path: Path) -> None:
    model, source = fine_tuned(embed=True)
    model.save(tmp_path / "m.keras")
    expected = model.predict(X, verbose=0)
    shutil.rmtree(source)
    found = read_in_fresh_process(tmp_path / "m.keras", tmp_path)
    np.testing.assert_allclose(found["y"], expected, rtol=1e-6)


def test_embedded_model_is_saved_again(fine_tuned, tmp_path: Path, keras) -> None:
    model, source = fine_tuned(embed=True)
    model.save(tmp_path / "one.keras")
    shutil.rmtree(source)
    again = keras.models.load_model(tmp_path / "one.keras")
    again.save(tmp_path / "two.keras")
    found = read_in_fresh_process(tmp_path / "two.keras", tmp_path)
    np.testing.assert_allclose(found["y"], model.predict(X, verbose=0), rtol=1e-6)


def test_embedded_model_opens_without_a_writable_cache(
    fine_tuned, tmp_path: Path, keras, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, source = fine_tuned(embed=True)
    model.save(tmp_path / "m.keras")
    shutil.rmtree(source)
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "file" / "cache"))
    again = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(again.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-6)


def test_damaged_embedded_model(saved) -> None:
    config = hub.KerasLayer(saved("mul"), embed=True).get_config()
    config["embedded_model"] = "!" + config["embedded_model"]
    with pytest.raises(ArchiveError, match="no base64"):
        hub.KerasLayer(**config)


def test_weights_file(fine_tuned, saved, keras, tmp_path: Path) -> None:
    model, _ = fine_tuned()
    model.save_weights(tmp_path / "m.weights.h5")
    layer = hub.KerasLayer(saved("trainable"), trainable=True)
    other = keras.Sequential([keras.Input((3,)), layer, keras.layers.Dense(2)])
    assert not np.allclose(other.predict(X, verbose=0), model.predict(X, verbose=0))
    other.load_weights(tmp_path / "m.weights.h5")
    np.testing.assert_allclose(other.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-6)
    np.testing.assert_array_equal(
        layer.resolved_object.kernel, model.layers[0].resolved_object.kernel
    )


def test_checkpoint(fine_tuned, saved, tmp_path: Path) -> None:
    model, _ = fine_tuned()
    path = tf.train.Checkpoint(model=model).save(str(tmp_path / "checkpoint"))
    layer = hub.KerasLayer(saved("trainable"), trainable=True)
    other = tf.keras.Sequential([tf.keras.Input((3,)), layer, tf.keras.layers.Dense(2)])
    tf.train.Checkpoint(model=other).restore(path).expect_partial()
    np.testing.assert_allclose(other.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("trainable", {}),
        ("trainable", {"trainable": True, "arguments": {"rate": 0.0}, "name": "tuned"}),
        ("signatures", {"signature": "serving_default", "output_key": "y"}),
        ("signatures", {"signature": "add", "signature_outputs_as_dict": True}),
        ("trainable", {"output_shape": (4,), "engine": "tensorflow"}),
        ("trainable", {"output_shape": tf.TensorShape([4])}),
        ("tf1_hub", {"tags": ["train"]}),
    ],
)
def test_config_round_trip(saved, name: str, arguments: dict) -> None:
    layer = hub.KerasLayer(saved(name), **arguments)
    config = json.loads(json.dumps(layer.get_config()))
    assert config["handle"] == saved(name)
    again = hub.KerasLayer.from_config(config)
    assert again.get_config() == layer.get_config()
    assert again.trainable == layer.trainable
    for key in set(arguments) - {"output_shape"}:
        assert config[key] == arguments[key]


def test_path_objects_become_text(saved) -> None:
    assert hub.KerasLayer(Path(saved("mul"))).get_config()["handle"] == saved("mul")


def test_config_needs_a_handle(saved) -> None:
    layer = hub.KerasLayer(hub.load(saved("mul")))
    with pytest.raises(NotImplementedError, match="make it from a handle"):
        layer.get_config()


def test_config_needs_json(saved) -> None:
    layer = hub.KerasLayer(saved("trainable"), arguments={"rate": object()})
    with pytest.raises(LayerError, match="arguments=.*cannot be written"):
        layer.get_config()


def test_embedding_needs_a_handle(saved) -> None:
    with pytest.raises(LayerError, match="embeds the model that a handle names"):
        hub.KerasLayer(hub.load(saved("mul")), embed=True)


def test_resolved_object(saved) -> None:
    loaded = hub.load(saved("mul"))
    assert hub.KerasLayer(loaded).resolved_object is loaded
    assert callable(hub.KerasLayer(saved("mul")).resolved_object)


@pytest.mark.parametrize("name", ["trainable", "text"])
def test_saved_model_of_the_whole_keras_model(saved, keras, is_keras3, tmp_path, name) -> None:
    """Tables and assets of the inner model go along, and the file stands alone."""
    source = tmp_path / "source"
    shutil.copytree(saved(name), source)
    first = keras.Input((), dtype="string") if name == "text" else keras.Input((3,))
    layer = hub.KerasLayer(str(source), trainable=True)
    model = keras.Sequential([first, layer, keras.layers.Dense(2)])
    x = tf.constant(["a", "long"]) if name == "text" else tf.constant(X)
    expected = np.asarray(model(x))
    if is_keras3:
        model.export(str(tmp_path / "out"), verbose=False)
    else:
        model.save(str(tmp_path / "out"), save_format="tf")
    shutil.rmtree(source)
    loaded = tf.saved_model.load(str(tmp_path / "out"))
    signature = loaded.signatures["serving_default"]
    (result,) = signature(**{next(iter(signature.structured_input_signature[1])): x}).values()
    np.testing.assert_allclose(result, expected, rtol=1e-5)


def test_fine_tuned_piece_is_exported_again(saved, keras, tmp_path: Path) -> None:
    loaded = hub.load(saved("trainable"))
    layer = hub.KerasLayer(loaded, trainable=True)
    model = keras.Sequential([keras.Input((3,)), layer, keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, np.ones((16, 1)), epochs=2, verbose=0)
    tf.saved_model.save(loaded, str(tmp_path / "again"))
    again = hub.KerasLayer(str(tmp_path / "again"), trainable=True)
    np.testing.assert_allclose(again(X), layer(X), rtol=1e-6)
    assert (len(again.trainable_weights), len(again.losses)) == (2, 2)
