"""From a model to a graph that can be run or frozen: an endpoint."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from anyhub.errors import SavedModelError
from anyhub.graph.captures import (
    VARIABLE,
    Capture,
    node_captures,
    object_captures,
    unused_left_out,
    with_constants,
)
from anyhub.graph.convert import parse_tensor_name, read_function, read_graph
from anyhub.graph.freeze import Frozen, freeze
from anyhub.graph.function_def import used_functions
from anyhub.graph.inline import inline
from anyhub.graph.partitions import read_value
from anyhub.graph.prune import prune
from anyhub.savedmodel.structured import TensorSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from anyhub.graph.ir import Graph
    from anyhub.savedmodel.functions import ConcreteFunction
    from anyhub.savedmodel.model import MetaGraph, SavedModel
    from anyhub.savedmodel.signatures import Signature

_FUNCTIONS = ("function", "bare_concrete_function")


@dataclass(frozen=True)
class Endpoint:
    """A graph of a model that somebody can call.

    Attributes:
        name: The signature, or the function's path.
        graph: What it computes; calls are inlined, the rest is pruned.
        arguments: Inputs of the graph that the caller gives, in order.
        captures: What it takes from the model. Those of objects' functions are the inputs of the
            graph after the arguments, those of main graphs are nodes.
        library: The functions that nodes of the graph still refer to, FunctionDef messages.
        input_names: For signatures the arguments by the name that callers use: one, or the
            components of a sparse or composite tensor. Empty for other functions.
    """

    name: str
    graph: Graph
    arguments: tuple[str, ...]
    captures: tuple[Capture, ...]
    library: Mapping[str, Any]
    input_names: Mapping[str, tuple[str, ...]]


def endpoint_graph(
    model: SavedModel,
    name: str,
    *,
    tags: Iterable[str] | str | None = None,
    trace: int = 0,
    keep: Callable[[str], bool] = lambda _name: False,
    keep_effects: bool = True,
    library: Mapping[str, Any] | None = None,
) -> Endpoint:
    """Read an endpoint of a model.

    Args:
        model: The model.
        name: A signature; or the path of a function, e.g. "__call__"; or the name of a concrete
            function. The first that fits is taken.
        tags: Which graph variant; None for the only one.
        trace: Which of a function's concrete functions.
        keep: Says of a function that calls of it are to be kept, see `inline`.
        keep_effects: Whether what changes no output is kept, see `prune`.
        library: Functions to take instead of the model's, FunctionDef messages by name.

    Raises:
        SavedModelError: There is no such endpoint, or it is damaged.
    """
    meta_graph = model.graph(tags)
    library = meta_graph.functions if library is None else library
    function = find_function(meta_graph, name, trace)
    if function is not None:
        endpoint = _of_function(model, tags, name, function, library)
    elif name in meta_graph.signatures:
        endpoint = _of_signature(meta_graph, name)
    else:
        raise SavedModelError(_unknown(meta_graph, name))
    graph = prune(inline(endpoint.graph, library, keep=keep), keep_effects)
    if function is not None:
        graph, captures = unused_left_out(graph, endpoint.captures)
    else:
        captures = node_captures(graph, meta_graph, model.variables(tags))
    used = used_functions(graph, library)
    return replace(endpoint, graph=graph, captures=captures, library=used)


def find_function(meta_graph: MetaGraph, name: str, trace: int = 0) -> ConcreteFunction | None:
    """Find the concrete function of a signature or path, or of that name; None if there is none.

    Raises:
        SavedModelError: The function has no such trace.
    """
    objects = meta_graph.objects
    paths = [f"signatures.{name}", name] if name in meta_graph.signatures else [name]
    for path in paths:
        node = objects.find(path)
        if node is None or node.kind not in _FUNCTIONS:
            continue
        details = node.details
        bare = node.kind == "bare_concrete_function"
        names = [details.concrete_function_name] if bare else [*details.concrete_functions]
        if not -len(names) <= trace < len(names):
            raise SavedModelError(f"function {name!r} has {len(names)} traces, no number {trace}")
        return meta_graph.concrete_functions.get(names[trace])
    return meta_graph.concrete_functions.get(name)


def variable_values(model: SavedModel, endpoint: Endpoint) -> dict[str, Any]:
    """Read the values of the variables that an endpoint captures, by node name.

    Raises:
        SavedModelError: A variable has no value in the model.
    """
    values = {}
    for capture in endpoint.captures:
        if capture.kind == VARIABLE:
            if capture.variable is None or capture.variable.key is None:
                raise SavedModelError(
                    f"endpoint {endpoint.name!r} takes a variable without a value: "
                    f"{capture.path or capture.name!r}"
                )
            values[capture.name] = read_value(model, capture.variable)
    return values


def freeze_endpoint(model: SavedModel, endpoint: Endpoint) -> Frozen:
    """Put the values of variables into an endpoint's graph, see `freeze`."""
    frozen = freeze(endpoint.graph, variable_values(model, endpoint), endpoint.library)
    return replace(frozen, graph=prune(frozen.graph))


def _of_function(
    model: SavedModel,
    tags: Any,
    name: str,
    function: ConcreteFunction,
    library: Mapping[str, Any],
) -> Endpoint:
    meta_graph = model.graph(tags)
    if function.name not in library:
        raise SavedModelError(f"function {function.name!r} is not in the library")
    graph = read_function(library[function.name], library)
    captures = object_captures(graph, meta_graph, function, model.variables(tags))
    arguments = graph.inputs[: len(graph.inputs) - len(captures)]
    graph, captures = with_constants(graph, meta_graph, captures)
    signature = meta_graph.signatures.get(name)
    names = {} if signature is None else _argument_names(signature, function, arguments)
    graph = replace(graph, output_names=_output_names(graph, function))
    return Endpoint(name, graph, arguments, captures, {}, names)


def _argument_names(
    signature: Signature, function: ConcreteFunction, arguments: tuple[str, ...]
) -> Mapping[str, tuple[str, ...]]:
    _, keywords = function.input_signature
    # Tensors of keyword arguments come in the order of their names.
    names = sorted(keywords) if len(keywords) == len(arguments) else sorted(signature.inputs)
    if len(names) != len(arguments):
        return {}
    return {name: (argument,) for name, argument in zip(names, arguments, strict=True)}


def _output_names(graph: Graph, function: ConcreteFunction) -> tuple[str, ...]:
    """The keys of a dict of tensors; else what the function calls its outputs."""
    outputs = function.output_signature
    if not isinstance(outputs, dict) or len(outputs) != len(graph.outputs):
        return graph.output_names
    if not all(isinstance(value, TensorSpec) for value in outputs.values()):
        return graph.output_names
    return tuple(sorted(outputs))


def _of_signature(meta_graph: MetaGraph, name: str) -> Endpoint:
    signature = meta_graph.signatures[name]
    inputs = {key: signature.inputs[key].names for key in sorted(signature.inputs)}
    outputs, controls = {}, []
    for key, info in sorted(signature.outputs.items()):
        if info.dtype is None:
            controls += [parse_tensor_name(text).node for text in info.names]
        elif len(info.names) == 1:
            outputs[key] = info.names[0]
        else:
            outputs |= {f"{key}:{i}": text for i, text in enumerate(info.names)}
    fed = [*dict.fromkeys(text for names in inputs.values() for text in names)]
    graph = read_graph(meta_graph.proto.graph_def, fed, outputs, name)
    by_tensor = dict(zip(fed, graph.inputs, strict=True))
    names = {key: tuple(by_tensor[text] for text in texts) for key, texts in inputs.items()}
    graph = replace(graph, controls=tuple(controls))
    return Endpoint(name, graph, graph.inputs, (), {}, names)


def _unknown(meta_graph: MetaGraph, name: str) -> str:
    return (
        f"no endpoint {name!r}; signatures are {sorted(meta_graph.signatures)}, functions "
        f"{sorted(meta_graph.restored_functions)}"
    )
