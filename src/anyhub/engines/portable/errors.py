"""Errors inside the portable engine."""

from __future__ import annotations

from anyhub.errors import EngineError


class UnsupportedNodeError(EngineError):
    """An attribute of a node has a value that its lowering does not know."""


class HostValueError(EngineError):
    """A value is needed on the host that is known only when compiled code runs."""
