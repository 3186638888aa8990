"""Which Keras `hub.KerasLayer` belongs to.

| what the program uses | class |
|---|---|
| TensorFlow up to 2.15, whose `tf.keras` is Keras 2 | of `tf.keras` |
| `ANYHUB_KERAS=tf_keras`, or `TF_USE_LEGACY_KERAS=1` | of `tf_keras` |
| otherwise | of Keras 3 |

A program that uses `tf_keras` beside Keras 3 takes `anyhub.keras.keras2.KerasLayer`.
"""

from __future__ import annotations

import importlib.util
import os
from typing import Any

from anyhub.engines.keras_backend import ensure_backend, is_keras3_installed
from anyhub.errors import MissingDependencyError
from anyhub.settings import Settings


def keras_layer_class() -> Any:
    """The KerasLayer class of the Keras in use.

    Raises:
        MissingDependencyError: No Keras is installed.
    """
    if importlib.util.find_spec("keras") is None and importlib.util.find_spec("tf_keras") is None:
        raise MissingDependencyError(
            "KerasLayer needs Keras, which is not installed; run: "
            'pip install "anyhub[tensorflow]", "anyhub[jax]" or "anyhub[torch]"'
        )
    if _wants_keras2():
        from anyhub.keras import keras2

        return keras2.KerasLayer
    ensure_backend()
    from anyhub.keras import keras3

    return keras3.KerasLayer


def _wants_keras2() -> bool:
    chosen = Settings.from_environment().keras
    if chosen is not None:
        return chosen == "tf_keras" or not is_keras3_installed()
    return wants_tf_keras() or not is_keras3_installed()


def wants_tf_keras() -> bool:
    """Whether the environment asks for tf_keras."""
    chosen = Settings.from_environment().keras
    if chosen is not None:
        return chosen == "tf_keras"
    # TensorFlow's own switch, with the values that TensorFlow takes for "on".
    return os.environ.get("TF_USE_LEGACY_KERAS") in ("1", "true", "True")
