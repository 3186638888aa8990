"""What a graph takes from the model beside its caller's inputs: variables, tables, assets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from anyhub.errors import SavedModelError
from anyhub.graph.effects import HANDLES
from anyhub.graph.handles import resource_key
from anyhub.graph.ir import Graph, Node

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from anyhub.savedmodel.functions import ConcreteFunction
    from anyhub.savedmodel.model import MetaGraph
    from anyhub.savedmodel.variables import Variable

VARIABLE, RESOURCE, ASSET, CONSTANT = "variable", "resource", "asset", "constant"
_VARIABLES = ("VarHandleOp", "VariableV2", "Variable")


@dataclass(frozen=True)
class Capture:
    """Something of the model that a graph takes.

    Attributes:
        name: The node of the graph that gives it: an argument (functions of objects) or an op
            that makes or holds it (main graphs).
        kind: "variable", "resource" (a table, say), "asset", or another kind of object.
        path: Where it is among the objects, "" for main graphs.
        node_id: Its number among the objects, None for main graphs.
        variable: The variable, None for other kinds and for variables that the model does not
            list.
    """

    name: str
    kind: str
    path: str = ""
    node_id: int | None = None
    variable: Variable | None = None


def object_captures(
    graph: Graph,
    meta_graph: MetaGraph,
    function: ConcreteFunction,
    variables: Iterable[Variable],
) -> tuple[Capture, ...]:
    """List what a function of an object captures: its last inputs, in order.

    Raises:
        SavedModelError: It captures more than it has inputs, or an object that does not exist.
    """
    bound = function.bound_inputs
    if len(bound) > len(graph.inputs):
        raise SavedModelError(
            f"function {function.name!r} captures {len(bound)} objects, but has only "
            f"{len(graph.inputs)} inputs"
        )
    by_id = {variable.node_id: variable for variable in variables}
    objects = meta_graph.objects
    found = []
    for name, number in zip(graph.inputs[len(graph.inputs) - len(bound) :], bound, strict=True):
        if not 0 <= number < len(objects.nodes):
            raise SavedModelError(
                f"function {function.name!r} captures object {number}; there are "
                f"{len(objects.nodes)}"
            )
        path = objects.paths.get(number, "")
        found.append(Capture(name, objects.nodes[number].kind, path, number, by_id.get(number)))
    return tuple(found)


def with_constants(
    graph: Graph, meta_graph: MetaGraph, captures: Iterable[Capture]
) -> tuple[Graph, tuple[Capture, ...]]:
    """Put captured constants into a graph.

    Returns:
        The graph, and the captures that are left.

    Raises:
        SavedModelError: A constant is not in the main graph.
    """
    nodes = dict(graph.nodes)
    left = []
    for capture in captures:
        if capture.kind == CONSTANT and capture.node_id is not None:
            operation = meta_graph.objects.nodes[capture.node_id].details.operation
            proto = meta_graph.nodes.get(operation)
            if proto is None or proto.op != "Const":
                raise SavedModelError(
                    f"captured constant {operation!r} is no constant of the main graph"
                )
            nodes[capture.name] = Node(capture.name, "Const", attrs=proto.attr)
        else:
            left.append(capture)
    inputs = tuple(name for name in graph.inputs if nodes[name].op != "Const")
    return replace(graph, nodes=nodes, inputs=inputs), tuple(left)


def node_captures(
    graph: Graph, meta_graph: MetaGraph, variables: Iterable[Variable]
) -> tuple[Capture, ...]:
    """List the variables, tables and assets that are nodes of a main graph."""
    by_name = {variable.name: variable for variable in variables}
    assets = {info.tensor_info.name.partition(":")[0] for info in meta_graph.proto.asset_file_def}
    found = []
    for node in graph.nodes.values():
        if node.op in _VARIABLES:
            _, name = resource_key(node)
            variable = by_name.get(node.name) or by_name.get(name)
            found.append(Capture(node.name, VARIABLE, variable=variable))
        elif node.op in HANDLES:
            found.append(Capture(node.name, RESOURCE))
        elif node.name in assets:
            found.append(Capture(node.name, ASSET))
    return tuple(found)


def unused_left_out(graph: Graph, captures: Iterable[Capture]) -> tuple[Graph, tuple[Capture, ...]]:
    """Leave out captured arguments that no node takes."""
    used = {ref.node for node in graph.nodes.values() for ref in node.inputs}
    used |= {ref.node for ref in graph.outputs}
    captures = tuple(captures)
    gone = {c.name for c in captures if c.name in graph.inputs and c.name not in used}
    nodes: Mapping[str, Any] = {n: node for n, node in graph.nodes.items() if n not in gone}
    inputs = tuple(name for name in graph.inputs if name not in gone)
    left = tuple(capture for capture in captures if capture.name not in gone)
    return replace(graph, nodes=nodes, inputs=inputs), left
