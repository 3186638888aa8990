"""anyhub: pretrained models by one line, in the framework of your choice.

    import anyhub as hub

    model = hub.load("https://host/publisher/model/1")
    layer = hub.KerasLayer("https://host/publisher/model/1", trainable=True)

Importing this module imports no framework; names are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from anyhub._version import __version__
from anyhub.errors import HubError
from anyhub.keras.autoregister import register_with_keras

if TYPE_CHECKING:
    from anyhub import saved_model as saved_model
    from anyhub.engines.loading import load as load
    from anyhub.engines.saving import save as save
    from anyhub.handles.resolve import resolve as resolve
    from anyhub.inspection.describing import inspect as inspect
    from anyhub.keras.keras3 import KerasLayer as KerasLayer
    from anyhub.stand_in import install_as as install_as

_LAZY = {
    "inspect": "anyhub.inspection.describing",
    "install_as": "anyhub.stand_in",
    "load": "anyhub.engines.loading",
    "resolve": "anyhub.handles.resolve",
    "save": "anyhub.engines.saving",
}

__all__ = [
    "HubError",
    "KerasLayer",
    "__version__",
    "inspect",
    "install_as",
    "load",
    "resolve",
    "save",
    "saved_model",
]

register_with_keras()


def __getattr__(name: str) -> Any:
    if name == "KerasLayer":
        from anyhub.keras.choice import keras_layer_class

        # Not kept: which Keras a program uses may be decided after the first look.
        return keras_layer_class()
    if name == "saved_model":
        return importlib.import_module("anyhub.saved_model")
    if name in _LAZY:
        value = getattr(importlib.import_module(_LAZY[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'anyhub' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
