"""Groups of nodes that are one function, such as a layer normalization, computed as one.

An export writes such a function as a dozen ops. A compiler joins them again; where ops are run one
by one, a function of the framework does it in a third of the time. Only the node that gives the
result is replaced: the others go when nobody else needs them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from anyhub.engines.portable.fusion_patterns import FUSIONS, Fusion
from anyhub.graph.prune import prune
from anyhub.savedmodel.tensors import read_tensor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anyhub.graph.ir import Graph, Node, Ref

# Either order of inputs gives the same.
_COMMUTATIVE = frozenset({"Add", "AddV2", "Mul"})
Found = dict[str, "Ref"]


def fuse(graph: Graph) -> Graph:
    """Replace groups by the ops of `fusion_patterns`."""
    roots = {op for fusion in FUSIONS for op in _ops(fusion.pattern)}
    replaced = {
        name: fused
        for name, node in graph.nodes.items()
        if node.op in roots and (fused := _fused(graph.nodes, node)) is not None
    }
    if not replaced:
        return graph
    return prune(replace(graph, nodes={**graph.nodes, **replaced}))


def _fused(nodes: Mapping[str, Node], node: Node) -> Node | None:
    for fusion in FUSIONS:
        found = _match(nodes, fusion.pattern, node, {})
        if found is not None and _has_constants(nodes, fusion, found):
            attrs = {"T": node.attrs["T"]}
            inputs = tuple(found[name] for name in fusion.inputs)
            return replace(node, op=fusion.op, inputs=inputs, attrs=attrs)
    return None


def _match(nodes: Mapping[str, Node], pattern: Any, node: Node, found: Found) -> Found | None:
    wanted = pattern[1:]
    if node.op not in _ops(pattern) or len(node.inputs) != len(wanted):
        return None
    orders = [node.inputs]
    if node.op in _COMMUTATIVE:
        orders.append(node.inputs[::-1])
    for order in orders:
        result = _match_inputs(nodes, wanted, order, found)
        if result is not None:
            return result
    return None


def _ops(pattern: Any) -> tuple[str, ...]:
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
        node = nodes.get(ref.node)
        inner = None if node is None else _match(nodes, pattern, node, current)
        if inner is None:
            return None
        current = inner
    return current


def _has_constants(nodes: Mapping[str, Node], fusion: Fusion, found: Found) -> bool:
    for name, accepts in fusion.constants.items():
        node = nodes[found[name].node]
        if node.op != "Const" or not accepts(read_tensor(node.attrs["value"].tensor)):
            return False
    return True
