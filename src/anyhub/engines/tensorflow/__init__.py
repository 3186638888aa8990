"""Engine `tensorflow`: TensorFlow itself, with nothing between it and the user."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING, Any

from anyhub.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from anyhub.engines.base import Engine, LayerSupport
    from anyhub.savedmodel import SavedModel


class TensorFlowEngine:
    """Loads models by `tf.saved_model.load`."""

    name = "tensorflow"
    install = 'pip install "anyhub[tensorflow]"'

    def is_installed(self) -> bool:
        """Whether the package `tensorflow` is there."""
        return importlib.util.find_spec("tensorflow") is not None

    def load(
        self, model: SavedModel, tags: Any, options: Any, endpoints: Iterable[str] | None = None
    ) -> Any:
        """Load a model; see `anyhub.load`.

        Raises:
            EngineError: Endpoints were named: TensorFlow loads all of a model.
        """
        if endpoints is not None:
            raise EngineError(
                f"endpoints={list(endpoints)!r} is for engine 'portable'; engine 'tensorflow' "
                "loads the whole model: leave it out"
            )
        from anyhub.engines.tensorflow.loading import load_saved_model

        return load_saved_model(model, tags, options)

    def saved_state(self, loaded: Any) -> tuple[SavedModel, Mapping[str, Any]] | None:
        """What is needed to write a model again; see `anyhub.engines.base.Engine`."""
        if "anyhub.engines.tensorflow.loading" not in sys.modules:
            return None
        from anyhub.engines.tensorflow.origins import saved_state

        return saved_state(loaded)

    def layer_support(self) -> LayerSupport:
        """What Keras layers need for TensorFlow's objects."""
        from anyhub.engines.tensorflow.layer_support import TensorFlowLayerSupport

        return TensorFlowLayerSupport()


ENGINE: Engine = TensorFlowEngine()
