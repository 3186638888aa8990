"""Which resource each tensor of a graph is a handle of.

A handle is an argument of the resource type, or what an op made for a variable, table, queue and
the like; some ops hand it on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from anyhub.graph.attributes import function_names
from anyhub.graph.effects import HANDLES
from anyhub.graph.ir import ARGUMENT, Graph, Node, Ref, topological_order
from anyhub.graph.op_defs import find_op

if TYPE_CHECKING:
    from collections.abc import Mapping

Origin: TypeAlias = tuple[str, str]
"""The op that made a resource, and its name; ("_Arg", name) for an argument."""

PASSING_ON = {
    "DeepCopy", "Enter", "Exit", "GuaranteeConst", "Identity", "NextIteration", "PreventGradient",
    "RefEnter", "RefExit", "RefIdentity", "RefNextIteration", "RefSwitch", "Snapshot",
    "StopGradient", "Switch",
}  # fmt: skip
"""Ops whose every output is their first input."""

_JOINING = ("Merge", "RefMerge", "RefSelect")
_UNKNOWN: frozenset[None] = frozenset({None})
_HANDLE_TYPES = frozenset({20, 21})  # DT_RESOURCE and DT_VARIANT
_FIRST_REFERENCE = 100


@dataclass(frozen=True)
class Handles:
    """The handles in a graph.

    Attributes:
        origins: The resources that a tensor may be a handle of; None among them if they cannot be
            told. Tensors that are no handles are left out.
        obscure: Nodes of which any output may be a handle of anything.
    """

    origins: Mapping[Ref, frozenset[Origin | None]]
    obscure: frozenset[str]

    def of(self, node: Node) -> frozenset[Origin | None]:
        """The resources that a node takes."""
        found: set[Origin | None] = set()
        for ref in node.inputs:
            found |= {None} if ref.node in self.obscure else self.origins.get(ref, frozenset())
        return frozenset(found)


def find_handles(graph: Graph) -> Handles:
    """Find the handles in a graph.

    Raises:
        SavedModelError: The graph has a cycle.
    """
    found: dict[Ref, frozenset[Origin | None]] = {}
    obscure: set[str] = set()
    for name in topological_order(graph):
        node = graph.nodes[name]
        inputs = [found.get(ref, frozenset()) for ref in node.inputs]
        if node.op in HANDLES or (node.op == ARGUMENT and is_handle_type(node.attr("T"))):
            found[Ref(name)] = frozenset({resource_key(node)})
        elif node.op in PASSING_ON:
            found[Ref(name)] = found[Ref(name, 1)] = frozenset().union(*inputs[:1])
        elif node.op == "IdentityN":
            found |= {Ref(name, i): origins for i, origins in enumerate(inputs)}
        elif node.op in _JOINING:
            found[Ref(name)] = frozenset().union(*inputs)
        elif (types := _result_types(node)) is not None:
            found |= {Ref(name, i): _UNKNOWN for i, t in enumerate(types) if t in _HANDLE_TYPES}
        if _may_give_any(node, obscure):
            obscure.add(name)
    return Handles({ref: origins for ref, origins in found.items() if origins}, frozenset(obscure))


def resource_key(node: Node) -> Origin:
    """What tells the resource of a node that makes a handle from others."""
    shared = node.attr("shared_name")
    return node.op, (shared.s.decode("utf-8", "replace") if shared is not None else "") or node.name


def is_handle_type(dtype: Any) -> bool:
    """Whether tensors of a type (an AttrValue) are handles; unknown types may be."""
    return dtype is None or dtype.type in _HANDLE_TYPES or dtype.type > _FIRST_REFERENCE


def _result_types(node: Node) -> list[int] | None:
    """The types of what functions give by way of a node that runs them."""
    attribute = "T" if node.op in ("While", "StatelessWhile") else "Tout"
    value = node.attr(attribute)
    is_known = value is not None and next(function_names(node), None) is not None
    return [*value.list.type] if is_known and value.WhichOneof("value") == "list" else None


def _may_give_any(node: Node, obscure: set[str]) -> bool:
    if node.op in PASSING_ON or node.op in _JOINING or node.op == "IdentityN":
        return any(ref.node in obscure for ref in node.inputs)
    if find_op(node.op) is None:
        return True
    return next(function_names(node), None) is not None and _result_types(node) is None
