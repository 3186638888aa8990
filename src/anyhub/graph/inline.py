"""Puts the bodies of called functions in place of the calls.

Source for what a call means: `tensorflow/core/common_runtime/inline_function_utils.h`. A call
starts when all its inputs are there, and what waits for it waits for all that it does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from anyhub.errors import SavedModelError
from anyhub.graph.attributes import call_target
from anyhub.graph.convert import read_function
from anyhub.graph.effects import has_effect
from anyhub.graph.instantiate import instantiate
from anyhub.graph.needed import reachable
from anyhub.graph.splice import Splicer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from anyhub.graph.ir import Graph, Node

MAX_DEPTH = 100
MAX_NODES = 500_000


def inline(
    graph: Graph,
    library: Mapping[str, Any],
    *,
    keep: Callable[[str], bool] = lambda _name: False,
    max_nodes: int = MAX_NODES,
) -> Graph:
    """Replace calls by what they call, and calls in there as well.

    Bodies of If, While, Case and of datasets stay functions. Nodes that neither outputs nor
    control outputs need are left out.

    Args:
        graph: The graph.
        library: FunctionDef messages by name.
        keep: Says of a function that calls of it are to be kept.
        max_nodes: How many nodes the result may have.

    Raises:
        SavedModelError: A function calls itself, calls nest too deeply, the result is too large,
            or a function is damaged or missing.
    """
    return _Inliner(library, keep, max_nodes).inline(graph, ())


class _Inliner:
    def __init__(
        self, library: Mapping[str, Any], keep: Callable[[str], bool], max_nodes: int
    ) -> None:
        self._library = library
        self._keep = keep
        self._max_nodes = max_nodes
        self._bodies: dict[tuple[str, bytes, bool], Graph] = {}

    def inline(self, graph: Graph, callers: tuple[str, ...]) -> Graph:
        needed = reachable(graph)
        nodes = {name: node for name, node in graph.nodes.items() if name in needed}
        arguments = {name: graph.nodes[name] for name in graph.inputs}
        graph = replace(graph, nodes={**arguments, **nodes})
        calls = {
            node.name: target
            for node in graph.nodes.values()
            if (target := call_target(node, self._library)) is not None and not self._keep(target)
        }
        if not calls:
            return graph
        bodies = {name: self._body(graph.nodes[name], calls[name], callers) for name in calls}
        total = len(graph.nodes) + sum(len(body.nodes) for body in bodies.values())
        if total > self._max_nodes:
            raise SavedModelError(
                f"graph {graph.name!r} has {total} nodes with its functions' bodies in place; "
                f"accepted are {self._max_nodes}"
            )
        return Splicer(graph, bodies).splice()

    def _body(self, call: Node, target: str, callers: tuple[str, ...]) -> Graph:
        self._check(call, target, callers)
        attrs = call.attrs if call.op == target else dict(call.attrs["f"].func.attr)
        proto = self._library[target]
        declared = {attr.name for attr in proto.signature.attr}
        given = b"".join(
            key.encode() + attrs[key].SerializeToString(deterministic=True)
            for key in sorted(declared & {*attrs})
        )
        # The runtime runs all effects of a function whose name is the op, and of a function that
        # PartitionedCall calls only those that it lists as control outputs.
        whole = call.op == target
        if (target, given, whole) not in self._bodies:
            body = read_function(instantiate(proto, attrs), self._library)
            if whole:
                effects = (n.name for n in body.nodes.values() if has_effect(n))
                body = replace(body, controls=tuple(dict.fromkeys([*body.controls, *effects])))
            self._bodies[target, given, whole] = self.inline(body, (*callers, target))
        return self._bodies[target, given, whole]

    def _check(self, call: Node, target: str, callers: tuple[str, ...]) -> None:
        if target not in self._library:
            raise SavedModelError(
                f"node {call.name!r} calls function {target!r}, which the library lacks"
            )
        if target in callers:
            cycle = " -> ".join([*callers[callers.index(target) :], target])
            raise SavedModelError(f"a function calls itself: {cycle}")
        if len(callers) >= MAX_DEPTH:
            raise SavedModelError(
                f"calls nest more than {MAX_DEPTH} levels deep, at function {target!r}"
            )
