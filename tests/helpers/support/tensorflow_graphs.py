"""Between TensorFlow and the graphs of this package, for tests with TensorFlow as the judge."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from anyhub.graph.convert import graph_def, read_function
from anyhub.graph.function_def import used_functions
from anyhub.savedmodel import schema

if TYPE_CHECKING:
    from anyhub.graph.ir import Graph

_NUMBERS = itertools.count()


def read_concrete(concrete: Any) -> tuple[Graph, dict[str, Any], list[Any]]:
    """A concrete function's graph, the library, and what it captures."""
    own = schema.FunctionDef.FromString(concrete.function_def.SerializeToString())
    messages = concrete.graph.as_graph_def().library.function
    library = {
        m.signature.name: schema.FunctionDef.FromString(m.SerializeToString()) for m in messages
    }
    library[own.signature.name] = own
    return read_function(own, library), library, list(concrete.captured_inputs)


def to_tensorflow(graph: Graph, library: dict[str, Any]) -> Any:
    """A GraphDef with the functions that it needs."""
    proto = graph_def(graph, list(used_functions(graph, library).values()))
    return tf.compat.v1.GraphDef.FromString(proto.SerializeToString())


def rename_functions(proto: Any, suffix: str) -> None:
    """Give the functions of a GraphDef other names, as TensorFlow may know some of these."""
    names = {function.signature.name for function in proto.library.function}
    bodies = [function.node_def for function in proto.library.function]
    for function in proto.library.function:
        function.signature.name += suffix
    for node in (node for nodes in (proto.node, *bodies) for node in nodes):
        node.op += suffix if node.op in names else ""
        for value in node.attr.values():
            is_one = value.WhichOneof("value") == "func"
            for target in [value.func] if is_one else value.list.func:
                target.name += suffix if target.name in names else ""


def as_function(graph: Graph, library: dict[str, Any], captures: list[Any]) -> Any:
    """Something to call with the graph's first inputs; it runs in TensorFlow.

    Args:
        graph: The graph.
        library: FunctionDef messages.
        captures: Tensors for its last inputs.
    """
    proto = to_tensorflow(graph, library)
    rename_functions(proto, f"_of_test_{next(_NUMBERS)}")
    count = len(graph.inputs) - len(captures)
    specs = [_spec(graph, name) for name in graph.inputs[:count]]

    def run(*arguments: Any) -> list[Any]:
        captured = [tf.compat.v1.get_default_graph().capture(tensor) for tensor in captures]
        fed = dict(zip(graph.inputs, [*arguments, *captured], strict=True))
        wanted = [*map(str, graph.outputs), *graph.controls]
        found = tf.graph_util.import_graph_def(
            proto, {f"{name}:0": value for name, value in fed.items()}, wanted, name="imported"
        )
        outputs, effects = found[: len(graph.outputs)], found[len(graph.outputs) :]
        with tf.control_dependencies(effects):
            return [tf.identity(output) for output in outputs] or [tf.constant(0)]

    return tf.compat.v1.wrap_function(run, specs)


def _spec(graph: Graph, name: str) -> Any:
    dtype = tf.as_dtype(graph.nodes[name].attrs["T"].type)
    return tf.TensorSpec(None, dtype)
