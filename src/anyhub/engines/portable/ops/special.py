"""Special functions."""

from __future__ import annotations

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.registry import lower_plain

_FUNCTIONS = primitives("special").FUNCTIONS

lower_plain(_FUNCTIONS)
