"""Which engines there are, and which one is used when nobody says."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from anyhub.errors import EngineError, MissingDependencyError

if TYPE_CHECKING:
    from anyhub.engines.base import Engine
    from anyhub.settings import Settings

# In the order of preference; imported when asked for.
_MODULES = {"tensorflow": "anyhub.engines.tensorflow"}


def engine_names() -> tuple[str, ...]:
    """Names of all engines, the preferred first."""
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

    The argument comes first, then `ANYHUB_ENGINE`, then the first one installed.

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
    engines = [get_engine(name) for name in _MODULES]
    for engine in engines:
        if engine.is_installed():
            return engine
    lines = "\n".join(f"  {engine.install}    # engine {engine.name!r}" for engine in engines)
    raise MissingDependencyError(f"no engine to run models is installed; install one:\n{lines}")
