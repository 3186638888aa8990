"""Leaves out what a graph's results do not need."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from anyhub.graph.effects import has_control_flow, has_effect
from anyhub.graph.ir import ARGUMENT, Graph, Node, topological_order
from anyhub.graph.needed import needed_by_outputs, reachable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# What is no more than a place in the order when nobody takes its value.
_MARKERS = frozenset(
    {"NoOp", "Const", "Identity", "IdentityN", "ReadVariableOp", "VarHandleOp", "_Arg"}
)


def prune(graph: Graph, keep_effects: bool = True) -> Graph:
    """Keep what outputs and control outputs need, and all arguments.

    Args:
        graph: The graph.
        keep_effects: Whether control outputs are kept. If not, an op that changes something is
            kept only if an output depends on that: it runs before what reads the same resource.

    Raises:
        SavedModelError: The graph refers to a node that it lacks, or has a cycle.
    """
    if keep_effects:
        kept = reachable(graph)
        nodes = {name: node for name, node in graph.nodes.items() if name in kept}
        return collapse(replace(graph, nodes=_with_arguments(graph, nodes)))
    return collapse(_for_outputs(replace(graph, controls=())))


def _with_arguments(graph: Graph, nodes: Mapping[str, Node]) -> dict[str, Node]:
    arguments = {name: graph.nodes[name] for name in graph.inputs if name not in nodes}
    return {**arguments, **nodes}


def _for_outputs(graph: Graph) -> Graph:
    kept = needed_by_outputs(graph)
    before = reachable(graph)
    if not any(has_effect(graph.nodes[name]) for name in kept.names):
        # Nothing changes, so only conditions are worth waiting for.
        nodes = {n: _waiting_for(graph.nodes[n], kept.conditions) for n in kept.names}
    elif has_control_flow(graph):
        # What is dropped may lead to what is not by way of branches; this stays rare.
        nodes = {name: graph.nodes[name] for name in before}
    else:
        nodes = {
            name: graph.nodes[name] if name in kept.names else _marker(graph.nodes[name])
            for name in before
        }
    ordered = {name: nodes[name] for name in graph.nodes if name in nodes}
    return replace(graph, nodes=_with_arguments(graph, ordered))


def _waiting_for(node: Node, names: set[str]) -> Node:
    return replace(node, controls=tuple(name for name in node.controls if name in names))


def _marker(node: Node) -> Node:
    return Node(node.name, "NoOp", controls=node.needs())


def collapse(graph: Graph) -> Graph:
    """Replace nodes that only stand for a place in the order by edges, where that adds none.

    Raises:
        SavedModelError: The graph has a cycle.
    """
    order = topological_order(graph)
    nodes = dict(graph.nodes)
    if not has_control_flow(graph):
        _make_markers(graph, nodes, order)
    users: Counter[str] = Counter(graph.controls)
    for node in nodes.values():
        users.update(set(node.controls))
    shortcuts: dict[str, tuple[str, ...]] = {}
    for name in order:
        node = nodes[name]
        controls = _followed(node.controls, shortcuts, node)
        nodes[name] = node if controls == node.controls else replace(node, controls=controls)
        if node.op == "NoOp" and users[name] * len(controls) <= users[name] + len(controls):
            shortcuts[name] = controls
        elif node.op in ("Const", ARGUMENT) and not controls:
            shortcuts[name] = ()
    controls = _followed(graph.controls, shortcuts)
    collapsed = replace(graph, nodes=nodes, controls=controls)
    left = reachable(collapsed) | set(graph.inputs)
    return collapsed.with_nodes({name: node for name, node in nodes.items() if name in left})


def _make_markers(graph: Graph, nodes: dict[str, Node], order: Iterable[str]) -> None:
    """Turn markers whose value nobody takes into NoOps, the last first."""
    taken = {ref.node for ref in graph.outputs} | set(graph.inputs)
    for name in reversed([*order]):
        node = nodes[name]
        if name not in taken and node.op in _MARKERS:
            node = nodes[name] = _marker(node)
        taken.update(ref.node for ref in node.inputs)


def _followed(
    controls: Iterable[str], shortcuts: Mapping[str, tuple[str, ...]], node: Node | None = None
) -> tuple[str, ...]:
    """Controls with shortcuts taken, without those that an input makes superfluous."""
    found: dict[str, None] = {}
    for name in controls:
        found.update(dict.fromkeys(shortcuts.get(name, (name,))))
    inputs = set() if node is None else {ref.node for ref in node.inputs}
    return tuple(name for name in found if name not in inputs)
