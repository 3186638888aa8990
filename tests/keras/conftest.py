"""The same tests on Keras 3, tf_keras and the Keras 2 of TensorFlow 2.15."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("tensorflow", reason="KerasLayer's engine in these tests is TensorFlow")

import tensorflow as tf

import anyhub as hub
from support import models


@pytest.fixture(scope="session")
def keras():
    """The Keras that `tf.keras` is, which is the one that KerasLayer must belong to."""
    assert issubclass(hub.KerasLayer, tf.keras.layers.Layer)
    return tf.keras


@pytest.fixture(scope="session")
def is_keras3(keras) -> bool:
    return hasattr(keras, "ops")


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory):
    """saved("mul") is the directory of that model of `support.models`, saved once."""
    folder = tmp_path_factory.mktemp("saved")

    def save(name: str) -> str:
        path: Path = folder / name
        if not path.exists():
            getattr(models, f"save_{name}")(path)
        return str(path)

    return save
