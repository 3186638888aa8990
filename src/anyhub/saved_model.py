"""`hub.saved_model`: SavedModels as values, without TensorFlow.

model = hub.saved_model.read("directory")
model = hub.saved_model.add_signature(model, "embed", "encoder.__call__")
hub.saved_model.write(model, "another")

weights = hub.saved_model.load_variables("https://host/publisher/model/1")
weights["encoder.kernel"]            # by object path, by name, or by checkpoint key
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from anyhub.errors import SavedModelError
from anyhub.graph.compact import compact
from anyhub.graph.signature_edits import (
    add_signature,
    expose_tensors,
    remove_signature,
    rename_signature,
    set_method_name,
)
from anyhub.handles import parse_handle, resolve_handle
from anyhub.savedmodel.model import SavedModel
from anyhub.savedmodel.reading import read
from anyhub.savedmodel.writing import write
from anyhub.settings import Settings

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    import numpy as np

__all__ = [
    "SavedModel",
    "Variables",
    "add_signature",
    "compact",
    "expose_tensors",
    "load_variables",
    "read",
    "remove_signature",
    "rename_signature",
    "set_method_name",
    "write",
]


class Variables(Mapping[str, Any]):
    """The values of a model's variables.

    Keys are object paths, or names for TF1 models; a value is also found by its variable's name or
    checkpoint key where these are unique. Values are read when they are asked for, mapped from the
    file, and must not be written to.

    Args:
        model: The model.
        tags: Which graph variant.
    """

    def __init__(self, model: SavedModel, tags: Iterable[str] | str | None = None) -> None:
        self._model = model
        variables = [v for v in model.variables(tags) if v.key is not None]
        self._keys: dict[str, str] = {v.path or v.name: str(v.key) for v in variables}
        self._others = {str(v.key): str(v.key) for v in variables}
        names = [v.name for v in variables]
        self._others |= {v.name: str(v.key) for v in variables if names.count(v.name) == 1}

    def __getitem__(self, key: str) -> np.ndarray[Any, Any]:
        """Read a value.

        Raises:
            KeyError: There is no such variable; the message names the nearest.
            SavedModelError: The value is damaged.
        """
        found = self._keys.get(key) or self._others.get(key)
        if found is None:
            near = difflib.get_close_matches(str(key), [*self._keys, *self._others], n=3)
            hint = f"; did you mean {', '.join(map(repr, near))}?" if near else ""
            raise KeyError(f"model {self._model.name!r} has no variable {key!r}{hint}")
        try:
            return self._model.store.read(found)
        except SavedModelError as error:
            error.add_note(f"variable {key!r} of model {self._model.name!r}")
            raise

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


def load_variables(
    handle: str | os.PathLike[str], tags: Iterable[str] | str | None = None
) -> Variables:
    """Open the variables of a model, without TensorFlow and without loading the model.

    Args:
        handle: See `anyhub.resolve`.
        tags: Which graph variant, None for the only one.

    Returns:
        A mapping from object paths (names for TF1 models) to arrays.

    Raises:
        HubError: As `anyhub.resolve`, and SavedModelError, TagsError.

    Example:
        >>> import anyhub as hub
        >>> weights = hub.saved_model.load_variables("model")  # doctest: +SKIP
        >>> weights["encoder.kernel"].shape  # doctest: +SKIP
        (768, 768)
    """
    directory = resolve_handle(parse_handle(handle), Settings.from_environment())
    return Variables(read(directory), tags)
