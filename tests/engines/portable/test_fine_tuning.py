"""Fine-tuning goes as with TensorFlow, and what comes of it runs everywhere."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import anyhub as hub
from anyhub.engines.portable.values import to_host
from support.fine_tuning import batches, make_model, train

MODELS = Path(__file__).resolve().parent / "models"
SHAPES = {"convolutional": (12, 12, 3), "dropout": (12, 12, 3), "recurrent": (6, 4)}
BACKENDS = ("jax", "torch", "tensorflow")


def tuned(name, path):
    shutil.copytree(MODELS / name, path)
    with np.load(path / "tuning.npz") as arrays:
        recorded = {key: arrays[key] for key in arrays.files}
    (path / "tuning.npz").unlink()
    layer, model = make_model(path, SHAPES[name], engine="portable")
    return layer, model, train(model, SHAPES[name]), recorded


@pytest.mark.parametrize("name", ["convolutional", "recurrent"])
def test_losses_are_those_of_tensorflow(name, tmp_path):
    layer, model, losses, recorded = tuned(name, tmp_path / name)
    np.testing.assert_allclose(losses, recorded["losses"], rtol=1e-3, atol=1e-3)
    assert np.mean(losses[-10:]) < 0.9 * np.mean(losses[:10])
    for index, variable in enumerate(layer.non_trainable_weights):
        np.testing.assert_allclose(
            to_host(variable.value), recorded[f"state_{index}"], rtol=1e-3, atol=1e-4
        )
    x, _ = next(batches(SHAPES[name]))
    np.testing.assert_allclose(
        model.predict(x, verbose=0), recorded["outputs"], rtol=1e-2, atol=2e-3
    )


def test_with_dropout_losses_are_alike(tmp_path):
    layer, _, losses, recorded = tuned("dropout", tmp_path / "dropout")
    ours, theirs = np.mean(losses[-20:]), np.mean(recorded["losses"][-20:])
    spread = np.std(recorded["losses"][-20:])
    assert abs(ours - theirs) < spread
    x, _ = next(batches(SHAPES["dropout"]))
    one, two = (to_host(layer.resolved_object(x, training=True)) for _ in range(2))
    assert np.any(one != two)


@pytest.mark.parametrize("name", ["convolutional", "recurrent"])
def test_what_was_tuned_runs_on_every_backend(name, tmp_path):
    layer, _, _, _ = tuned(name, tmp_path / name)
    hub.save(layer, tmp_path / "saved")
    x, _ = next(batches(SHAPES[name]))
    np.save(tmp_path / "x.npy", x)
    expected = {
        training: to_host(hub.load(str(tmp_path / "saved"), engine="portable")(x, training))
        for training in (False, True)
    }
    np.testing.assert_allclose(to_host(layer(x)), expected[False], rtol=1e-5, atol=1e-5)
    for backend in BACKENDS:
        if importlib.util.find_spec(backend) is None:
            continue
        for engine in ("portable", "tensorflow") if backend == "tensorflow" else ("portable",):
            for training, wanted in expected.items():
                found = run_elsewhere(tmp_path, backend, engine, training)
                np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=2e-5)


def run_elsewhere(folder, backend, engine, training):
    code = (
        "import numpy as np, anyhub as hub, keras\n"
        f"model = hub.load({str(folder / 'saved')!r}, engine={engine!r})\n"
        f"x = np.load({str(folder / 'x.npy')!r})\n"
        f"y = model(x, training={training})\n"
        f"np.save({str(folder / 'y.npy')!r}, keras.ops.convert_to_numpy(y))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return np.load(folder / "y.npy")


def test_the_backend_is_the_one_asked_for():
    assert keras.backend.backend() == os.environ.get("KERAS_BACKEND", "tensorflow")
