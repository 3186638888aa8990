"""hub.load(safe=True), and Keras' safe mode for files with a KerasLayer."""

from __future__ import annotations

from pathlib import Path

import pytest

tf = pytest.importorskip("tensorflow", reason="engine tensorflow needs TensorFlow")

import anyhub as hub
from anyhub.errors import UnsafeModelError


def save_writer(path: Path, target: Path) -> Path:
    """A model that writes a file when it is called."""

    class Writer(tf.train.Checkpoint):
        @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32)])
        def __call__(self, x):
            with tf.control_dependencies([tf.io.write_file(str(target), "written")]):
                return tf.identity(x)

    tf.saved_model.save(Writer(), str(path))
    return path


def test_unsafe_model_is_refused_before_it_is_loaded(tmp_path: Path, monkeypatch) -> None:
    path = save_writer(tmp_path / "model", tmp_path / "target")
    monkeypatch.setattr(tf.saved_model, "load", lambda *_, **__: pytest.fail("was loaded"))
    with pytest.raises(UnsafeModelError, match="WriteFile"):
        hub.load(path, safe=True)


def test_it_loads_for_who_trusts_it(tmp_path: Path) -> None:
    path = save_writer(tmp_path / "model", tmp_path / "target")
    hub.load(path)(tf.ones((1, 3)))
    assert (tmp_path / "target").read_text() == "written"


@pytest.mark.parametrize("embed", [False, True])
def test_safe_mode_of_keras(tmp_path: Path, embed: bool) -> None:
    keras = tf.keras
    path = save_writer(tmp_path / "model", tmp_path / "target")
    model = keras.Sequential([keras.Input((3,)), hub.KerasLayer(str(path), embed=embed)])
    model.save(tmp_path / "m.keras")
    (tmp_path / "target").unlink(missing_ok=True)
    # Keras 2 turns errors of layers into TypeErrors that quote them.
    with pytest.raises((UnsafeModelError, TypeError), match="WriteFile"):
        keras.models.load_model(tmp_path / "m.keras")
    assert not (tmp_path / "target").exists()
    again = keras.models.load_model(tmp_path / "m.keras", safe_mode=False)
    again(tf.ones((1, 3)))
    assert (tmp_path / "target").exists()
