"""Models as pickles: where their files are, what is in them, and the weights that changed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from anyhub import savedmodel
from anyhub.engines.portable.values import to_host
from anyhub.errors import SavedModelError

if TYPE_CHECKING:
    from pathlib import Path

    from anyhub.engines.portable.model_state import ModelState

_CHUNK = 1 << 20


def reduce_model(state: ModelState) -> tuple[Any, tuple[Any, ...]]:
    """What `pickle` needs to make a model again."""
    layout = state.model.layout
    assert layout is not None  # noqa: S101 - it was read from a directory
    return _restore, (layout.root, _digest(layout.root), state.tags, changed_values(state))


def changed_values(state: ModelState) -> dict[int, Any]:
    """The values of variables that differ from the file's, by number among the objects."""
    found = {}
    for number, handle in state.handles.items():
        if handle.is_loaded:
            initial = handle.initial_value()
            # NumPy has all types at any time; on JAX `read` would round to 32 bits.
            value = to_host(handle.variable.value).astype(initial.dtype, copy=False)
            if value.tobytes() != initial.tobytes():
                found[number] = value
    return found


def _restore(root: Path, digest: str, tags: Any, changed: dict[int, Any]) -> Any:
    from anyhub.engines.portable.loading import load_model

    model = savedmodel.read(root)
    if _digest(root) != digest:
        raise SavedModelError(
            f"the files of model {str(root)!r} are not those of the model that was pickled; put "
            "back the same version, or load the model again"
        )
    made = load_model(model, tags)
    handles = made._restorer.state.handles
    for number, value in changed.items():
        handles[number].write(np.asarray(value))
    return made


def _digest(root: Path) -> str:
    """The digest of the graph and of the index of the variables, which holds their checksums."""
    found = hashlib.sha256()
    for name in ("saved_model.pb", "saved_model.pbtxt", "variables/variables.index"):
        path = root / name
        if path.is_file():
            found.update(name.encode())
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    found.update(chunk)
    return found.hexdigest()
