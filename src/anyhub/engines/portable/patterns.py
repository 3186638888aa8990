"""Finds what a group of nodes looks like in a graph.

A pattern is an op, or several that may stand there, with a pattern for each input; a name stands
for any tensor, and the same name for the same one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyhub.savedmodel.tensors import read_tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from anyhub.graph.const_call import Array
    from anyhub.graph.ir import Node, Ref

# Either order of inputs gives the same.
_COMMUTATIVE = frozenset({"Add", "AddV2", "Mul"})
Found = dict[str, "Ref"]


def source(nodes: Mapping[str, Node], ref: Ref) -> Node:
    """The node that computes a tensor, behind those that hand it on."""
    node = nodes[ref.node]
    while node.op == "Identity":
        node = nodes[node.inputs[0].node]
    return node


def match(nodes: Mapping[str, Node], pattern: Any, node: Node, found: Found) -> Found | None:
    """What a pattern's names stand for if a node gives what it describes, else None.

    Args:
        nodes: The graph's nodes.
        pattern: See `fusion_patterns`.
        node: The node.
        found: What names stand for already.
    """
    wanted = pattern[1:]
    if node.op not in ops_of(pattern) or len(node.inputs) != len(wanted):
        return None
    orders = [node.inputs]
    if node.op in _COMMUTATIVE:
        orders.append(node.inputs[::-1])
    for order in orders:
        result = _match_inputs(nodes, wanted, order, found)
        if result is not None:
            return result
    return None


def ops_of(pattern: Any) -> tuple[str, ...]:
    """The ops that a node may have which a pattern describes."""
    op = pattern[0]
    return (op,) if isinstance(op, str) else op


def _match_inputs(
    nodes: Mapping[str, Node], wanted: Any, inputs: Any, found: Found
) -> Found | None:
    current = dict(found)
    for pattern, ref in zip(wanted, inputs, strict=True):
        if isinstance(pattern, str):
            if current.setdefault(pattern, ref) != ref:
                return None
            continue
        inner = match(nodes, pattern, source(nodes, ref), current)
        if inner is None:
            return None
        current = inner
    return current


def has_constants(
    nodes: Mapping[str, Node], constants: Mapping[str, Callable[[Array], bool]], found: Found
) -> bool:
    """Whether names stand for constants that are accepted."""
    for name, accepts in constants.items():
        node = nodes[found[name].node]
        if node.op != "Const" or not accepts(read_tensor(node.attrs["value"].tensor)):
            return False
    return True
