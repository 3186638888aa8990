"""Work on the bits of integers."""

from __future__ import annotations

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.registry import lower_plain

lower_plain(primitives("bits").FUNCTIONS)
