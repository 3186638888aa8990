"""The models of these tests, and how to look at tensors of any backend."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytest.importorskip("keras", reason="the portable engine runs on Keras")

MODELS = Path(__file__).resolve().parent / "models"


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A copy of the model of `make_models.py` that tests may change."""
    return shutil.copytree(MODELS / "plain", tmp_path / "plain")
