"""Puts graphs in place of nodes: the mechanics of `inline`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from anyhub.errors import SavedModelError
from anyhub.graph.effects import HANDLES, has_control_flow, has_effect, is_stateful
from anyhub.graph.ir import ARGUMENT, Graph, Node, Ref, attr_value, topological_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NAMING = frozenset({"HashTable", "HashTableV2", "MutableHashTable", "MutableHashTableV2",
                     "MutableHashTableOfTensors", "MutableHashTableOfTensorsV2",
                     "MutableDenseHashTable", "MutableDenseHashTableV2"})  # fmt: skip


# No name of a node in a file begins with an underscore.
_START = "_start"


class Splicer:
    """Replaces calls in a graph by bodies that have no calls left."""

    def __init__(self, graph: Graph, bodies: Mapping[str, Graph]) -> None:
        """Prepare.

        Args:
            graph: The graph; all its nodes are needed.
            bodies: What takes the place of nodes, by their names.
        """
        self._graph = graph
        self._bodies = bodies
        self._after_effects = _after_effects(graph)
        self._conditional = has_control_flow(graph)
        self._nodes: dict[str, Node] = {}
        self._outputs: dict[Ref, Ref] = {}
        self._done: dict[str, Node] = {}
        self._effects: dict[str, None] = dict.fromkeys(graph.controls)

    def splice(self) -> Graph:
        """Replace them.

        Raises:
            SavedModelError: A call has other inputs than the body takes.
        """
        for node in self._graph.nodes.values():
            if node.name in self._bodies:
                self._place(node, self._bodies[node.name])
            else:
                self._nodes[node.name] = node
        nodes = {name: self._redirected(node) for name, node in self._nodes.items()}
        outputs = tuple(self._resolve(ref) for ref in self._graph.outputs)
        nodes |= self._ends(
            {c for node in nodes.values() for c in node.controls} | {*self._effects}
        )
        return replace(self._graph, nodes=nodes, outputs=outputs, controls=tuple(self._effects))

    def _ends(self, waited_for: Iterable[str]) -> dict[str, Node]:
        """Nodes named as calls that something waits for."""
        found: dict[str, Node] = {}
        stack = [*waited_for]
        while stack:
            name = stack.pop()
            if name in self._done and name not in found:
                found[name] = self._done[name]
                stack += found[name].controls
        return found

    def _place(self, call: Node, body: Graph) -> None:
        if len(call.inputs) != len(body.inputs):
            raise SavedModelError(
                f"node {call.name!r} gives function {body.name!r} {len(call.inputs)} inputs; it "
                f"takes {len(body.inputs)}"
            )
        placed = _Placed(call, body, self._free_prefix(call, body))
        start = self._start(placed)
        self._nodes |= placed.nodes(start, everywhere=self._conditional)
        outputs = [placed.ref(ref) for ref in body.outputs]
        self._outputs |= {Ref(call.name, i): ref for i, ref in enumerate(outputs)}
        controls = [placed.name(name) for name in body.controls]
        ends = dict.fromkeys([*start, *controls, *(ref.node for ref in outputs)])
        self._done[call.name] = Node(call.name, "NoOp", controls=tuple(ends))
        if call.name not in self._effects:
            # The call is needed, so all that it does is.
            self._effects |= dict.fromkeys(placed.name(name) for name in _with_effect(body))

    def _free_prefix(self, call: Node, body: Graph) -> str:
        """A prefix that makes the names in the body unique; nearly always that of the call."""
        number = 0
        while True:
            prefix = f"{call.name}_{number}/" if number else f"{call.name}/"
            names = {f"{prefix}{name}" for name in (*body.nodes, _START)}
            if names.isdisjoint(self._graph.nodes) and names.isdisjoint(self._nodes):
                return prefix
            number += 1

    def _start(self, placed: _Placed) -> tuple[str, ...]:
        """What the body's effects have to wait for, apart from what they take."""
        call = placed.call
        if self._conditional:
            # A branch that is not taken must not run a body, whichever inputs that looks at.
            self._nodes |= placed.arguments()
            waiting = [*call.controls, *placed.arguments()]
        else:
            late = (ref.node for ref in call.inputs if ref.node in self._after_effects)
            waiting = [*dict.fromkeys([*call.controls, *late])]
        if len(waiting) < 2:
            return tuple(waiting)
        name = f"{placed.prefix}{_START}"
        self._nodes[name] = Node(name, "NoOp", controls=tuple(waiting))
        return (name,)

    def _resolve(self, ref: Ref) -> Ref:
        # A body that hands on an argument leads to another call's output, and so on.
        while ref.node in self._bodies:
            if ref not in self._outputs:
                body = self._bodies[ref.node].name
                raise SavedModelError(f"function {body!r} has no output {ref.index}")
            ref = self._outputs[ref]
        return ref

    def _redirected(self, node: Node) -> Node:
        if all(ref.node not in self._bodies for ref in node.inputs):
            return node
        return replace(node, inputs=tuple(self._resolve(ref) for ref in node.inputs))


class _Placed:
    """A body with the names it gets in place of a call."""

    def __init__(self, call: Node, body: Graph, prefix: str) -> None:
        self.call = call
        self.prefix = prefix
        self._body = body
        self._arguments = dict(zip(body.inputs, call.inputs, strict=True))
        self._copies: set[str] = set()

    def name(self, name: str) -> str:
        """The new name of a node."""
        if name in self._arguments and name not in self._copies:
            return self._arguments[name].node
        return f"{self.prefix}{name}"

    def ref(self, ref: Ref) -> Ref:
        """The new place of a tensor."""
        if ref.node in self._arguments and ref.node not in self._copies:
            return self._arguments[ref.node]
        return Ref(f"{self.prefix}{ref.node}", ref.index)

    def arguments(self) -> dict[str, Node]:
        """Nodes that stand for the arguments from now on."""
        self._copies = set(self._arguments)
        return {
            self.name(name): Node(
                self.name(name),
                "Identity",
                (source,),
                self.call.controls,
                {"T": self._body.nodes[name].attrs["T"]},
            )
            for name, source in self._arguments.items()
        }

    def nodes(self, start: tuple[str, ...], *, everywhere: bool) -> dict[str, Node]:
        """The body's nodes; those that must not run before `start` wait for it."""
        late = _first_stateful(self._body)
        if everywhere:
            late |= {node.name for node in self._body.nodes.values() if not node.needs()}
        found = {}
        for node in self._body.nodes.values():
            if node.op == ARGUMENT:
                continue
            controls = [self.name(name) for name in node.controls]
            if node.name in late:
                controls += start
            name = self.name(node.name)
            found[name] = Node(
                name,
                node.op,
                tuple(self.ref(ref) for ref in node.inputs),
                tuple(dict.fromkeys(controls)),
                _attrs(node),
                node.device or self.call.device,
            )
        return found


def _attrs(node: Node) -> Mapping[str, Any]:
    attrs = {key: value for key, value in node.attrs.items() if key != "_class"}
    if node.op in _NAMING:
        shared = attrs.get("shared_name")
        if shared is None or not shared.s:
            # Without one the node's name is the table's, and calls share the table.
            attrs["shared_name"] = attr_value(s=node.name.encode())
    return attrs


def _first_stateful(body: Graph) -> set[str]:
    """Stateful nodes that no other stateful node comes before."""
    first: set[str] = set()
    after: set[str] = set()
    for name in topological_order(body):
        node = body.nodes[name]
        if not after.isdisjoint(node.needs()):
            after.add(name)
        elif is_stateful(node) and node.op not in HANDLES and node.op != ARGUMENT:
            first.add(name)
            after.add(name)
    return first


def _after_effects(graph: Graph) -> set[str]:
    found: set[str] = set()
    for name in topological_order(graph):
        node = graph.nodes[name]
        if has_effect(node) or not found.isdisjoint(node.needs()):
            found.add(name)
    return found


def _with_effect(body: Graph) -> Iterable[str]:
    """Control outputs that lead to an effect."""
    after = _after_effects(body)
    return (name for name in body.controls if name in after)
