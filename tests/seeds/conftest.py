"""The models that the programs of the documentation load, on a hub of our own."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("tensorflow", reason="the documented programs use TensorFlow")

from support import models


@pytest.fixture(scope="session")
def text_url(hub_process, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Stands in for the text embedding that the documentation fetches from tfhub.dev."""
    path: Path = models.save_text(tmp_path_factory.mktemp("text") / "model")
    return hub_process.add(path, "google/nnlm-en-dim128", 2)


@pytest.fixture(scope="session")
def older_text_url(hub_process, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The same under the name that the older variant of the page uses."""
    path: Path = models.save_text(tmp_path_factory.mktemp("text") / "older")
    return hub_process.add(path, "google/tf2-preview/nnlm-en-dim128", 1)


@pytest.fixture(scope="session")
def image_url(hub_process, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A trainable feature model."""
    path: Path = models.save_trainable(tmp_path_factory.mktemp("image") / "model")
    return hub_process.add(path, "google/features", 1)
