"""Which ops a function has, its own and those of all that it calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyhub.graph.attributes import function_names
from anyhub.graph.ir import Node

if TYPE_CHECKING:
    from collections.abc import Mapping


class CalledOps:
    """Looks into each function of a library once.

    Nodes that nothing needs count as well: pruning takes longer than looking.

    Args:
        library: FunctionDef messages by name.
    """

    def __init__(self, library: Mapping[str, Any]) -> None:
        self._library = library
        self._own: dict[str, tuple[frozenset[str], frozenset[str]]] = {}

    def ops(self, name: str) -> frozenset[str]:
        """The ops of a function and of what it calls; none for a function that there is not."""
        found: set[str] = set()
        seen = {name}
        waiting = [name]
        while waiting:
            ops, called = self._scan(waiting.pop())
            found |= ops
            waiting += called - seen
            seen |= called
        return frozenset(found)

    def _scan(self, name: str) -> tuple[frozenset[str], frozenset[str]]:
        """Ops and called functions of one body."""
        if name not in self._own:
            proto = self._library.get(name)
            ops: set[str] = set()
            called: set[str] = set()
            for node in () if proto is None else proto.node_def:
                called |= {n for _, n in function_names(Node(node.name, node.op, attrs=node.attr))}
                (called if node.op in self._library else ops).add(node.op)
            self._own[name] = frozenset(ops), frozenset(called)
        return self._own[name]
