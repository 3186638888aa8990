"""Adds, renames and removes signatures, and sets what servers take them for.

A signature of a TF2 model is in two places: `signature_def` with tensors of the main graph, which
servers and TensorFlow 1 use, and the object graph below "signatures", which TensorFlow 2 restores.
Both are changed together.

Source: `tensorflow/python/saved_model/{signature_serialization,save,load}.py` for the object
"signature_map", its bare concrete functions, and the order of their arguments (sorted by name).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from anyhub.errors import SavedModelError
from anyhub.graph.function_copies import MadeSignature, Place, copy_as_signature
from anyhub.savedmodel.signatures import INTERNAL_SIGNATURES, Signature, signature_proto

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from anyhub.savedmodel.model import SavedModel

_MAP_CHILD = "signatures"
_MAP_IDENTIFIER = "signature_map"


@dataclass(frozen=True)
class _Edit:
    """A copy of the model's message, and the variant in it that is edited."""

    model: SavedModel
    proto: Any
    graph: Any

    def done(self) -> SavedModel:
        return self.model.with_proto(self.proto)


def _begin(model: SavedModel, tags: Iterable[str] | str | None) -> _Edit:
    index = model.graphs.index(model.graph(tags))
    proto = type(model.proto)()
    proto.CopyFrom(model.proto)
    return _Edit(model, proto, proto.meta_graphs[index])


def add_signature(
    model: SavedModel,
    name: str,
    function: str | Signature = "__call__",
    *,
    values: Mapping[str, Any] | None = None,
    method_name: str = "tensorflow/serving/predict",
    tags: Iterable[str] | str | None = None,
) -> SavedModel:
    """Add a signature.

    Args:
        model: The model.
        name: Name of the new signature.
        function: Path of a function of the model ("__call__", "encoder.embed"), or a Signature
            of tensors of the main graph, as TF1 models have them.
        values: Python values that choose the trace, e.g. {"training": False}.
        method_name: What servers take it for.
        tags: Which graph variant.

    Returns:
        The model with the signature.

    Raises:
        SavedModelError: The name is taken, or there is no such function, trace or tensor.
    """
    edit = _begin(model, tags)
    _check_free(edit, name)
    if isinstance(function, Signature):
        _check_tensors(edit, name, function)
        named = replace(function, method_name=method_name)
        edit.graph.signature_def[name].CopyFrom(signature_proto(named))
        return edit.done()
    place = Place(model, model.graph(tags), edit.graph, name)
    made = copy_as_signature(place, function, values or {})
    _hang_up(edit, name, made, method_name)
    return edit.done()


def _hang_up(
    edit: _Edit, name: str, made: MadeSignature, method_name: str = "tensorflow/serving/predict"
) -> None:
    made.signature_def.method_name = method_name
    edit.graph.signature_def[name].CopyFrom(made.signature_def)
    objects = edit.graph.object_graph_def
    number = len(objects.nodes)
    objects.nodes.append(made.saved_object)
    _signature_map(objects).children.add(node_id=number, local_name=name)


def expose_tensors(
    model: SavedModel,
    name: str,
    tensors: Mapping[str, str],
    function: str = "__call__",
    *,
    values: Mapping[str, Any] | None = None,
    tags: Iterable[str] | str | None = None,
) -> SavedModel:
    """Add a signature that gives tensors inside a function, e.g. intermediate activations.

    (A TF1 model's tensors are in the main graph: pass a Signature to `add_signature`.)

    Args:
        model: The model.
        name: Name of the new signature.
        tensors: "node" or "node:index" inside the function, for each output's name.
        function: Path of the function.
        values: Python values that choose the trace, e.g. {"training": False}.
        tags: Which graph variant.

    Returns:
        The model with the signature.

    Raises:
        SavedModelError: The name is taken, or there is no such function, trace or tensor.
    """
    edit = _begin(model, tags)
    _check_free(edit, name)
    place = Place(model, model.graph(tags), edit.graph, name)
    _hang_up(edit, name, copy_as_signature(place, function, values or {}, tensors))
    return edit.done()


def rename_signature(
    model: SavedModel, name: str, new_name: str, *, tags: Iterable[str] | str | None = None
) -> SavedModel:
    """Rename a signature.

    Raises:
        SavedModelError: There is no such signature, or the new name is taken.
    """
    edit = _begin(model, tags)
    _check_exists(edit, name)
    _check_free(edit, new_name)
    edit.graph.signature_def[new_name].CopyFrom(edit.graph.signature_def[name])
    del edit.graph.signature_def[name]
    for reference in _references(edit.graph.object_graph_def):
        if reference.local_name == name:
            reference.local_name = new_name
    return edit.done()


def remove_signature(
    model: SavedModel, name: str, *, tags: Iterable[str] | str | None = None
) -> SavedModel:
    """Remove a signature; what it computed stays reachable by the model's functions.

    Raises:
        SavedModelError: There is no such signature.
    """
    edit = _begin(model, tags)
    _check_exists(edit, name)
    del edit.graph.signature_def[name]
    objects = edit.graph.object_graph_def
    if _find_map(objects) is not None:
        children = _signature_map(objects).children
        kept = [reference for reference in children if reference.local_name != name]
        del children[:]
        children.extend(kept)
    return edit.done()


def set_method_name(
    model: SavedModel, name: str, method_name: str, *, tags: Iterable[str] | str | None = None
) -> SavedModel:
    """Set what servers take a signature for.

    Args:
        model: The model.
        name: Name of the signature.
        method_name: E.g. "tensorflow/serving/classify", ".../regress" or ".../predict".
        tags: Which graph variant.

    Raises:
        SavedModelError: There is no such signature.
    """
    edit = _begin(model, tags)
    _check_exists(edit, name)
    edit.graph.signature_def[name].method_name = method_name
    return edit.done()


def _check_exists(edit: _Edit, name: str) -> None:
    if name not in edit.graph.signature_def or name in INTERNAL_SIGNATURES:
        names = sorted(set(edit.graph.signature_def) - INTERNAL_SIGNATURES)
        raise SavedModelError(
            f"model {edit.model.name!r} has no signature {name!r}; available: "
            f"{', '.join(map(repr, names)) or 'none'}"
        )


def _check_free(edit: _Edit, name: str) -> None:
    if not name or name.startswith("__"):
        raise SavedModelError(f"{name!r} cannot name a signature: it is empty or begins with '__'")
    if name in edit.graph.signature_def:
        raise SavedModelError(
            f"model {edit.model.name!r} has a signature {name!r} already; remove it first"
        )


def _check_tensors(edit: _Edit, name: str, signature: Signature) -> None:
    nodes = {node.name for node in edit.graph.graph_def.node}
    for info in (*signature.inputs.values(), *signature.outputs.values()):
        for tensor in info.names:
            if tensor.rpartition(":")[0] not in nodes:
                raise SavedModelError(
                    f"signature {name!r} names the tensor {tensor!r}, which the main graph of "
                    f"{edit.model.name!r} lacks; expected 'node:index'"
                )


def _find_map(objects: Any) -> int | None:
    if not objects.nodes:
        return None
    for reference in objects.nodes[0].children:
        if reference.local_name == _MAP_CHILD:
            if not 0 <= reference.node_id < len(objects.nodes):
                raise SavedModelError(
                    f"the root refers to object {reference.node_id} as {_MAP_CHILD!r}, but there "
                    f"are only {len(objects.nodes)} objects"
                )
            return int(reference.node_id)
    return None


def _signature_map(objects: Any) -> Any:
    number = _find_map(objects)
    if number is None:
        number = len(objects.nodes)
        objects.nodes[0].children.add(node_id=number, local_name=_MAP_CHILD)
        node = objects.nodes.add()
        node.user_object.identifier = _MAP_IDENTIFIER
        node.user_object.version.producer = 1
        node.user_object.version.min_consumer = 1
    return objects.nodes[number]


def _references(objects: Any) -> list[Any]:
    number = _find_map(objects)
    return [] if number is None else list(objects.nodes[number].children)
