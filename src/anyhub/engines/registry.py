"""Which engines there are, and which one is used when nobody says."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from anyhub.engines.keras_backend import configured_backend
from anyhub.errors import EngineError, MissingDependencyError

if TYPE_CHECKING:
    from anyhub.engines.base import Engine
    from anyhub.settings import Settings

# Imported when asked for.
_MODULES = {
    "tensorflow": "anyhub.engines.tensorflow",
    "portable": "anyhub.engines.portable.engine",
}


def engine_names() -> tuple[str, ...]:
    """Names of all engines."""
    return tuple(_MODULES)


def get_engine(name: str) -> Engine:
    """Find an engine by name.

    Raises:
        EngineError: There is no engine of that name.
    """
    if name not in _MODULES:
        known = ", ".join(repr(known) for known in _MODULES)
        raise EngineError(f"unknown engine {name!r}; accepted: {known}")
    engine: Engine = importlib.import_module(_MODULES[name]).ENGINE
    return engine


def choose_engine(explicit: str | None, settings: Settings) -> Engine:
    """Choose the engine that loads a model.

    The argument comes first, then `ANYHUB_ENGINE`. Else it is `tensorflow` where Keras runs on
    TensorFlow, and `portable` where it runs on another framework.

    Args:
        explicit: What the caller asked for.
        settings: The user's settings.

    Raises:
        EngineError: There is no engine of that name.
        MissingDependencyError: The packages of the engine (or of all) are not installed.
    """
    name = explicit or settings.engine
    if name is not None:
        engine = get_engine(name)
        if engine.is_installed():
            return engine
        raise MissingDependencyError(
            f"engine {name!r} needs a package that is not installed; run: {engine.install}"
        )
    is_portable_first = configured_backend() != "tensorflow"
    names = sorted(_MODULES, key=lambda name: (name == "portable") != is_portable_first)
    engines = [get_engine(name) for name in names]
    for engine in engines:
        if engine.is_installed():
            return engine
    lines = "\n".join(f"  {engine.install}    # engine {engine.name!r}" for engine in engines)
    raise MissingDependencyError(f"no engine to run models is installed; install one:\n{lines}")
