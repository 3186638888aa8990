"""Which backend Keras 3 runs on, found out without importing Keras."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import logging
import os
import sys
from pathlib import Path

_LOG = logging.getLogger(__name__)
# The backends in the order in which one is taken where Keras' own default is not installed.
_FRAMEWORKS = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}


def configured_backend() -> str:
    """The backend that Keras has, or will have once it is imported."""
    keras = sys.modules.get("keras")
    config = getattr(keras, "config", None)
    if config is not None and hasattr(config, "backend"):
        return str(config.backend())
    return os.environ.get("KERAS_BACKEND") or _of_file() or "tensorflow"


def is_installed(backend: str) -> bool:
    """Whether the framework of a backend is there."""
    name = _FRAMEWORKS.get(backend, backend)
    return importlib.util.find_spec(name) is not None


def is_keras3_installed() -> bool:
    """Whether the package `keras` is there in version 3 or newer."""
    imported = getattr(sys.modules.get("keras"), "__version__", None)
    for version in (imported, _installed("keras"), _installed("keras-nightly")):
        if isinstance(version, str):
            return int(version.partition(".")[0]) >= 3
    # A copy without metadata is of today's kind.
    return importlib.util.find_spec("keras") is not None


def ensure_backend() -> None:
    """Let Keras start on a framework that is installed, where nobody chose one.

    Keras' default is TensorFlow. Where that is absent, the first other one is set in
    `KERAS_BACKEND`, unless Keras is imported already or the variable is set.
    """
    is_chosen = "keras" in sys.modules or os.environ.get("KERAS_BACKEND")
    if is_chosen or is_installed(configured_backend()):
        return
    for backend in _FRAMEWORKS:
        if is_installed(backend):
            _LOG.info("KERAS_BACKEND is not set and TensorFlow not installed: using %s", backend)
            os.environ["KERAS_BACKEND"] = backend
            return


def usable_backend() -> str | None:
    """The backend that Keras would run on after `ensure_backend`, None if none is installed."""
    configured = configured_backend()
    if is_installed(configured):
        return configured
    if "keras" in sys.modules or os.environ.get("KERAS_BACKEND"):
        return None
    return next((backend for backend in _FRAMEWORKS if is_installed(backend)), None)


def _of_file() -> str | None:
    home = os.environ.get("KERAS_HOME")
    path = Path(home) if home else Path.home() / ".keras"
    try:
        found = json.loads((path / "keras.json").read_text("utf-8")).get("backend")
    except (OSError, ValueError, AttributeError):
        # Keras ignores a file that it cannot read, too.
        return None
    return found if isinstance(found, str) else None


def _installed(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None
