"""Which functions of a metagraph can ever be called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# Attributes of functions that name what differentiates them.
_PARTNERS = ("forward_function_name", "backward_function_name")
# Attributes that name a function or gradient in text instead of as a function.
_GRADIENT_ATTRIBUTE = "_gradient_op_type"


def reachable_functions(graph: Any) -> set[str]:
    """Names of the functions that the main graph, the objects or gradients can reach.

    Args:
        graph: A MetaGraphDef message.
    """
    library = graph.graph_def.library
    functions = {function.signature.name: function for function in library.function}
    gradients = {g.registered_op_type: g.gradient_func for g in library.registered_gradients}
    symbolic = {g.function_name: g.gradient_func for g in library.gradient}
    alike = _implementations(library)
    pending = [*_named_by_nodes(graph.graph_def.node, gradients), *_named_by_objects(graph)]
    found: set[str] = set()
    while pending:
        name = pending.pop()
        if name in found or name not in functions:
            continue
        found.add(name)
        function = functions[name]
        pending += _named_by_nodes(function.node_def, gradients)
        pending += _named_by_attributes(function.attr, gradients)
        pending += [symbolic[name]] if name in symbolic else []
        pending += _named_by_function(function, alike)
    return found


def _implementations(library: Any) -> Mapping[bytes, list[str]]:
    """Functions that do the same, of which TensorFlow takes the best for a device at run time."""
    found: dict[bytes, list[str]] = {}
    for function in library.function:
        if "api_implements" in function.attr:
            key = function.attr["api_implements"].s
            found.setdefault(key, []).append(function.signature.name)
    return found


def _named_by_function(function: Any, alike: Mapping[bytes, list[str]]) -> Iterator[str]:
    if "api_implements" in function.attr:
        yield from alike[function.attr["api_implements"].s]
    for key in _PARTNERS:
        # Asking a map of messages for a key would add it.
        if key in function.attr:
            yield function.attr[key].s.decode("utf-8", "replace")


def _named_by_objects(graph: Any) -> Iterator[str]:
    for node in graph.object_graph_def.nodes:
        kind = node.WhichOneof("kind")
        if kind == "function":
            yield from node.function.concrete_functions
        elif kind == "bare_concrete_function":
            yield node.bare_concrete_function.concrete_function_name
        elif kind == "captured_tensor":
            yield node.captured_tensor.concrete_function


def _named_by_nodes(nodes: Iterable[Any], gradients: Mapping[str, str]) -> Iterator[str]:
    for node in nodes:
        # An op may itself be a function (calls of TensorFlow 1).
        yield node.op
        yield from _named_by_attributes(node.attr, gradients)


def _named_by_attributes(attributes: Any, gradients: Mapping[str, str]) -> Iterator[str]:
    for name, value in attributes.items():
        kind = value.WhichOneof("value")
        if kind == "func":
            yield value.func.name
            yield from _named_by_attributes(value.func.attr, gradients)
        elif kind == "list":
            for function in value.list.func:
                yield function.name
                yield from _named_by_attributes(function.attr, gradients)
        elif kind == "s" and name == _GRADIENT_ATTRIBUTE:
            yield gradients.get(value.s.decode("utf-8", "replace"), "")
