"""hub.saved_model: weights by path, name or key, without TensorFlow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import anyhub as hub
from support.reference import corpus_rows


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("tensorflow", reason="makes the models with TensorFlow")
    from support import models

    folder = tmp_path_factory.mktemp("variables")
    for name in ("trainable", "tf1_hub"):
        getattr(models, f"save_{name}")(folder / name)
    return folder


def test_by_path_name_and_key(models: Path) -> None:
    weights = hub.saved_model.load_variables(models / "trainable")
    assert set(weights) == {"kernel", "gamma", "moving_mean", "save_counter"}
    expected = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)
    for key in ("kernel", "kernel/.ATTRIBUTES/VARIABLE_VALUE"):
        np.testing.assert_allclose(weights[key], expected, rtol=1e-5)
    assert len(weights) == 4
    with pytest.raises(ValueError, match="read-only"):
        weights["kernel"][0] = 1


def test_tf1(models: Path) -> None:
    weights = hub.saved_model.load_variables(models / "tf1_hub", tags=[])
    assert dict(weights) == {"w": 2.0}


def test_unknown_name_gets_a_hint(models: Path) -> None:
    with pytest.raises(KeyError, match="has no variable 'kernels'; did you mean 'kernel'"):
        hub.saved_model.load_variables(models / "trainable")["kernels"]


@pytest.mark.corpus
def test_corpus_without_tensorflow(corpus: Path) -> None:
    row = next(row for row in corpus_rows(corpus) if "basic_pitch" in row["dir"])
    weights = hub.saved_model.load_variables(corpus / row["dir"])
    assert len(weights) == row["n_variables"]
    assert sum(value.nbytes for value in weights.values()) > 100_000


def test_public_names() -> None:
    for name in hub.saved_model.__all__:
        assert getattr(hub.saved_model, name)
