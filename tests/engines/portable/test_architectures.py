"""Whole nets on the backend in use, against TensorFlow: `bench/architectures.py` runs them all."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.architectures.compare import (
    GRADIENT_TOLERANCE,
    OUTPUT_TOLERANCE,
    load_portable,
    measure,
)

keras = pytest.importorskip("keras", reason="the portable engine runs on Keras 3")
if not keras.__version__.startswith("3."):
    pytest.skip("the portable engine runs on Keras 3", allow_module_level=True)
if importlib.util.find_spec("tensorflow") is None:
    pytest.skip("only TensorFlow can export the models", allow_module_level=True)

HELPERS = Path(__file__).resolve().parents[2] / "helpers"
# Cheap ones that have convolutions, transposed convolutions, a loop and attention.
NAMES = ("small_cnn", "dropout_cnn", "u_net", "bert", "masked")


@pytest.fixture(scope="module", params=NAMES)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export with its reference, made in a process of its own: Keras has one backend."""
    directory = tmp_path_factory.mktemp("architectures") / request.param
    subprocess.run(
        [sys.executable, "-m", "support.architectures.export", request.param, str(directory)],
        env={**os.environ, "KERAS_BACKEND": "tensorflow", "PYTHONPATH": str(HELPERS)},
        check=True,
    )
    return directory


def test_computes_what_tensorflow_computes(exported: Path) -> None:
    figures = measure(exported, load_portable)
    errors = [f"{step}: {figure}" for step, figure in figures.items() if isinstance(figure, str)]
    assert not errors, "\n".join(errors)
    for step in ("serving", "inference", "training", "regularization", "moved"):
        assert figures.get(step, 0.0) <= OUTPUT_TOLERANCE, (step, figures)
    for step in ("gradient", "training_gradient"):
        assert figures.get(step, [0.0])[0] <= GRADIENT_TOLERANCE, (step, figures)
