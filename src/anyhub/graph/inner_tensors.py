"""Finds tensors inside functions: their types, shapes, and what function bodies call them."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from anyhub.errors import SavedModelError
from anyhub.graph.convert import output_arguments
from anyhub.graph.ir import Node, output_count
from anyhub.savedmodel.dtypes import DType, dtype_by_number
from anyhub.savedmodel.shapes import Shape, read_shape
from anyhub.savedmodel.structured import TensorSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anyhub.graph.op_defs import Argument
    from anyhub.savedmodel.model import MetaGraph


def inner_tensors(
    graph: MetaGraph, function: str, tensors: Mapping[str, str]
) -> dict[str, TensorSpec]:
    """Describe tensors inside a function.

    Args:
        graph: The variant.
        function: Name of the function in the library.
        tensors: "node" or "node:index" for each name.

    Raises:
        SavedModelError: There is no such node or output, or its type cannot be told.
    """
    return {name: _describe(graph, function, name, text) for name, text in sorted(tensors.items())}


def give_inner_tensors(
    target: Any, function: str, tensors: Mapping[str, str], specs: Mapping[str, TensorSpec]
) -> None:
    """Let a function give tensors inside it instead of its results.

    Args:
        target: The MetaGraphDef message to change.
        function: Name of the function.
        tensors: "node" or "node:index" for each name.
        specs: What `inner_tensors` said of them.
    """
    library = {f.signature.name: f for f in target.graph_def.library.function}
    proto = library[function]
    del proto.signature.output_arg[:]
    proto.ret.clear()
    for index, (name, spec) in enumerate(sorted(specs.items())):
        # Not the caller's name, which need not be one that a function may use.
        output = f"output_{index}"
        proto.signature.output_arg.add(name=output, type=spec.dtype.number)
        node, argument, offset = _find(proto, library, tensors[name])
        proto.ret[output] = f"{node.name}:{argument.name}:{offset}"


def _describe(graph: MetaGraph, function: str, name: str, text: str) -> TensorSpec:
    proto = graph.functions[function]
    node, argument, offset = _find(proto, graph.functions, text)
    dtype = _dtype(proto, node, argument, offset)
    if dtype.name in ("resource", "variant"):
        raise SavedModelError(
            f"tensor {text!r} of function {function!r} is a {dtype.name}, which a signature cannot "
            "give"
        )
    return TensorSpec(_shape(node, _index(text)), dtype, name)


def _index(text: str) -> int:
    _, colon, index = text.rpartition(":")
    return int(index) if colon and _is_number(index) else 0


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _find(proto: Any, library: Mapping[str, Any], text: str) -> tuple[Any, Argument, int]:
    """The node, its output argument, and the place among that argument's tensors."""
    head, colon, index = text.rpartition(":")
    name = head if colon and _is_number(index) else text
    nodes = {node.name: node for node in proto.node_def}
    if name not in nodes:
        near = difflib.get_close_matches(name, nodes, n=3)
        hint = f"; did you mean {', '.join(map(repr, near))}?" if near else ""
        raise SavedModelError(
            f"function {proto.signature.name!r} has no node {name!r}; expected the name of one of "
            f"its {len(nodes)} nodes, or 'node:index'{hint}"
        )
    node = nodes[name]
    arguments = output_arguments(node.op, library)
    rest = _index(text)
    counts = output_count(Node(node.name, node.op, attrs=node.attr), arguments)
    for argument, (_, count) in zip(arguments, counts, strict=True):
        if rest < count:
            return node, argument, rest
        rest -= count
    raise SavedModelError(
        f"node {name!r} of function {proto.signature.name!r} is a {node.op!r}, which has no output "
        f"{_index(text)}"
    )


def _dtype(proto: Any, node: Any, argument: Argument, offset: int) -> DType:
    if argument.type_number:
        return dtype_by_number(argument.type_number)
    if argument.type_list_attr and argument.type_list_attr in node.attr:
        return dtype_by_number(node.attr[argument.type_list_attr].list.type[offset])
    if argument.type_attr and argument.type_attr in node.attr:
        return dtype_by_number(node.attr[argument.type_attr].type)
    raise SavedModelError(
        f"the type of node {node.name!r} ({node.op}) of function {proto.signature.name!r} cannot "
        "be told from the file"
    )


def _shape(node: Any, index: int) -> Shape:
    shapes = node.attr["_output_shapes"].list.shape if "_output_shapes" in node.attr else ()
    return read_shape(shapes[index]) if index < len(shapes) else None
