"""Which files make a directory a model.

Source: TensorFlow, `tensorflow/python/saved_model/constants.py` (file names of a SavedModel)
and the TF1 Hub format, which adds `tfhub_module.pb` to the files of a TF1 SavedModel.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path

from anyhub.errors import ModelNotFoundError

SAVED_MODEL_PB = "saved_model.pb"
SAVED_MODEL_PBTXT = "saved_model.pbtxt"
TFHUB_MODULE_PB = "tfhub_module.pb"
_MAX_NESTING = 2


class ModelFormat(enum.Enum):
    """The two formats that model hubs know."""

    SAVED_MODEL = "SavedModel"
    TF1_HUB = "TF1 Hub"


@dataclass(frozen=True)
class ModelLayout:
    """Where the parts of a model lie.

    Attributes:
        root: The model's directory.
        graph_file: `saved_model.pb` or `saved_model.pbtxt` in it.
        format: SavedModel or TF1 Hub format.
    """

    root: Path
    graph_file: Path
    format: ModelFormat


def read_layout(root: Path) -> ModelLayout:
    """Find the parts of the model in a directory.

    Args:
        root: A directory.

    Raises:
        ModelNotFoundError: The directory does not exist or holds no model.
    """
    if not root.is_dir():
        kind = "is a file, not a directory" if root.exists() else "does not exist"
        raise ModelNotFoundError(f"model directory {str(root)!r} {kind}")
    for name in (SAVED_MODEL_PB, SAVED_MODEL_PBTXT):
        if (root / name).is_file():
            is_hub = (root / TFHUB_MODULE_PB).is_file()
            format_ = ModelFormat.TF1_HUB if is_hub else ModelFormat.SAVED_MODEL
            return ModelLayout(root, root / name, format_)
    raise ModelNotFoundError(_nothing_found(root))


def find_model_root(directory: Path) -> Path:
    """Find the one model in a directory or up to two levels below it.

    Archives often wrap a model into a folder named after it.

    Raises:
        ModelNotFoundError: There is no model, or more than one.
    """
    level = [directory]
    for _ in range(_MAX_NESTING + 1):
        models = [path for path in level if _is_model(path)]
        if len(models) == 1:
            return models[0]
        if models:
            names = ", ".join(repr(str(path.relative_to(directory))) for path in models)
            raise ModelNotFoundError(
                f"{str(directory)!r} holds {len(models)} models: {names}; one is expected"
            )
        level = [child for path in level for child in sorted(path.iterdir()) if child.is_dir()]
    raise ModelNotFoundError(_nothing_found(directory))


def _is_model(path: Path) -> bool:
    return (path / SAVED_MODEL_PB).is_file() or (path / SAVED_MODEL_PBTXT).is_file()


def _nothing_found(root: Path) -> str:
    try:
        entries = sorted(path.name for path in root.iterdir())
    except OSError as error:
        return f"cannot look into {str(root)!r}: {error.strerror}"
    shown = ", ".join(repr(name) for name in entries[:8]) + (", …" if len(entries) > 8 else "")
    message = (
        f"no model in {str(root)!r}: found {shown or 'an empty directory'}, "
        f"expected {SAVED_MODEL_PB!r} or {SAVED_MODEL_PBTXT!r}"
    )
    below = [path for path in sorted(root.iterdir()) if path.is_dir() and _is_model(path)]
    if below:
        message += f"; there is a model in {str(below[0])!r}, pass that path"
    return message
