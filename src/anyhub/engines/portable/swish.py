"""Finds `tf.nn.swish`, also called SiLU: x sigmoid(x) with a custom gradient.

Source: `swish_impl` in TensorFlow 2.21, `tensorflow/python/ops/nn_impl.py`; that of versions
before 2.7 has no beta.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from anyhub.engines.portable.fusion_patterns import near
from anyhub.engines.portable.matching import has_constants, match
from anyhub.graph.ir import Ref, attr_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from anyhub.engines.portable.gradients import CustomGradient, CustomGradients
    from anyhub.graph.ir import Graph, Node

_ADD = ("AddV2", "Add")
_ATTRIBUTE = "_gradient_op_type"


def _derivative(scaled: Any) -> Any:
    sigmoid = ("Sigmoid", scaled)
    falling = ("Mul", scaled, ("Sub", "one_here", sigmoid))
    return ("Mul", "upstream", ("Mul", sigmoid, (_ADD, "one_there", falling)))


# The function and its derivative, with and without beta.
_FORMS = tuple(
    (("Mul", "x", ("Sigmoid", scaled)), _derivative(scaled))
    for scaled in (("Mul", "beta", "x"), "x")
)
_ONES = {"one_here": near(1.0), "one_there": near(1.0)}


def find_swishes(graph: Graph, gradients: CustomGradients) -> Mapping[str, Node]:
    """Nodes that give what `_Swish` does, derivatives too, by the name of the node they replace."""
    more = {ref.node for ref in _refs(graph) if ref.index}
    return {
        name: replace(node, op="_Swish", inputs=(x,), attrs={"T": _type_of(node)})
        for name, node in graph.nodes.items()
        if node.op == "IdentityN" and _ATTRIBUTE in node.attrs and name not in more
        if (x := _argument(graph.nodes, node, gradients)) is not None
    }


def _type_of(node: Node) -> Any:
    return attr_value(type=node.attrs["T"].list.type[0])


def _refs(graph: Graph) -> Iterator[Ref]:
    """All outputs of nodes that are taken."""
    yield from graph.outputs
    for node in graph.nodes.values():
        yield from node.inputs


def _argument(nodes: Mapping[str, Node], node: Node, gradients: CustomGradients) -> Ref | None:
    """What a node is the swish of, None if it is something else."""
    gradient = gradients.find(node.attrs[_ATTRIBUTE].s.decode("utf-8", "replace"))
    if gradient is None or gradient.places[:2] != (None, (0, 1)):
        return None
    for form, derivative in _FORMS:
        found = match(nodes, form, node.inputs[0], {})
        if found is None or node.inputs[1] != found["x"]:
            continue
        constants = {"beta": near(1.0)} if "beta" in found else {}
        if has_constants(nodes, constants, found) and _is_derivative(
            gradients, gradient, derivative, _captured(node, gradient, found)
        ):
            argument: Ref = found["x"]
            return argument
    return None


def _captured(node: Node, gradient: CustomGradient, found: Mapping[str, Ref]) -> list[str | None]:
    """What the gradient captures, as the names of the pattern."""
    names = {ref: name for name, ref in found.items()}
    return [names.get(ref) for ref in node.inputs[gradient.count :]]


def _is_derivative(
    gradients: CustomGradients, gradient: CustomGradient, pattern: Any, captured: list[str | None]
) -> bool:
    """Whether a gradient computes what a pattern describes from what it captures."""
    graph = gradients.graph(gradient, (0,))
    names = ["upstream", *[None] * (gradient.count - 1), *captured]
    if len(names) != len(graph.inputs):
        return False
    given = {name: Ref(text) for name, text in zip(names, graph.inputs, strict=True) if name}
    found = match(graph.nodes, pattern, graph.outputs[0], given)
    return found is not None and has_constants(graph.nodes, _ONES, found)
