"""Puts the values of variables in place of the variables.

A handle of a variable becomes the variable's value, wherever it goes: through TF1's control flow,
into calls, branches and loops, whose functions are rewritten to take values. What read the variable
takes the value as it is; what would write it is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from anyhub.errors import SavedModelError
from anyhub.graph.effects import has_control_flow
from anyhub.graph.freeze_functions import Specializer
from anyhub.graph.freeze_nodes import READS, Held, Rewriter
from anyhub.graph.function_def import used_functions
from anyhub.graph.ir import ARGUMENT, Graph, Node, Ref
from anyhub.graph.node_values import constant
from anyhub.savedmodel.dtypes import dtype_of_array

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIABLES = ("VarHandleOp", "VariableV2", "Variable")


@dataclass(frozen=True)
class Frozen:
    """A graph without variables.

    Attributes:
        graph: The graph.
        library: The functions that it needs, FunctionDef messages by name.
    """

    graph: Graph
    library: Mapping[str, Any]


def freeze(
    graph: Graph, values: Mapping[str, Any], library: Mapping[str, Any] | None = None
) -> Frozen:
    """Replace variables by constants.

    Prune the graph first: what is in it counts, needed or not.

    Args:
        graph: The graph.
        values: Arrays by the name of the node that gives the variable: an argument for its handle
            (which is no argument any more afterwards), VarHandleOp or VariableV2.
        library: FunctionDef messages by name, of the functions that nodes refer to.

    Raises:
        SavedModelError: A variable is assigned, or its handle goes where it cannot be followed.
    """
    library = library or {}
    arrays = {name: np.asarray(value) for name, value in values.items()}
    nodes = dict(graph.nodes)
    held: dict[Ref, Held] = {}
    for name, array in arrays.items():
        node = nodes.get(name)
        if node is None or node.op not in (ARGUMENT, *_VARIABLES):
            raise SavedModelError(
                f"no variable {name!r} in graph {graph.name!r}: no such argument, VarHandleOp or "
                "VariableV2"
            )
        number = dtype_of_array(array).number
        held[Ref(name)] = Held(name, number, array.shape, "Variable" in node.op)
        nodes[name] = constant(name, array, node.controls)
    specializer = Specializer(library)
    rewriter = Rewriter(graph.with_nodes(nodes), held, specializer)
    rewritten = rewriter.rewrite()
    _check_outputs(graph, rewriter.held)
    inputs = tuple(name for name in graph.inputs if name not in arrays)
    frozen = _without_reads(graph, replace(rewritten, inputs=inputs))
    functions = used_functions(frozen, {**library, **specializer.functions})
    _check_functions(functions)
    return Frozen(frozen, functions)


def _check_outputs(graph: Graph, held: Mapping[Ref, Held]) -> None:
    for name, ref in zip(graph.output_names, graph.outputs, strict=True):
        if ref in held and not held[ref].is_reference:
            raise SavedModelError(
                f"output {name!r} of graph {graph.name!r} is variable {held[ref].variable!r} "
                "itself, not its value; it cannot be frozen"
            )


def _check_functions(functions: Mapping[str, Any]) -> None:
    for name, proto in functions.items():
        for node in proto.node_def:
            if node.op in _VARIABLES:
                raise SavedModelError(
                    f"function {name!r} makes the handle of a variable itself (node "
                    f"{node.name!r}); it cannot be followed and frozen"
                )


def _without_reads(before: Graph, graph: Graph) -> Graph:
    """Let what took the result of a read take the constant."""
    if has_control_flow(graph):
        # There a read may stand for a branch that is not taken.
        return graph
    direct: dict[Ref, Ref] = {}
    for node in graph.nodes.values():
        old = before.nodes.get(node.name)
        if old is None or old.op not in READS or node.op in READS:
            continue
        if graph.nodes[node.inputs[0].node].op == "Const":
            direct[Ref(node.name)] = node.inputs[0]
    nodes = {name: _redirected(node, direct) for name, node in graph.nodes.items()}
    return replace(graph, nodes=nodes, outputs=tuple(direct.get(r, r) for r in graph.outputs))


def _redirected(node: Node, direct: Mapping[Ref, Ref]) -> Node:
    if not any(ref in direct for ref in node.inputs):
        return node
    return replace(node, inputs=tuple(direct.get(ref, ref) for ref in node.inputs))
