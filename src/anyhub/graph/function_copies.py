"""Makes a signature out of a trace of a function: takes and gives named tensors, nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anyhub.errors import SavedModelError
from anyhub.graph.handles_of_saver import restored_handles
from anyhub.graph.inner_tensors import give_inner_tensors, inner_tensors
from anyhub.savedmodel import schema
from anyhub.savedmodel.shapes import shape_proto
from anyhub.savedmodel.structured import NamedTuple, TensorSpec, TypeSpec, structured_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from anyhub.savedmodel.functions import ConcreteFunction, RestoredFunction
    from anyhub.savedmodel.model import MetaGraph, SavedModel


@dataclass(frozen=True)
class MadeSignature:
    """The messages of a new signature.

    Attributes:
        signature_def: For servers and TensorFlow 1.
        saved_object: For TensorFlow 2, to hang below the signature map.
    """

    signature_def: Any
    saved_object: Any


@dataclass(frozen=True)
class Place:
    """Where a signature is made.

    Attributes:
        model: The model.
        graph: The variant that the trace is in.
        target: The MetaGraphDef message to change.
        name: Name of the signature.
    """

    model: SavedModel
    graph: MetaGraph
    target: Any
    name: str


def copy_as_signature(
    place: Place, path: str, values: Mapping[str, Any], inner: Mapping[str, str] | None = None
) -> MadeSignature:
    """Copy a trace as a function of named tensors, and call it in the main graph.

    Args:
        place: Where the signature is made.
        path: Path of the function.
        values: Python values that choose the trace.
        inner: Tensors inside the function to give instead of its results, by name.

    Raises:
        SavedModelError: There is no such function or trace, or it takes or gives what is no
            dense tensor.
    """
    model, target = place.model, place.target
    trace = _choose_trace(model, place.graph, path, values)
    inputs = _named(_input_leaves(place.graph, path, trace), f"{path} takes", model.name)
    if inner is None:
        outputs = _named(_output_leaves(trace), f"{path} gives", model.name)
    else:
        outputs = inner_tensors(place.graph, trace.name, inner)
    function = _copy_function(place, trace, list(inputs), list(outputs))
    if inner is not None:
        give_inner_tensors(target, function, inner, outputs)
    saved = target.object_graph_def.concrete_functions[function]
    saved.bound_inputs.extend(trace.bound_inputs)
    saved.canonicalized_input_signature.CopyFrom(
        structured_value(((), dict(sorted(inputs.items()))))
    )
    saved.output_signature.CopyFrom(structured_value(dict(sorted(outputs.items()))))
    node = schema.SavedObject()
    node.bare_concrete_function.concrete_function_name = function
    node.bare_concrete_function.argument_keywords.extend(sorted(inputs))
    node.bare_concrete_function.allowed_positional_arguments = 1 if len(inputs) == 1 else 0
    signature = _call_in_main_graph(place, function, trace, (inputs, outputs))
    return MadeSignature(signature, node)


def _choose_trace(
    model: SavedModel, graph: MetaGraph, path: str, values: Mapping[str, Any]
) -> ConcreteFunction:
    function = graph.restored_functions.get(path)
    if function is None or not function.concrete_functions:
        paths = ", ".join(
            repr(p) for p, f in graph.restored_functions.items() if f.concrete_functions
        )
        raise SavedModelError(f"model {model.name!r} has no function {path!r}; available: {paths}")
    fitting = [t for t in function.concrete_functions if _fits(function, t, values)]
    if not fitting:
        choices = {str(_python_values(function, t)) for t in function.concrete_functions}
        raise SavedModelError(
            f"function {path!r} of {model.name!r} was not traced for {dict(values)!r}; traced for: "
            f"{', '.join(sorted(choices))}"
        )
    return fitting[0]


def _fits(function: RestoredFunction, trace: ConcreteFunction, values: Mapping[str, Any]) -> bool:
    found = _python_values(function, trace)
    return all(
        key in found and type(found[key]) is type(value) and found[key] == value
        for key, value in values.items()
    )


def _python_values(function: RestoredFunction, trace: ConcreteFunction) -> dict[str, Any]:
    args, kwargs = trace.input_signature
    named = {**dict(zip(function.argspec.args, args, strict=False)), **kwargs}
    plain = (bool, int, float, str, type(None))
    return {key: value for key, value in named.items() if isinstance(value, plain)}


def _input_leaves(
    graph: MetaGraph, path: str, trace: ConcreteFunction
) -> Iterator[tuple[str, TensorSpec]]:
    args, kwargs = trace.input_signature
    names = graph.restored_functions[path].argspec.args
    for index, value in enumerate(args):
        yield from _leaves(names[index] if index < len(names) else f"arg_{index}", value)
    for key in sorted(kwargs):
        yield from _leaves(key, kwargs[key])


def _output_leaves(trace: ConcreteFunction) -> Iterator[tuple[str, TensorSpec]]:
    result = trace.output_signature
    if isinstance(result, dict):
        for key in sorted(result):
            yield from _leaves(key, result[key])
    else:
        items = result if isinstance(result, (list, tuple)) else [result]
        for index, item in enumerate(items):
            yield from _leaves(f"output_{index}", item)


def _leaves(name: str, value: Any) -> Iterator[tuple[str, TensorSpec]]:
    """The tensors of a nest, in the order in which functions take them."""
    match value:
        case TensorSpec():
            yield re.sub(r"\W", "_", name, flags=re.ASCII), value
        case TypeSpec():
            raise SavedModelError(f"{name!r} is a {value.kind}, which a signature cannot hold")
        case dict():
            for key in sorted(value):
                yield from _leaves(f"{name}_{key}", value[key])
        case list() | tuple():
            for index, item in enumerate(value):
                yield from _leaves(f"{name}_{index}", item)
        case NamedTuple():
            for key, item in value.fields:
                yield from _leaves(f"{name}_{key}", item)


def _named(
    leaves: Iterator[tuple[str, TensorSpec]], what: str, model: str
) -> dict[str, TensorSpec]:
    found: dict[str, TensorSpec] = {}
    for name, spec in leaves:
        if name in found:
            raise SavedModelError(f"{what} of model {model!r} has two tensors called {name!r}")
        found[name] = TensorSpec(spec.shape, spec.dtype, name)
    return found


def _copy_function(
    place: Place, trace: ConcreteFunction, inputs: Sequence[str], outputs: Sequence[str]
) -> str:
    """Copy a function of the library, its arguments and results in the order of their names."""
    library = place.target.graph_def.library
    original = next((f for f in library.function if f.signature.name == trace.name), None)
    if original is None:
        raise SavedModelError(f"the library lacks the function {trace.name!r}")
    total = len(original.signature.input_arg)
    if total != len(inputs) + len(trace.bound_inputs):
        raise SavedModelError(
            f"function {trace.name!r} takes {total} tensors; expected {len(inputs)} arguments and "
            f"{len(trace.bound_inputs)} captures"
        )
    taken = {function.signature.name for function in library.function}
    new_name = next(
        n for i in range(10**6) if (n := f"__inference_{_node_name(place.name)}_{i}") not in taken
    )
    copy = library.function.add()
    copy.CopyFrom(original)
    copy.signature.name = new_name
    order = sorted(range(len(inputs)), key=lambda index: inputs[index])
    _reorder(copy.signature.input_arg, [*order, *range(len(inputs), total)])
    _reorder_indices(copy.arg_attr, order)
    _reorder_indices(copy.resource_arg_unique_id, order)
    # Where they differ, inner tensors take the place of the results.
    if len(copy.signature.output_arg) == len(outputs):
        _reorder(copy.signature.output_arg, sorted(range(len(outputs)), key=lambda i: outputs[i]))
    return new_name


def _reorder(repeated: Any, order: Sequence[int]) -> None:
    copies = [type(repeated[0]).FromString(repeated[i].SerializeToString()) for i in order]
    del repeated[:]
    repeated.extend(copies)


def _reorder_indices(by_index: Any, order: Sequence[int]) -> None:
    places = {old: new for new, old in enumerate(order)}
    if not any(index in places for index in by_index):
        return
    copies = {index: by_index[index] for index in list(by_index)}
    serialized = {
        places.get(i, i): v.SerializeToString() if hasattr(v, "SerializeToString") else v
        for i, v in copies.items()
    }
    by_index.clear()
    for index, value in serialized.items():
        if isinstance(value, bytes):
            by_index[index].ParseFromString(value)
        else:
            by_index[index] = value


def _call_in_main_graph(
    place: Place,
    function: str,
    trace: ConcreteFunction,
    tensors: tuple[Mapping[str, TensorSpec], Mapping[str, TensorSpec]],
) -> Any:
    inputs, outputs = tensors
    graph, target, name = place.graph, place.target, place.name
    signature = schema.SignatureDef()
    nodes = target.graph_def.node
    taken = {node.name for node in nodes}
    feeds = []
    for key, spec in sorted(inputs.items()):
        feed = _free(f"{name}_{key}", taken)
        node = nodes.add(name=feed, op="Placeholder")
        node.attr["dtype"].type = spec.dtype.number
        node.attr["shape"].shape.CopyFrom(shape_proto(spec.shape))
        feeds.append(feed)
        _describe(signature.inputs[key], f"{feed}:0", spec)
    places = captured_tensors(place.model, graph)
    captures = [_captured(place, places, number) for number in trace.bound_inputs]
    call = nodes.add(name=_free(f"{name}_call", taken), op="StatefulPartitionedCall")
    call.input.extend([*feeds, *captures])
    call.attr["f"].func.name = function
    body = next(f for f in target.graph_def.library.function if f.signature.name == function)
    call.attr["Tin"].list.type.extend(arg.type for arg in body.signature.input_arg)
    call.attr["Tout"].list.type.extend(arg.type for arg in body.signature.output_arg)
    for index, (key, spec) in enumerate(sorted(outputs.items())):
        _describe(signature.outputs[key], f"{call.name}:{index}", spec)
    return signature


def _node_name(text: str) -> str:
    """A name that nodes and functions may have, as near to the text as can be."""
    name = re.sub(r"[^A-Za-z0-9_.]", "_", text)
    return name if name[:1].isalnum() else f"s{name}"


def _free(name: str, taken: set[str]) -> str:
    found = _node_name(name)
    while found in taken:
        found += "_1"
    taken.add(found)
    return found


def _describe(info: Any, tensor: str, spec: TensorSpec) -> None:
    info.name = tensor
    info.dtype = spec.dtype.number
    info.tensor_shape.CopyFrom(shape_proto(spec.shape))


def captured_tensors(model: SavedModel, graph: MetaGraph) -> Mapping[int, str]:
    """Where captured objects are in the main graph: read off the calls and the saver.

    A name alone does not tell: variables of equal names get others in the graph.
    """
    found: dict[int, str] = {}
    for node in graph.proto.graph_def.node:
        trace = graph.concrete_functions.get(node.attr["f"].func.name) if "f" in node.attr else None
        if trace is None:
            continue
        data = [text for text in node.input if text[:1] != "^"]
        passed = data[len(data) - len(trace.bound_inputs) :] if trace.bound_inputs else []
        found |= dict(zip(trace.bound_inputs, passed, strict=False))
    handles = restored_handles(graph)
    for variable in model.variables(graph.tags):
        key = variable.key
        if variable.node_id is not None and key is not None and key in handles:
            found.setdefault(variable.node_id, handles[key])
    return found


def _captured(place: Place, places: Mapping[int, str], number: int) -> str:
    if number in places:
        return places[number]
    node = place.graph.objects.nodes[number]
    if node.kind == "constant":
        return str(node.details.operation)
    raise SavedModelError(
        f"function of {place.model.name!r} captures the {node.kind} "
        f"{place.graph.objects.paths.get(number, number)!r}, which no call in the main graph passes"
    )
