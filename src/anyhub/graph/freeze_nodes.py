"""Rewrites the nodes of a graph that take handles of variables to take their values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from anyhub.errors import SavedModelError
from anyhub.graph.effects import REFERENCE_WRITERS, has_control_flow, has_effect
from anyhub.graph.handles import PASSING_ON
from anyhub.graph.ir import Graph, Node, Ref, attr_value, topological_order
from anyhub.graph.node_values import constant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

READS = frozenset({"ReadVariableOp"})
_MERGES = ("Merge", "RefMerge")
_ASK_WHETHER_INITIALIZED = ("VarIsInitializedOp", "IsVariableInitialized")


@dataclass(frozen=True)
class Held:
    """A tensor that was a handle and now is the value.

    Attributes:
        variable: The variable's name, for messages.
        dtype: Number of the element type.
        shape: The value's shape.
        is_reference: Whether it is of TF1's reference type, which is a value anyway.
    """

    variable: str
    dtype: int
    shape: tuple[int, ...]
    is_reference: bool = False


class FunctionRewriter(Protocol):
    """Rewrites nodes that hand handles to functions."""

    def rewrite(self, node: Node, held: Sequence[Held | None]) -> tuple[Node, dict[int, Held]]:
        """Rewrite a node; also tells which outputs were handles."""

    def knows(self, node: Node) -> bool:
        """Whether it is a node of that kind."""


class Rewriter:
    """Rewrites a graph.

    Attributes:
        held: The tensors that were handles; grows while rewriting.
    """

    def __init__(self, graph: Graph, held: Mapping[Ref, Held], functions: FunctionRewriter) -> None:
        self._graph = graph
        self._functions = functions
        self._conditional = has_control_flow(graph)
        self._added: dict[str, Node] = {}
        self.held = dict(held)

    def rewrite(self) -> Graph:
        """Rewrite it.

        Raises:
            SavedModelError: A variable is assigned, or its handle goes where it cannot be followed.
        """
        nodes = dict(self._graph.nodes)
        for name in topological_order(self._graph):
            node = nodes[name]
            held = [self.held.get(ref) for ref in node.inputs]
            if any(held):
                nodes[name] = self._rewritten(node, held)
        return self._graph.with_nodes(nodes | self._added)

    def _rewritten(self, node: Node, held: Sequence[Held | None]) -> Node:
        first = next(item for item in held if item is not None)
        if first.is_reference:
            return self._of_reference(node, first)
        if node.op in PASSING_ON or node.op in _MERGES:
            self.held |= {Ref(node.name): first}
            if node.op == "Switch":
                self.held[Ref(node.name, 1)] = first
            return _with_type(node, first)
        if node.op == "IdentityN":
            types = [*_types(node, "T"), *[0] * len(held)]
            types = [item.dtype if item else types[i] for i, item in enumerate(held)]
            self.held |= {Ref(node.name, i): item for i, item in enumerate(held) if item}
            return with_attrs(node, T=attr_value(list={"type": types}))
        if node.op in _READERS and held[0] is not None:
            return _READERS[node.op](self, node, held[0])
        if self._functions.knows(node):
            made, outputs = self._functions.rewrite(node, held)
            self.held |= {Ref(node.name, index): item for index, item in outputs.items()}
            return made
        raise self._refusal(node, first)

    def _of_reference(self, node: Node, held: Held) -> Node:
        if node.op in REFERENCE_WRITERS:
            raise self._refusal(node, held)
        if node.op in _ASK_WHETHER_INITIALIZED:
            return self._true(node, held)
        if node.op == "RefSelect":
            raise self._refusal(node, held)
        if not node.op.startswith("Ref"):
            # It takes the value of a reference, which a constant gives as well.
            return node
        self.held |= {Ref(node.name): held}
        if node.op == "RefSwitch":
            self.held[Ref(node.name, 1)] = held
        return replace(node, op=node.op.removeprefix("Ref"))

    def _read(self, node: Node, held: Held) -> Node:
        dtype = node.attr("dtype")
        if dtype is not None and dtype.type != held.dtype:
            raise SavedModelError(
                f"node {node.name!r} reads variable {held.variable!r} as type {dtype.type}, but "
                f"its value is of type {held.dtype}"
            )
        return replace(node, op="Identity", attrs={"T": attr_value(type=held.dtype)})

    def _gather(self, node: Node, held: Held) -> Node:
        if len(node.inputs) != 2:
            raise SavedModelError(f"node {node.name!r} has {len(node.inputs)} inputs, expected 2")
        batch = node.attr("batch_dims") or attr_value(i=0)
        axis = self._free_name(f"{node.name}/axis")
        # In a branch or loop of TF1 a constant has to wait for something that is in there.
        controls = (node.inputs[1].node,) if self._conditional else ()
        self._added[axis] = constant(axis, np.int32(batch.i), controls)
        attrs = {
            "Tparams": attr_value(type=held.dtype),
            "Tindices": _required(node, "Tindices"),
            "Taxis": attr_value(type=3),
            "batch_dims": batch,
        }
        return replace(node, op="GatherV2", inputs=(*node.inputs, Ref(axis)), attrs=attrs)

    def _gather_nd(self, node: Node, held: Held) -> Node:
        attrs = {"Tparams": attr_value(type=held.dtype), "Tindices": _required(node, "Tindices")}
        return replace(node, op="GatherNd", attrs=attrs)

    def _shape(self, node: Node, held: Held) -> Node:
        out_type = node.attr("out_type") or attr_value(type=3)
        attrs = {"T": attr_value(type=held.dtype), "out_type": out_type}
        return replace(node, op="Shape", attrs=attrs)

    def _true(self, node: Node, _held: Held) -> Node:
        controls = node.needs() if self._conditional else node.controls
        return constant(node.name, np.True_, controls)

    def _nothing(self, node: Node, _held: Held) -> Node:
        return Node(node.name, "NoOp", controls=node.needs())

    def _free_name(self, name: str) -> str:
        while name in self._graph.nodes or name in self._added:
            name += "_"
        return name

    def _refusal(self, node: Node, held: Held) -> SavedModelError:
        where = f"node {node.name!r} (op {node.op!r}) of {self._graph.name!r}"
        problem = f"variable {held.variable!r} cannot be frozen: "
        if has_effect(node) or node.op in REFERENCE_WRITERS:
            return SavedModelError(f"{problem}{where} changes it")
        return SavedModelError(f"{problem}its handle goes into {where} and cannot be followed")


_READERS: Mapping[str, Callable[[Rewriter, Node, Held], Node]] = {
    "DisableCopyOnRead": Rewriter._nothing,
    "ReadVariableOp": Rewriter._read,
    "ResourceGather": Rewriter._gather,
    "ResourceGatherNd": Rewriter._gather_nd,
    "VarIsInitializedOp": Rewriter._true,
    "VariableShape": Rewriter._shape,
}


def _with_type(node: Node, held: Held) -> Node:
    return with_attrs(node, T=attr_value(type=held.dtype))


def _required(node: Node, name: str) -> Any:
    value = node.attr(name)
    if value is None:
        raise SavedModelError(f"node {node.name!r} (op {node.op!r}) has no attribute {name!r}")
    return value


def _types(node: Node, name: str) -> list[int]:
    value = node.attr(name)
    return [] if value is None else [*value.list.type]


def with_attrs(node: Node, **attrs: Any) -> Node:
    """The same node with other attributes, without what it said of shapes."""
    kept = {key: value for key, value in node.attrs.items() if key != "_output_shapes"}
    return replace(node, attrs=kept | attrs)
