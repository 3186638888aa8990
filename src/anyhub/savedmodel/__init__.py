"""The SavedModel format, in pure Python: reading, values, writing.

    from anyhub import savedmodel

    model = savedmodel.read("directory")
    model.graph().signatures            # what can be called, with types and shapes
    model.variables()                   # every variable with its key
    model.store.read(key)               # a value, mapped from the file
"""

from anyhub.savedmodel.layout import ModelFormat, ModelLayout, find_model_root, read_layout

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
]


def __getattr__(name: str) -> object:
    # Fetching and caching need the layout only: protobuf and NumPy are imported when a model is
    # opened.
    from importlib import import_module

    modules = {
        "ConcreteFunction": "functions",
        "MetaGraph": "model",
        "RestoredFunction": "functions",
        "SavedModel": "model",
        "Signature": "signatures",
        "TensorInfo": "signatures",
        "Variable": "variables",
        "read": "read",
    }
    if name not in modules:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{modules[name]}"), name)
