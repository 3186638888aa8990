"""Which files a loaded TensorFlow object came from, so that it can be written again."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from anyhub.errors import EngineError

if TYPE_CHECKING:
    from anyhub.savedmodel import SavedModel
    from anyhub.savedmodel.model import MetaGraph

_ORIGINS: weakref.WeakKeyDictionary[Any, tuple[SavedModel, Any]] = weakref.WeakKeyDictionary()


def remember(loaded: Any, model: SavedModel, tags: Any) -> None:
    """Note what an object was loaded from."""
    _ORIGINS[loaded] = (model, tags)


def saved_state(loaded: Any) -> tuple[SavedModel, dict[str, Any]] | None:
    """The files of an object and the present values of its variables, by checkpoint key.

    Raises:
        EngineError: The model is of TensorFlow 1, whose variables have no place in the object.
    """
    try:
        found = _ORIGINS.get(loaded)
    except TypeError:
        # What cannot be referred to weakly was not loaded here.
        return None
    if found is None:
        return None
    model, tags = found
    graph = model.graph(tags)
    if not graph.objects.nodes:
        raise EngineError(
            f"hub.save: model {model.name!r} is of TensorFlow 1; its variables cannot be told "
            "apart in the loaded object; use tf.compat.v1.saved_model to write it"
        )
    return model, {
        variable.key: _find(loaded, graph, variable.node_id).numpy()
        for variable in model.variables(tags)
        if variable.key is not None and variable.node_id is not None
    }


def _find(loaded: Any, graph: MetaGraph, node_id: int) -> Any:
    """The variable of a number, by walking the names of children as TensorFlow made them."""
    current = loaded
    for name in graph.objects.steps(node_id):
        current = _child(current, name)
    return current


def _child(parent: Any, name: str) -> Any:
    if isinstance(parent, (list, tuple)):
        return parent[int(name)]
    return parent[name] if isinstance(parent, dict) else getattr(parent, name)
