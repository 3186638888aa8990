"""Patterns that nodes of a graph are compared with.

A pattern is an op with a pattern for each input, a `Part` of what a pattern stands for, or a name:
it stands for any tensor, and the same name for the same one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyhub.engines.portable.parts import Part, constant, part_place
from anyhub.graph.attributes import attribute

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from anyhub.engines.portable.parts import Nodes
    from anyhub.graph.const_call import Array
    from anyhub.graph.ir import Node, Ref

    # What names stand for: tensors, and `SIZE` for an integer.
    Found = dict[str, Any]

SIZE = "size"
"""The name of the size of parts, all of one size, where the graph writes it down."""

# Either order of inputs gives the same.
_COMMUTATIVE = frozenset({"Add", "AddV2", "Mul"})
# What has to be unset, as patterns say nothing of it.
_FLAGS = {"MatMul": ("transpose_a", "transpose_b")}


def match(nodes: Nodes, pattern: Any, ref: Ref, found: Found) -> Found | None:
    """What the names of a pattern stand for if it stands for a tensor, else None.

    Args:
        nodes: The graph's nodes.
        pattern: The pattern.
        ref: The tensor.
        found: What is known of the names before.
    """
    if isinstance(pattern, str):
        return _with(found, pattern, ref)
    ref = _behind(nodes, ref)
    if isinstance(pattern, Part):
        return _match_part(nodes, pattern, ref, found)
    node = nodes.get(ref.node)
    wanted = pattern[1:]
    if node is None or ref.index or node.op not in ops_of(pattern) or not _is_plain(node):
        return None
    if len(node.inputs) != len(wanted):
        return None
    orders = [node.inputs]
    if node.op in _COMMUTATIVE:
        orders.append(node.inputs[::-1])
    for order in orders:
        result = _match_all(nodes, wanted, order, found)
        if result is not None:
            return result
    return None


def has_constants(
    nodes: Nodes, wanted: Mapping[str, Callable[[Array], bool]], found: Found
) -> bool:
    """Whether names stand for constants that are accepted."""
    for name, accepts in wanted.items():
        value = constant(nodes, found[name])
        if value is None or not accepts(value):
            return False
    return True


def _behind(nodes: Nodes, ref: Ref) -> Ref:
    """Where a tensor comes from that is only handed on."""
    while (node := nodes.get(ref.node)) is not None and node.op == "Identity":
        ref = node.inputs[0]
    return ref


def ops_of(pattern: Any) -> tuple[str, ...]:
    """The ops whose nodes a pattern may stand for."""
    op = pattern[0]
    return (op,) if isinstance(op, str) else op


def _with(found: Found, name: str, value: Any) -> Found | None:
    current = {name: value, **found}
    return current if current[name] == value else None


def _is_plain(node: Node) -> bool:
    return not any(attribute(node, name) for name in _FLAGS.get(node.op, ()))


def _match_all(nodes: Nodes, wanted: Any, inputs: Any, found: Found) -> Found | None:
    current: Found | None = found
    for pattern, ref in zip(wanted, inputs, strict=True):
        if current is not None:
            current = match(nodes, pattern, ref, current)
    return current


def _match_part(nodes: Nodes, part: Part, ref: Ref, found: Found) -> Found | None:
    place = part_place(nodes, part, ref)
    if place is None:
        return None
    whole, size = place
    current = found if size is None else _with(found, SIZE, size)
    return None if current is None else match(nodes, part.whole, whole, current)
