"""A dataflow graph as a value: what passes and engines work on.

Function bodies and main graphs name a node's outputs differently ("node:output:0", "node:1"); here
an output is a node and an index, whatever it came from.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from anyhub.errors import SavedModelError
from anyhub.savedmodel import schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ARGUMENT = "_Arg"
"""Op of the nodes that stand for a graph's inputs, as TensorFlow's runtime calls it."""


@dataclass(frozen=True)
class Ref:
    """An output of a node.

    Attributes:
        node: The node's name.
        index: Which of its outputs.
    """

    node: str
    index: int = 0

    def __str__(self) -> str:
        return f"{self.node}:{self.index}"


@dataclass(frozen=True)
class Node:
    """An op in a graph.

    Attributes:
        name: Unique in its graph.
        op: The op's name, or a function's.
        inputs: What it takes.
        controls: Nodes that have to run before it.
        attrs: AttrValue messages by name, as in the file (defaults may be left out).
        device: Where it was placed.
    """

    name: str
    op: str
    inputs: tuple[Ref, ...] = ()
    controls: tuple[str, ...] = ()
    attrs: Mapping[str, Any] = field(default_factory=dict)
    device: str = ""

    def attr(self, name: str) -> Any:
        """An attribute's AttrValue message, None if it is not in the file."""
        return self.attrs.get(name)

    def needs(self) -> tuple[str, ...]:
        """The nodes that have to run before it, each once, in the order of its inputs."""
        return tuple(dict.fromkeys([*(ref.node for ref in self.inputs), *self.controls]))


@dataclass(frozen=True)
class Graph:
    """A graph with inputs and outputs: a function's body, or a part of a main graph.

    Attributes:
        name: The function's name, or what the part is.
        nodes: All nodes by name, argument nodes included.
        inputs: Names of the argument nodes in order.
        outputs: What it gives, in order.
        output_names: Names of the outputs, as many.
        controls: Nodes that have to run although nobody takes what they give.
    """

    name: str
    nodes: Mapping[str, Node]
    inputs: tuple[str, ...]
    outputs: tuple[Ref, ...]
    output_names: tuple[str, ...]
    controls: tuple[str, ...] = ()

    def with_nodes(self, nodes: Mapping[str, Node]) -> Graph:
        """The same graph with other nodes."""
        return replace(self, nodes=nodes)


def output_count(node: Node, arguments: Any) -> Iterator[tuple[str, int]]:
    """How many tensors each output argument of a node stands for.

    Args:
        node: The node.
        arguments: The op's output arguments.
    """
    for argument in arguments:
        yield argument.name, _count(node, argument)


def _count(node: Node, argument: Any) -> int:
    if argument.number_attr:
        value = node.attr(argument.number_attr)
        return 1 if value is None else int(value.i)
    if argument.type_list_attr:
        value = node.attr(argument.type_list_attr)
        return 0 if value is None else len(value.list.type)
    return 1


def topological_order(graph: Graph) -> tuple[str, ...]:
    """Names of the nodes so that each comes after what it needs.

    Edges that close a TF1 loop (into Merge from NextIteration) are not followed.

    Raises:
        SavedModelError: The graph has a cycle, or a node needs one that does not exist.
    """
    order: list[str] = []
    state: dict[str, int] = {}
    for start in graph.nodes:
        stack = [(start, iter(_needs(graph, start)))] if start not in state else []
        state.setdefault(start, 1)
        while stack:
            name, needs = stack[-1]
            following = next((n for n in needs if state.get(n) != 2), None)
            if following is None:
                stack.pop()
                if state[name] != 2:
                    state[name] = 2
                    order.append(name)
            elif state.get(following) == 1:
                raise SavedModelError(f"graph {graph.name!r} has a cycle through {following!r}")
            else:
                state[following] = 1
                stack.append((following, iter(_needs(graph, following))))
    return tuple(order)


def _needs(graph: Graph, name: str) -> list[str]:
    node = graph.nodes.get(name)
    if node is None:
        raise _missing(graph, name)
    needs = [*node.needs()]
    if node.op in ("Merge", "RefMerge"):
        needs = [n for n in needs if n not in graph.nodes or not _is_back_edge(graph.nodes[n])]
    return needs


def _missing(graph: Graph, name: str) -> SavedModelError:
    return SavedModelError(f"graph {graph.name!r} refers to node {name!r}, which it lacks")


def _is_back_edge(node: Node) -> bool:
    return node.op in ("NextIteration", "RefNextIteration")


def attr_value(**value: Any) -> Any:
    """Make an AttrValue message, e.g. `attr_value(i=3)`."""
    return schema.AttrValue(**value)
