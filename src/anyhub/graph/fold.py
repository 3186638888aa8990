"""Computes ahead what does not depend on a graph's inputs, above all arithmetic with shapes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from anyhub.graph.contexts import Context, contexts
from anyhub.graph.effects import CONTROL_FLOW, has_control_flow, is_stateful
from anyhub.graph.inference import Facts, nbytes
from anyhub.graph.ir import ARGUMENT, Graph, Node, Ref, topological_order
from anyhub.graph.node_values import constant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anyhub.savedmodel.shapes import Shape

MAX_BYTES = 1 << 16


def fold(
    graph: Graph,
    shape_ofs: Mapping[str, Shape] | None = None,
    *,
    max_bytes: int = MAX_BYTES,
) -> Graph:
    """Replace nodes by constants where their values are certain.

    Nodes that nothing needs any more are left in; see `prune`.

    Args:
        graph: The graph.
        shape_ofs: Shapes of arguments by name, where more is known than they say themselves.
        max_bytes: Larger results are not made constants.

    Raises:
        SavedModelError: The graph has a cycle, or a constant in it is damaged.
    """
    return _Folder(graph, shape_ofs or {}, max_bytes).fold()


class _Folder:
    def __init__(self, graph: Graph, shapes: Mapping[str, Shape], max_bytes: int) -> None:
        self._graph = graph
        self._max_bytes = max_bytes
        self._facts = Facts(graph, shapes)
        self._contexts: Mapping[str, Context] = contexts(graph) if has_control_flow(graph) else {}
        self._nodes: dict[str, Node] = {}
        self._moved: dict[Ref, Ref] = {}
        self._taken = {ref for node in graph.nodes.values() for ref in node.inputs}
        self._taken |= {*graph.outputs}

    def fold(self) -> Graph:
        for name in topological_order(self._graph):
            node = self._graph.nodes[name]
            self._nodes[name] = node
            self._facts.learn(node)
            if node.op not in ("Const", ARGUMENT, *CONTROL_FLOW) and not is_stateful(node):
                self._replace(node)
        nodes = {name: self._redirected(node) for name, node in self._nodes.items()}
        outputs = tuple(self._moved.get(ref, ref) for ref in self._graph.outputs)
        return replace(self._graph, nodes=nodes, outputs=outputs)

    def _replace(self, node: Node) -> None:
        values = self._facts.values_of(node.name)
        wanted = {i: v for i, v in values.items() if nbytes(v) <= self._max_bytes}
        controls = self._controls(node) if wanted else None
        if controls is None:
            return
        if {*values} == {0} and Ref(node.name, 1) not in self._taken:
            self._nodes[node.name] = constant(node.name, values[0], controls)
            return
        for index, value in wanted.items():
            if Ref(node.name, index) in self._taken:
                name = self._free_name(f"{node.name}/output_{index}")
                self._nodes[name] = constant(name, value, controls)
                self._moved[Ref(node.name, index)] = Ref(name)

    def _controls(self, node: Node) -> tuple[str, ...] | None:
        """What the constant has to wait for; None if it cannot take the node's place."""
        found = dict.fromkeys(node.controls)
        for ref in node.inputs:
            source = self._nodes[self._moved.get(ref, ref).node]
            if source.op == "Const":
                found |= dict.fromkeys(source.controls)
            elif self._contexts.get(node.name):
                # The value is certain, but not that this branch is taken.
                if source.op in CONTROL_FLOW:
                    return None
                found[source.name] = None
        return tuple(found)

    def _free_name(self, name: str) -> str:
        while name in self._graph.nodes or name in self._nodes:
            name += "_"
        return name

    def _redirected(self, node: Node) -> Node:
        if not any(ref in self._moved for ref in node.inputs):
            return node
        return replace(node, inputs=tuple(self._moved.get(ref, ref) for ref in node.inputs))
