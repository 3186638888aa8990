"""Recurrent layers in the bodies of loops: an LSTM or GRU over a list of inputs.

What is found is proved: each value of the loop stays as it is, counts, or is what the layer gives.
All that no turn changes may be a weight, whatever it is computed from.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from anyhub.engines.portable.matching import SIZE, match
from anyhub.engines.portable.parts import constant
from anyhub.engines.portable.recurrence import WEIGHTS, Recurrence
from anyhub.engines.portable.recurrence_patterns import CELLS
from anyhub.graph.effects import has_control_flow, has_effect, is_stateful
from anyhub.graph.ir import ARGUMENT, Graph, Ref, topological_order
from anyhub.graph.prune import prune

if TYPE_CHECKING:
    from collections.abc import Callable

    from anyhub.engines.portable.matching import Found
    from anyhub.engines.portable.plan import Plan
    from anyhub.engines.portable.recurrence_patterns import Cell
    from anyhub.graph.const_call import Array
    from anyhub.graph.ir import Node

_WRITES = "TensorListSetItem"


def find_recurrence(graph: Graph, plan: Callable[[Graph], Plan]) -> Recurrence | None:
    """The recurrent layer that a loop computes, else None.

    Args:
        graph: The loop's body; any other function's graph has none.
        plan: Plans a graph.
    """
    nodes = graph.nodes.values()
    is_body = len(graph.inputs) == len(graph.outputs) and any(n.op == _WRITES for n in nodes)
    if not is_body or any(map(has_effect, nodes)) or has_control_flow(graph):
        return None
    body = _Body(_without_identities(graph))
    for cell in CELLS:
        found = body.match(cell)
        if found is not None:
            return body.recurrence(cell, found, plan)
    return None


class _Body:
    """A loop's body, seen without its Identity nodes."""

    def __init__(self, graph: Graph) -> None:
        self._graph, self._nodes = graph, graph.nodes
        self._places = {Ref(name): position for position, name in enumerate(graph.inputs)}
        self._changing = {
            place for ref, place in self._places.items() if graph.outputs[place] != ref
        }
        steps = {place: self._step(place) for place in sorted(self._changing)}
        self._steps = {place: step for place, step in steps.items() if step is not None}
        self._lists = [place for place in steps if self._output(place).op == _WRITES]
        self._steady = self._find_steady()

    def match(self, cell: Cell) -> Found | None:
        """What the names of a layer's patterns stand for if this is a turn of it, else None."""
        if len(self._lists) != 1:
            return None
        written, _, item = self._output(self._lists[0]).inputs
        found = match(self._nodes, cell.following[0], item, {})
        if found is None or self._places.get(written) != self._lists[0]:
            return None
        states = [self._places.get(found[name], -1) for name in cell.states]
        if {*states, *self._lists, *self._steps} != self._changing:
            return None
        for pattern, place in zip(cell.following, states, strict=True):
            if found is not None:
                found = match(self._nodes, pattern, self._graph.outputs[place], found)
        return found if found is not None and self._is_proved(cell, found) else None

    def _is_proved(self, cell: Cell, found: Found) -> bool:
        counter = self._places.get(found["counter"], -1)
        if self._places.get(found["inputs"], -1) not in {*self._places.values()} - self._changing:
            return False
        if self._steps.get(counter) != 1 or not self._is("one", found, 1):
            return False
        place = self._output(self._lists[0]).inputs[1]
        if place != found["counter"] and not self._is("place", {"place": place}, 0):
            return False
        weights = found.keys() - {*cell.states, "inputs", "counter", SIZE}
        return all(found[name].node in self._steady for name in weights)

    def recurrence(self, cell: Cell, found: Found, plan: Callable[[Graph], Plan]) -> Recurrence:
        """The layer."""
        weights = {name: self._weight(name, found) for name in WEIGHTS}
        place = self._output(self._lists[0]).inputs[1]
        return Recurrence(
            kind=cell.kind,
            inputs=self._places[found["inputs"]],
            counter=self._places[found["counter"]],
            target=self._lists[0],
            is_sequence=place == found["counter"],
            states=tuple(self._places[found[name]] for name in cell.states),
            steps=self._steps,
            weights={name: plan(part) for name, part in weights.items() if part.outputs},
            size=found.get(SIZE),
        )

    def _weight(self, name: str, found: Found) -> Graph:
        """What computes a weight, one tensor or one for each gate; nothing if it is missing."""
        refs = tuple(found[key] for key in sorted(found) if key.rstrip("0123") == name)
        names = tuple(map(str, refs))
        return prune(replace(self._graph, outputs=refs, output_names=names, controls=()))

    def _is(self, name: str, found: Found, value: int) -> bool:
        """Whether a name stands for a constant number, or for nothing."""
        if name not in found:
            return True
        array = constant(self._nodes, found[name])
        return array is not None and array.ndim == 0 and bool(array == value)

    def _output(self, place: int) -> Node:
        return self._nodes[self._graph.outputs[place].node]

    def _step(self, place: int) -> Array | None:
        """By how much a value of the loop grows with each turn, None if it is no counter."""
        node = self._output(place)
        if node.op not in ("AddV2", "Add"):
            return None
        for before, step in (node.inputs, node.inputs[::-1]):
            array = constant(self._nodes, step)
            if self._places.get(before) == place and array is not None and array.ndim == 0:
                return array if array.dtype.kind == "i" else None
        return None

    def _find_steady(self) -> frozenset[str]:
        """Names of the nodes that compute the same in each turn."""
        found: set[str] = set()
        for name in topological_order(self._graph):
            node = self._nodes[name]
            if node.op == ARGUMENT:
                is_steady = self._places[Ref(name)] not in self._changing
            else:
                # Nothing is assigned here, so variables are what they are; random numbers are not.
                is_steady = node.op == "ReadVariableOp" or not is_stateful(node)
            if is_steady and all(ref.node in found for ref in node.inputs):
                found.add(name)
        return frozenset(found)


def _without_identities(graph: Graph) -> Graph:
    sources: dict[Ref, Ref] = {}
    nodes: dict[str, Node] = {}
    for name in topological_order(graph):
        node = graph.nodes[name]
        inputs = tuple(sources.get(ref, ref) for ref in node.inputs)
        nodes[name] = replace(node, inputs=inputs)
        if node.op == "Identity":
            sources[Ref(name)] = inputs[0]
    outputs = tuple(sources.get(ref, ref) for ref in graph.outputs)
    return replace(graph, nodes=nodes, outputs=outputs)
