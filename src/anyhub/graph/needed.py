"""Which nodes of a graph its results need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from anyhub.errors import SavedModelError
from anyhub.graph.contexts import contexts
from anyhub.graph.effects import (
    READERS,
    REFERENCES,
    SEEN_FROM_OUTSIDE_ONLY,
    has_control_flow,
    has_effect,
    is_stateful,
)
from anyhub.graph.handles import Origin, find_handles
from anyhub.graph.ir import Graph, Node, topological_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def reachable(graph: Graph, roots: Iterable[str] | None = None) -> set[str]:
    """Names of the nodes that others need, themselves included.

    Args:
        graph: The graph.
        roots: The others; if None, outputs and control outputs.

    Raises:
        SavedModelError: The graph refers to a node that it lacks.
    """
    stack = [*(ref.node for ref in graph.outputs), *graph.controls] if roots is None else [*roots]
    found: set[str] = set()
    while stack:
        name = stack.pop()
        if name in found:
            continue
        if name not in graph.nodes:
            raise SavedModelError(f"graph {graph.name!r} refers to node {name!r}, which it lacks")
        found.add(name)
        stack += graph.nodes[name].needs()
    return found


@dataclass(frozen=True)
class Needed:
    """What outputs need.

    Attributes:
        names: The nodes.
        conditions: Those of them that others have to wait for, lest they run in a branch of TF1
            that is not taken.
    """

    names: set[str]
    conditions: set[str]


def needed_by_outputs(graph: Graph) -> Needed:
    """Find what outputs need, effects that they see included, but no other effects.

    Raises:
        SavedModelError: The graph refers to a node that it lacks, or has a cycle.
    """
    return _NeededByOutputs(graph).find()


class _NeededByOutputs:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._conditional = contexts(graph) if has_control_flow(graph) else {}
        self._handles = find_handles(graph)
        self._earlier = _earlier_effects(graph)
        self._needed = Needed(set(), set())

    def find(self) -> Needed:
        self._add(ref.node for ref in self._graph.outputs)
        while True:
            found = self._effects_seen()
            if not found:
                return self._needed
            self._add(found)

    def _add(self, names: Iterable[str]) -> None:
        stack = [*names]
        while stack:
            name = stack.pop()
            if name in self._needed.names:
                continue
            self._needed.names.add(name)
            node = self._graph.nodes[name]
            conditions = [c for c in node.controls if self._conditional.get(c)]
            self._needed.conditions.update(conditions)
            stack += [*(ref.node for ref in node.inputs), *conditions]

    def _effects_seen(self) -> list[str]:
        """Effects not known to be needed that run before something that sees them."""
        found = []
        seen = self._seen()
        for name, bit in self._earlier.effects.items():
            if name in self._needed.names:
                continue
            changed = self._handles.of(self._graph.nodes[name])
            # Without a handle it may change anything, say by a variable inside a function.
            origins = [*seen] if not changed or None in changed else [*changed, None]
            if any(seen.get(origin, 0) & bit for origin in origins):
                found.append(name)
        return found

    def _seen(self) -> dict[Origin | None, int]:
        """For each resource that needed nodes touch, the effects that run before they do."""
        seen: dict[Origin | None, int] = {}
        for name in self._needed.names:
            node = self._graph.nodes[name]
            for origin in self._read_by(node):
                seen[origin] = seen.get(origin, 0) | self._earlier.before[name]
        return seen

    def _read_by(self, node: Node) -> frozenset[Origin | None]:
        """The resources that a node may look at, None for any."""
        touched = self._handles.of(node)
        if not touched and is_stateful(node) and has_effect(node):
            return frozenset({None})
        if is_stateful(node) or node.op in READERS:
            return touched
        # Taking a reference is reading it; handles of other kinds are handed on.
        return frozenset(origin for origin in touched if origin and origin[0] in REFERENCES)


@dataclass(frozen=True)
class _Earlier:
    """Which effects run before which nodes.

    Attributes:
        effects: A bit for each node whose effect other ops may see.
        before: The bits of those that come before each node.
    """

    effects: Mapping[str, int]
    before: Mapping[str, int]


def _earlier_effects(graph: Graph) -> _Earlier:
    order = topological_order(graph)
    visible = [
        name
        for name in order
        if has_effect(graph.nodes[name]) and graph.nodes[name].op not in SEEN_FROM_OUTSIDE_ONLY
    ]
    effects = {name: 1 << number for number, name in enumerate(visible)}
    if any(node.op in ("NextIteration", "RefNextIteration") for node in graph.nodes.values()):
        # In a loop what comes later comes before the next round.
        return _Earlier(effects, dict.fromkeys(order, (1 << len(visible)) - 1))
    before: dict[str, int] = {}
    for name in order:
        bits = 0
        for need in graph.nodes[name].needs():
            bits |= before[need] | effects.get(need, 0)
        before[name] = bits
    return _Earlier(effects, before)
