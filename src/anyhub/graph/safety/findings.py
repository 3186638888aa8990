"""What a scan reports."""

from __future__ import annotations

import enum
from dataclasses import dataclass

_SHOWN = 120


class Family(enum.StrEnum):
    """What kind of harm a finding could do."""

    FILES_READ = "files-read"
    FILES_WRITE = "files-write"
    DATASETS = "datasets"
    NETWORK = "network"
    CODE = "code"
    DENIAL_OF_SERVICE = "denial-of-service"
    ATTRIBUTE = "attribute"
    UNKNOWN_OP = "unknown-op"


@dataclass(frozen=True)
class Finding:
    """One thing in a model that does more than compute.

    Attributes:
        op: The op, e.g. "ReadFile"; for what is no op, the message that holds it.
        function: The function it stands in, None for the main graph.
        node: The node's name; for what is no node, the thing's own name.
        place: Which graph holds it, e.g. "graph of variant ['serve']".
        reason: What it does.
        family: What kind of harm that is.
    """

    op: str
    function: str | None
    node: str
    place: str
    reason: str
    family: Family

    def __str__(self) -> str:
        inside = f" of function {quote(self.function)}" if self.function is not None else ""
        op = clip(self.op) if self.op.isprintable() else quote(self.op)
        return f"{op} ({self.family}): node {quote(self.node)}{inside}, {self.place}: {self.reason}"


def quote(name: str | bytes) -> str:
    """A name out of a model, fit for a message: escaped, and not longer than a line."""
    text = name.decode("utf-8", "replace") if isinstance(name, bytes) else name
    return repr(clip(text))


def clip(text: str) -> str:
    """A text that is not longer than a line."""
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
