"""`hub.save`: what was loaded, with its present weights, as a SavedModel again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anyhub.engines.registry import engine_names, get_engine
from anyhub.errors import EngineError, SavedModelError
from anyhub.savedmodel.writing import write

if TYPE_CHECKING:
    from anyhub.engines.base import Engine
    from anyhub.savedmodel import SavedModel


def save(obj: Any, path: str | os.PathLike[str]) -> None:
    """Write a loaded model with its present weights.

    The functions, signatures and assets are those of the model that was loaded, so that every
    engine gets the same outputs from what is written. It needs no TensorFlow on engine `portable`.

    Args:
        obj: What `hub.load` returned, or a `hub.KerasLayer` made from a handle.
        path: A directory that does not exist yet.

    Raises:
        EngineError: The object was not loaded by `hub.load`.
        SavedModelError: The directory exists or cannot be written, or a weight changed its shape.

    Example:
        >>> import anyhub as hub
        >>> model = hub.load("https://example.com/google/nnlm-en-dim128/2")  # doctest: +SKIP
        >>> hub.save(model, "fine_tuned")  # doctest: +SKIP
    """
    loaded = getattr(obj, "resolved_object", obj)
    for name in engine_names():
        engine: Engine = get_engine(name)
        state = engine.saved_state(loaded)
        if state is not None:
            model, values = state
            _write(model.with_values(values), Path(path))
            return
    raise EngineError(
        f"hub.save: {type(obj).__name__} was not loaded by hub.load, so there are no functions to "
        "write; accepted are what hub.load returned and a KerasLayer made from a handle"
    )


def _write(model: SavedModel, path: Path) -> None:
    try:
        write(model, path)
    except OSError as error:
        raise SavedModelError(
            f"hub.save: {str(path)!r} cannot be written: {error.strerror or error}; nothing was "
            "left there; choose a directory on a disk with room that you may write to"
        ) from error
