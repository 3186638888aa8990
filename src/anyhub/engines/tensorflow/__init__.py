"""Engine `tensorflow`: TensorFlow itself, with nothing between it and the user."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anyhub.engines.base import Engine, LayerSupport
    from anyhub.savedmodel import SavedModel


class TensorFlowEngine:
    """Loads models by `tf.saved_model.load`."""

    name = "tensorflow"
    install = 'pip install "anyhub[tensorflow]"'

    def is_installed(self) -> bool:
        """Whether the package `tensorflow` is there."""
        return importlib.util.find_spec("tensorflow") is not None

    def load(self, model: SavedModel, tags: Any, options: Any) -> Any:
        """Load a model; see `anyhub.load`."""
        from anyhub.engines.tensorflow.loading import load_saved_model

        return load_saved_model(model, tags, options)

    def layer_support(self) -> LayerSupport:
        """What Keras layers need for TensorFlow's objects."""
        from anyhub.engines.tensorflow.layer_support import TensorFlowLayerSupport

        return TensorFlowLayerSupport()


ENGINE: Engine = TensorFlowEngine()
