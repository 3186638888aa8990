"""What `keras.ops` lacks, once for each backend of Keras.

A package per backend with the same modules in each, and the same functions in each module.
"""

from __future__ import annotations

import importlib
from typing import Any

import keras

from anyhub.errors import EngineError

BACKENDS = ("jax", "tensorflow", "torch")


def primitives(module: str) -> Any:
    """A module of the backend in use, e.g. `primitives("core")`.

    Raises:
        EngineError: Keras runs on a backend that is not supported.
    """
    backend = keras.backend.backend()
    if backend not in BACKENDS:
        raise EngineError(
            f"engine 'portable' runs on the Keras backends {', '.join(map(repr, BACKENDS))}, found "
            f"{backend!r}; set KERAS_BACKEND to one of them"
        )
    return importlib.import_module(f"{__name__}.{backend}.{module}")
