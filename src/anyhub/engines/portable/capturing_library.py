"""The functions of a model where nodes with custom gradients have what the gradients capture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from anyhub.engines.portable.gradient_captures import CaptureFinder
from anyhub.savedmodel import schema

if TYPE_CHECKING:
    from anyhub.savedmodel.model import MetaGraph

_OP, _ATTRIBUTE = "IdentityN", "_gradient_op_type"


class CapturingLibrary(Mapping[str, Any]):
    """The library of a model whose nodes with custom gradients have the gradients' captures too.

    A node whose gradient captures what is not there stays as it is. Functions are looked at when
    they are asked for; those without such nodes are the model's own.

    Args:
        meta_graph: The model.
    """

    def __init__(self, meta_graph: MetaGraph) -> None:
        self._meta_graph = meta_graph
        self._functions = meta_graph.functions
        self._finder = CaptureFinder(meta_graph)
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        """The FunctionDef message of a function."""
        if name not in self._made:
            self._made[name] = self._make(self._functions[name])
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        """Names of the functions."""
        return iter(self._functions)

    def __len__(self) -> int:
        """How many functions there are."""
        return len(self._functions)

    def __contains__(self, name: object) -> bool:
        """Whether there is a function of that name."""
        return name in self._functions

    def _make(self, proto: Any) -> Any:
        if not any(_gradient_name(node, self._meta_graph) for node in proto.node_def):
            return proto
        return _with_captures(proto, self._meta_graph, self._finder)


def _gradient_name(node: Any, meta_graph: MetaGraph) -> str | None:
    if node.op != _OP or _ATTRIBUTE not in node.attr:
        return None
    return meta_graph.gradients.get(node.attr[_ATTRIBUTE].s.decode("utf-8", "replace"))


def _with_captures(proto: Any, meta_graph: MetaGraph, finder: CaptureFinder) -> Any:
    made = schema.FunctionDef()
    made.CopyFrom(proto)
    for node in [*made.node_def]:
        name = _gradient_name(node, meta_graph)
        concrete = None if name is None else meta_graph.concrete_functions.get(name)
        if concrete is None or not concrete.bound_inputs:
            continue
        found = finder.find(made, node.name, concrete)
        if found is None:
            continue
        made.node_def.extend(found.constants)
        controls = [text for text in node.input if text.startswith("^")]
        own = [text for text in node.input if not text.startswith("^")]
        node.input[:] = [*own, *found.inputs, *controls]
        node.attr["T"].list.type.extend(found.types)
        if "_output_shapes" in node.attr:
            for _ in found.types:
                node.attr["_output_shapes"].list.shape.add(unknown_rank=True)
    return made
