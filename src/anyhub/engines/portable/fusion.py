"""Groups of nodes that are one function, such as a layer normalization, computed as one.

An export writes such a function as a dozen ops. A compiler joins them again; where ops are run one
by one, a function of the framework does it in a third of the time. Only the node that gives the
result is replaced: the others go when nobody else needs them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from anyhub.engines.portable.fusion_patterns import FUSIONS
from anyhub.engines.portable.matching import has_constants, match, ops_of
from anyhub.engines.portable.swish import find_swishes
from anyhub.graph.ir import Ref
from anyhub.graph.prune import prune

if TYPE_CHECKING:
    from anyhub.engines.portable.gradients import CustomGradients
    from anyhub.engines.portable.parts import Nodes
    from anyhub.graph.ir import Graph, Node


def fuse(graph: Graph, gradients: CustomGradients | None = None) -> Graph:
    """Replace groups by the ops of `fusion_patterns` and `swish`.

    Args:
        graph: The graph.
        gradients: The custom gradients of its model, None for none.
    """
    roots = {op for fusion in FUSIONS for op in ops_of(fusion.pattern)}
    replaced = {
        name: fused
        for name, node in graph.nodes.items()
        if node.op in roots and (fused := _fused(graph.nodes, node)) is not None
    }
    if gradients is not None:
        replaced |= find_swishes(graph, gradients)
    if not replaced:
        return graph
    return prune(replace(graph, nodes={**graph.nodes, **replaced}))


def _fused(nodes: Nodes, node: Node) -> Node | None:
    for fusion in FUSIONS:
        found = match(nodes, fusion.pattern, Ref(node.name), {})
        if found is not None and has_constants(nodes, fusion.constants, found):
            attrs = {"T": node.attrs["T"]}
            inputs = tuple(found[name] for name in fusion.inputs)
            return replace(node, op=fusion.op, inputs=inputs, attrs=attrs)
    return None
