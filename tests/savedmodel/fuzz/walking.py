"""Uses a message in all ways that the package offers; yields what was accepted and refused."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from damages import is_map

from anyhub.errors import HubError, SavedModelError
from anyhub.savedmodel.model import MetaGraph, SavedModel
from anyhub.savedmodel.reading import parse
from anyhub.savedmodel.signatures import signature_proto
from anyhub.savedmodel.structured import read_structured, structured_value
from anyhub.savedmodel.tensors import MAX_EXPANSION, read_tensor, tensor_proto
from anyhub.savedmodel.variables import OBJECT_GRAPH_KEY, VariableStore, list_variables


@dataclass(frozen=True)
class MemoryStore(VariableStore):
    """Holds the checkpoint's graph of objects only.

    Attributes:
        data: That graph, serialized.
    """

    data: bytes = b""

    def keys(self) -> tuple[str, ...]:
        return (OBJECT_GRAPH_KEY, "weight", "weight/value")

    def read(self, key: str) -> np.ndarray[Any, Any]:
        array = np.empty((), object)
        array[()] = self.data
        return array


def attempt(name: str, act: Callable[[], Any]) -> Iterator[str]:
    """Allowed are success and our errors; others go through."""
    try:
        act()
        yield f"{name} accepted"
    except HubError:
        yield f"{name} refused"


def use_model(data: bytes, file: str, checkpoint: bytes) -> Iterator[str]:
    """Parse a model and look at everything in it."""
    try:
        proto = parse(data, Path(file))
    except SavedModelError:
        yield f"{file} refused"
        return
    yield f"{file} accepted"
    model = SavedModel(proto, None, MemoryStore(None, checkpoint))
    yield from attempt("choice of the graph", model.graph)
    for graph in model.graphs:
        yield from use_graph(graph, model.store)


def use_graph(graph: MetaGraph, store: VariableStore) -> Iterator[str]:
    """Look at everything in a graph variant."""
    for name in ("tags", "functions", "nodes", "gradients", "assets", "collections"):
        yield from attempt(name, lambda name=name: getattr(graph, name))
    yield from attempt("signatures", lambda: use_signatures(graph))
    yield from attempt("objects", lambda: use_objects(graph))
    yield from attempt("variables", lambda: use_variables(graph, store))
    yield from attempt("traces", lambda: graph.concrete_functions)
    yield from attempt("functions' parameters", lambda: graph.restored_functions)
    for trace in graph.concrete_functions.values():
        yield from attempt("arguments", lambda trace=trace: trace.input_signature)
        yield from attempt("results", lambda trace=trace: trace.output_signature)
    for node in graph.nodes.values():
        if "value" in node.attr:
            tensor = node.attr["value"].tensor
            yield from attempt("constants", lambda tensor=tensor: read_tensor(tensor))


def use_signatures(graph: MetaGraph) -> None:
    for signature in graph.signatures.values():
        assert all(str(info) for info in (*signature.inputs.values(), *signature.outputs.values()))
        if all(info.encoding != "composite" for info in signature.outputs.values()):
            signature_proto(signature)


def use_objects(graph: MetaGraph) -> None:
    objects = graph.objects
    for number, path in list(objects.paths.items())[:100]:
        assert number < len(objects.nodes)
        objects.find(path)
    for node in objects.nodes:
        assert node.details is not None
    assert all(node.kind == "variable" for node in objects.of_kind("variable"))


def use_variables(graph: MetaGraph, store: VariableStore) -> None:
    variables = list_variables(graph, store)
    assert all(variable.nbytes >= 0 for variable in variables)


def use_structure(proto: Any) -> Iterator[str]:
    """Read a structured value; what was read can be written and read again."""
    try:
        value = read_structured(proto)
    except SavedModelError:
        yield "structured values refused"
        return
    yield "structured values accepted"
    if expansion(proto, math.inf):  # the text of a large array is larger still
        return
    try:
        again = read_structured(structured_value(value))
    except SavedModelError:
        yield "structured values not written"
        return
    assert repr(again) == repr(value)


def expansion(proto: Any, largest: float = 8 * MAX_EXPANSION) -> int:
    """Bytes of all tensors in a message that are larger than their part of it."""
    total = 0
    for field, value in proto.ListFields():
        if field.message_type is not None and not is_map(field):
            total += sum(
                expansion(part, largest) for part in (value if hasattr(value, "add") else [value])
            )
        elif is_map(field) and field.message_type.fields_by_name["value"].message_type:
            total += sum(expansion(value[key], largest) for key in value)
    if proto.DESCRIPTOR.name == "TensorProto":
        size = 16 * math.prod(max(0, dim.size) for dim in proto.tensor_shape.dim)
        total += size if proto.ByteSize() < size <= largest else 0
    return total


def use_tensor(proto: Any) -> Iterator[str]:
    """Read a tensor; what was read can be written and read again, if it is small."""
    try:
        array = read_tensor(proto)
    except SavedModelError:
        yield "tensors refused"
        return
    yield "tensors accepted"
    assert not array.flags.writeable
    # Of 0 rows or columns there can be billions.
    if sum(array.shape) <= 100 and array.size <= 100:
        again = read_tensor(tensor_proto(array))
        assert again.shape == array.shape
        assert repr(again.tolist()) == repr(array.tolist())
