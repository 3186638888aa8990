"""Engine `portable`: TensorFlow's graphs on JAX, PyTorch or TensorFlow through Keras 3."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING, Any

from anyhub.engines.keras_backend import ensure_backend, is_keras3_installed, usable_backend
from anyhub.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from anyhub.engines.base import LayerSupport
    from anyhub.savedmodel import SavedModel


class PortableEngine:
    """Runs models by the operations of Keras 3, without TensorFlow."""

    name = "portable"
    install = 'pip install "anyhub[jax]" or "anyhub[torch]"'

    def is_installed(self) -> bool:
        """Whether Keras 3 and a framework for it are there."""
        has_keras = importlib.util.find_spec("keras") is not None and is_keras3_installed()
        return has_keras and usable_backend() is not None

    def load(
        self, model: SavedModel, tags: Any, options: Any, endpoints: Iterable[str] | None = None
    ) -> Any:
        """Load a model; see `anyhub.load`.

        Raises:
            EngineError: Options were passed, which are TensorFlow's.
        """
        if options is not None:
            raise EngineError(
                f"options={options!r} are for engine 'tensorflow'; engine 'portable' takes none"
            )
        ensure_backend()
        from anyhub.engines.portable.loading import load_model

        return load_model(model, tags, endpoints)

    def saved_state(self, loaded: Any) -> tuple[SavedModel, Mapping[str, Any]] | None:
        """What is needed to write a model again; see `anyhub.engines.base.Engine`."""
        if "anyhub.engines.portable.root" not in sys.modules:
            return None
        from anyhub.engines.portable.root import saved_state

        return saved_state(loaded)

    def layer_support(self) -> LayerSupport:
        """What Keras layers need for objects of this engine."""
        ensure_backend()
        from anyhub.engines.portable.layer_support import PortableLayerSupport

        return PortableLayerSupport()


ENGINE = PortableEngine()
