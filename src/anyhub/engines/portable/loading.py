"""Loads a model: reads what it is, refuses what cannot run, leaves weights for later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyhub.engines.portable.collector import paused_collector
from anyhub.engines.portable.coverage import require_support
from anyhub.engines.portable.model_state import ModelState
from anyhub.engines.portable.root import PortableModel, make_root
from anyhub.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anyhub.savedmodel import SavedModel


def load_model(
    model: SavedModel, tags: Any = None, endpoints: Iterable[str] | None = None
) -> PortableModel:
    """Load a model.

    Args:
        model: The opened model.
        tags: Which graph variant.
        endpoints: Signatures and paths of functions that must be supported; None for "some".

    Raises:
        TagsError: No graph variant has these tags.
        EngineError: The model has no objects, or ops are missing.
    """
    state = ModelState(model, tags)
    if not state.meta_graph.objects.nodes:
        raise EngineError(
            f"model {model.name!r} is of TensorFlow 1: it has no objects, only a graph; engine "
            "'portable' runs models of TensorFlow 2; use engine='tensorflow'"
        )
    with paused_collector():
        require_support(state, endpoints)
        return make_root(state)
