"""Where the function that a node is in has what the node's custom gradient captures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anyhub.errors import SavedModelError
from anyhub.graph.attributes import function_names
from anyhub.graph.captures import CONSTANT
from anyhub.graph.convert import output_arguments, parse_tensor_name, read_function
from anyhub.graph.ir import ARGUMENT, Graph, Ref, output_count, topological_order
from anyhub.graph.needed import reachable
from anyhub.savedmodel import schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from anyhub.savedmodel.functions import ConcreteFunction
    from anyhub.savedmodel.model import MetaGraph

_TENSOR = "captured_tensor"
# Their first input says which branch is taken; the others are the arguments of all.
_BRANCHES = frozenset({"If", "StatelessIf", "Case", "StatelessCase"})


@dataclass(frozen=True)
class Captures:
    """What becomes further inputs of a node.

    Attributes:
        inputs: The tensors, as function bodies name them.
        types: Numbers of their element types.
        constants: Nodes that must be added for them, NodeDef messages.
    """

    inputs: tuple[str, ...]
    types: tuple[int, ...]
    constants: tuple[Any, ...]


def is_tensor(meta_graph: MetaGraph, number: int) -> bool:
    """Whether an object that a gradient captures is a tensor, which belongs to a graph."""
    return meta_graph.objects.nodes[number].kind in (_TENSOR, CONSTANT)


class CaptureFinder:
    """Finds what gradients capture.

    Args:
        meta_graph: The model.
    """

    def __init__(self, meta_graph: MetaGraph) -> None:
        self._meta_graph = meta_graph
        self._library = meta_graph.functions
        self._graphs: dict[str, Graph] = {}
        self._orders: dict[str, Mapping[str, int]] = {}

    def find(self, proto: Any, node: str, gradient: ConcreteFunction) -> Captures | None:
        """Find the captures of a node's gradient.

        Args:
            proto: The FunctionDef that the node is in.
            node: The node's name.
            gradient: The function that computes its derivatives.

        Returns:
            None if one cannot be had there.
        """
        name = proto.signature.name
        inputs, types, constants = [], [], []
        arguments = self._library[gradient.name].signature.input_arg
        arguments = arguments[len(arguments) - len(gradient.bound_inputs) :]
        for position, number in enumerate(gradient.bound_inputs):
            if not is_tensor(self._meta_graph, number):
                continue
            types.append(arguments[position].type)
            constant = self._constant(number, f"{node}/captured_{position}")
            if constant is not None:
                constants.append(constant)
                inputs.append(f"{constant.name}:output:0")
                continue
            ref = self._ref(number, name)
            if ref is None or self._depends(name, ref, node):
                return None
            inputs.append(self._text(name, ref))
        return Captures(tuple(inputs), tuple(types), tuple(constants))

    def _constant(self, number: int, name: str) -> Any:
        found = self._meta_graph.objects.nodes[number]
        if found.kind != CONSTANT:
            return None
        source = self._meta_graph.nodes.get(found.details.operation)
        if source is None or source.op != "Const":
            raise SavedModelError(f"captured constant {name!r} is no constant of the main graph")
        made = schema.NodeDef(name=name, op="Const")
        for key in ("dtype", "value"):
            made.attr[key].CopyFrom(source.attr[key])
        return made

    def _ref(self, number: int, function: str) -> Ref | None:
        """Where a function has a captured tensor; None if it does not get it."""
        details = self._meta_graph.objects.nodes[number].details
        owner, ref = details.concrete_function, parse_tensor_name(details.name)
        if owner not in self._library or ref.node not in self._graph(owner).nodes:
            return None
        return ref if owner == function else self._handed_on(owner, ref, function)

    def _handed_on(self, owner: str, ref: Ref, function: str) -> Ref | None:
        """Where a function gets a tensor of a function that calls it, maybe through others."""
        seen = {(owner, ref)}
        stack = [(owner, ref)]
        while stack:
            name, place = stack.pop()
            for callee, argument in self._passed(name, place):
                if callee == function:
                    return argument
                if (callee, argument) not in seen:
                    seen.add((callee, argument))
                    stack.append((callee, argument))
        return None

    def _passed(self, name: str, ref: Ref) -> Iterator[tuple[str, Ref]]:
        for node in self._graph(name).nodes.values():
            if ref not in node.inputs:
                continue
            callees = [callee for _, callee in function_names(node)]
            callees += [node.op] if node.op in self._library else []
            for callee in callees:
                place = node.inputs.index(ref) - (node.op in _BRANCHES)
                inputs = self._graph(callee).inputs if callee in self._library else ()
                if 0 <= place < len(inputs):
                    yield callee, Ref(inputs[place])

    def _depends(self, name: str, ref: Ref, node: str) -> bool:
        """Whether a tensor comes from a node, which then cannot take it."""
        places = self._order(name)
        # What comes earlier in some order depends on nothing that comes later.
        return places[ref.node] >= places[node] and node in reachable(self._graph(name), [ref.node])

    def _order(self, name: str) -> Mapping[str, int]:
        if name not in self._orders:
            order = topological_order(self._graph(name))
            self._orders[name] = {node: place for place, node in enumerate(order)}
        return self._orders[name]

    def _text(self, name: str, ref: Ref) -> str:
        node = self._graph(name).nodes[ref.node]
        if node.op == ARGUMENT:
            return node.name
        counts = output_count(node, output_arguments(node.op, self._library))
        texts = [f"{node.name}:{output}:{i}" for output, count in counts for i in range(count)]
        return texts[ref.index]

    def _graph(self, name: str) -> Graph:
        if name not in self._graphs:
            self._graphs[name] = read_function(self._library[name], self._library)
        return self._graphs[name]
