"""Graphs to functions: the inverse of `convert.read_function`.

Source: `tensorflow/core/framework/function.proto`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyhub.errors import SavedModelError
from anyhub.graph.attributes import function_names
from anyhub.graph.convert import node_def, output_arguments
from anyhub.graph.ir import ARGUMENT, Graph, Ref, output_count
from anyhub.savedmodel import schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def function_def(graph: Graph, output_types: Iterable[int], library: Mapping[str, Any]) -> Any:
    """Make a FunctionDef of a graph, named as the graph is.

    Args:
        graph: The graph.
        output_types: Numbers of the element types of its outputs.
        library: All functions by name: a node's op may be one of them.

    Raises:
        SavedModelError: An output of an op is taken that the op does not have.
    """
    names = _Names(graph, library)
    proto = schema.FunctionDef()
    proto.signature.name = graph.name
    for position, name in enumerate(graph.inputs):
        node = graph.nodes[name]
        proto.signature.input_arg.add(name=name, type=node.attrs["T"].type)
        for key in node.attrs:
            if key not in ("T", "index", "shape"):
                proto.arg_attr[position].attr[key].CopyFrom(node.attrs[key])
    for name, ref, dtype in zip(graph.output_names, graph.outputs, output_types, strict=True):
        proto.signature.output_arg.add(name=name, type=dtype)
        proto.ret[name] = names.text(ref)
    for name in graph.controls:
        proto.signature.control_output.append(name)
        proto.control_ret[name] = name
    for node in graph.nodes.values():
        if node.op != ARGUMENT:
            made = node_def(node, graph.nodes)
            made.input[: len(node.inputs)] = [names.text(ref) for ref in node.inputs]
            proto.node_def.append(made)
    return proto


def used_functions(graph: Graph, library: Mapping[str, Any]) -> dict[str, Any]:
    """The functions that a graph's nodes name or call, and those that these do, and so on.

    Args:
        graph: The graph.
        library: FunctionDef messages by name; names that it lacks are passed over.
    """
    found: dict[str, Any] = {}
    stack = [name for node in graph.nodes.values() for _, name in function_names(node)]
    stack += [node.op for node in graph.nodes.values()]
    while stack:
        name = stack.pop()
        if name in found or name not in library:
            continue
        found[name] = library[name]
        for node in library[name].node_def:
            stack.append(node.op)
            stack += _function_values(node.attr)
    return {name: found[name] for name in library if name in found}


def _function_values(attrs: Mapping[str, Any]) -> Iterable[str]:
    for value in attrs.values():
        kind = value.WhichOneof("value")
        for function in [value.func] if kind == "func" else value.list.func:
            yield function.name
            yield from _function_values(function.attr)


class _Names:
    """How function bodies name tensors: "argument" or "node:output:index"."""

    def __init__(self, graph: Graph, library: Mapping[str, Any]) -> None:
        self._graph = graph
        self._library = library
        self._texts: dict[str, list[str]] = {}

    def text(self, ref: Ref) -> str:
        node = self._graph.nodes[ref.node]
        if node.op == ARGUMENT:
            return node.name
        if ref.node not in self._texts:
            counts = output_count(node, output_arguments(node.op, self._library))
            self._texts[ref.node] = [
                f"{node.name}:{output}:{i}" for output, count in counts for i in range(count)
            ]
        texts = self._texts[ref.node]
        if ref.index >= len(texts):
            raise SavedModelError(
                f"function {self._graph.name!r} takes {str(ref)!r}, but op {node.op!r} has "
                f"{len(texts)} outputs"
            )
        return texts[ref.index]
