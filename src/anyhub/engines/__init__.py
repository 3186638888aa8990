"""Engines execute models; `load` is the way in."""

from anyhub.engines.base import Engine, Form, LayerSupport
from anyhub.engines.loading import load
from anyhub.engines.registry import choose_engine, engine_names, get_engine

__all__ = [
    "Engine",
    "Form",
    "LayerSupport",
    "choose_engine",
    "engine_names",
    "get_engine",
    "load",
]
