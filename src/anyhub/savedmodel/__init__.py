"""The SavedModel format, in pure Python: reading, values, writing.

from anyhub import savedmodel

model = savedmodel.read("directory")
model.graph().signatures            # what can be called, with types and shapes
model.variables()                   # every variable with its key
model.store.read(key)               # a value, mapped from the file
"""

from typing import TYPE_CHECKING, Any

from anyhub.savedmodel.layout import ModelFormat, ModelLayout, find_model_root, read_layout

if TYPE_CHECKING:
    from anyhub.savedmodel.functions import ConcreteFunction, RestoredFunction
    from anyhub.savedmodel.model import MetaGraph, SavedModel
    from anyhub.savedmodel.reading import read
    from anyhub.savedmodel.signatures import Signature, TensorInfo
    from anyhub.savedmodel.variables import Variable
    from anyhub.savedmodel.writing import write

# Fetching and caching need the layout only: protobuf and NumPy are imported when a model is opened.
_LAZY = {
    "ConcreteFunction": "functions",
    "MetaGraph": "model",
    "RestoredFunction": "functions",
    "SavedModel": "model",
    "Signature": "signatures",
    "TensorInfo": "signatures",
    "Variable": "variables",
    "read": "reading",
    "write": "writing",
}

__all__ = [
    "ConcreteFunction",
    "MetaGraph",
    "ModelFormat",
    "ModelLayout",
    "RestoredFunction",
    "SavedModel",
    "Signature",
    "TensorInfo",
    "Variable",
    "find_model_root",
    "read",
    "read_layout",
    "write",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
