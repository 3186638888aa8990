"""Whether Keras is opening a file that it was told not to trust."""

from __future__ import annotations

import importlib


def in_safe_mode(keras: str) -> bool:
    """Whether `load_model(..., safe_mode=True)`, the default, is at work.

    Keras offers no public way to ask; its own layers ask where this does. A Keras without that
    place is not trusted to have no safe mode.

    Args:
        keras: Name of the Keras package.
    """
    package = keras.partition(".")[0]
    try:
        serialization = importlib.import_module(f"{package}.src.saving.serialization_lib")
        return bool(serialization.in_safe_mode())
    except (ImportError, AttributeError):
        return True
