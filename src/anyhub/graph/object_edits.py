"""Removes objects from a model: optimizers and their slots.

Object numbers are places in a list, so removing objects renumbers the others wherever a number
is kept: children, dependencies, slots, captures of concrete functions, savers of objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from google.protobuf.message import DecodeError

from anyhub.errors import SavedModelError
from anyhub.graph.saver_edits import drop_saved_keys
from anyhub.savedmodel import schema
from anyhub.savedmodel.objects import ObjectGraph, match_checkpoint_keys
from anyhub.savedmodel.variables import OBJECT_GRAPH_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from anyhub.savedmodel.model import SavedModel

_OPTIMIZER_CHILD = "optimizer"
# How the optimizers of Keras' generations call the number of steps made.
_STEP_NAMES = frozenset({"iter", "iterations", "_iterations"})
_KERAS_METADATA = "keras_metadata.pb"


def drop_optimizers(model: SavedModel) -> tuple[SavedModel, tuple[str, ...]]:
    """Drop the optimizer of a Keras model, and the slots of any other.

    A model whose saver cannot be edited along (it restores more than variables in one step that
    names a dropped value) is returned as it is.

    Returns:
        The model, and the keys of the dropped values.
    """
    proto = type(model.proto)()
    proto.CopyFrom(model.proto)
    dropped: set[str] = set()
    files: dict[str, bytes] = {}
    for graph in proto.meta_graphs:
        if not graph.object_graph_def.nodes:
            continue
        keys = match_checkpoint_keys(ObjectGraph(graph.object_graph_def), model.store.object_graph)
        removed = _drop_from(graph.object_graph_def)
        files |= _metadata_without(model, removed)
        lost = {key for node in removed for key in keys.get(node, {}).values()}
        kept = {
            key for node, values in keys.items() if node not in removed for key in values.values()
        }
        lost -= kept
        if lost and not drop_saved_keys(graph, lost):
            return model, ()
        dropped |= lost
    changes: dict[str, Any] = dict.fromkeys(dropped)
    if dropped:
        changes[OBJECT_GRAPH_KEY] = _checkpoint_without(model.store.object_graph, dropped)
    smaller = model.with_proto(proto).with_files(files)
    return smaller.with_store(model.store.with_changes(changes)), tuple(sorted(dropped))


def _drop_from(objects: Any) -> set[int]:
    """Remove optimizers from a SavedObjectGraph; returns the numbers of the removed objects.

    A model with a function that trains it captures what belongs to the optimizer; it keeps it all.
    """
    original = type(objects).FromString(objects.SerializeToString())
    _check_numbers(objects)
    root = objects.nodes[0]
    for references in (root.children, root.dependencies):
        kept = [r for r in references if not _is_optimizer(objects, r)]
        if len(kept) != len(references):
            del references[:]
            references.extend(kept)
    for node in objects.nodes:
        del node.slot_variables[:]
    reachable = _reachable(objects, _references)
    if reachable != _reachable(objects, _by_name):
        objects.CopyFrom(original)
        return set()
    removed = set(range(len(objects.nodes))) - reachable
    if removed:
        _renumber(objects, {old: new for new, old in enumerate(sorted(reachable))})
    return removed


def _is_optimizer(objects: Any, reference: Any) -> bool:
    """Whether a child of the root is the optimizer of a Keras model, not a user's own object."""
    if reference.local_name != _OPTIMIZER_CHILD:
        return False
    node = objects.nodes[reference.node_id]
    kinds = {objects.nodes[child.node_id].WhichOneof("kind") for child in node.children}
    names = {child.local_name for child in node.children}
    looks_like_one = node.user_object.identifier == _OPTIMIZER_CHILD or bool(names & _STEP_NAMES)
    return looks_like_one and not kinds & {"function", "bare_concrete_function"}


def _check_numbers(objects: Any) -> None:
    """Refuse numbers of objects that do not exist.

    Raises:
        SavedModelError: Who refers to what.
    """
    count = len(objects.nodes)
    for index, node in enumerate(objects.nodes):
        for number in _by_name(objects, node):
            if not 0 <= number < count:
                raise SavedModelError(
                    f"object {index} of the object graph refers to object {number}, but there are "
                    f"only {count}"
                )
    for name, function in objects.concrete_functions.items():
        for number in function.bound_inputs:
            if not 0 <= number < count:
                raise SavedModelError(
                    f"concrete function {name!r} captures object {number}, but there are only "
                    f"{count}"
                )


def _reachable(objects: Any, references: Callable[[Any, Any], list[int]]) -> set[int]:
    found, pending = {0}, [0]
    while pending:
        for number in references(objects, objects.nodes[pending.pop()]):
            if number not in found and 0 <= number < len(objects.nodes):
                found.add(number)
                pending.append(number)
    return found


def _by_name(objects: Any, node: Any) -> list[int]:
    """What an object refers to by name: only this way are values restored."""
    del objects
    numbers = [reference.node_id for reference in (*node.children, *node.dependencies)]
    for saveable in node.saveable_objects.values():
        numbers += [saveable.save_function, saveable.restore_function]
    return numbers


def _references(objects: Any, node: Any) -> list[int]:
    """What an object needs in any way, captures of its functions included."""
    numbers = _by_name(objects, node)
    kind = node.WhichOneof("kind")
    names = []
    if kind == "function":
        names = list(node.function.concrete_functions)
    elif kind == "bare_concrete_function":
        names = [node.bare_concrete_function.concrete_function_name]
    for name in names:
        if name in objects.concrete_functions:
            numbers += objects.concrete_functions[name].bound_inputs
    return numbers


def _renumber(objects: Any, numbers: Mapping[int, int]) -> None:
    kept = [node for index, node in enumerate(objects.nodes) if index in numbers]
    names = {name for node in kept for name in _function_names(node)}
    for node in kept:
        for reference in (*node.children, *node.dependencies):
            reference.node_id = numbers[reference.node_id]
        for saveable in node.saveable_objects.values():
            saveable.save_function = numbers[saveable.save_function]
            saveable.restore_function = numbers[saveable.restore_function]
    for name in list(objects.concrete_functions):
        if name not in names:
            del objects.concrete_functions[name]
            continue
        function = objects.concrete_functions[name]
        function.bound_inputs[:] = [numbers[number] for number in function.bound_inputs]
    copies = [type(node).FromString(node.SerializeToString()) for node in kept]
    del objects.nodes[:]
    objects.nodes.extend(copies)


def _function_names(node: Any) -> list[str]:
    kind = node.WhichOneof("kind")
    if kind == "function":
        return list(node.function.concrete_functions)
    return [node.bare_concrete_function.concrete_function_name] if kind else []


def _checkpoint_without(graph: Any, dropped: set[str]) -> Any:
    """The checkpoint's graph of objects without some values, as the value that is stored."""
    copy = schema.TrackableObjectGraph()
    copy.CopyFrom(graph)
    for node in copy.nodes:
        kept = [a for a in node.attributes if a.checkpoint_key not in dropped]
        if len(kept) != len(node.attributes):
            del node.attributes[:]
            node.attributes.extend(kept)
            del node.slot_variables[:]
    return np.array(copy.SerializeToString(deterministic=True), dtype=object)


def _metadata_without(model: SavedModel, removed: set[int]) -> dict[str, bytes]:
    """The file by which Keras 2 restores its layers, with the new numbers of the objects."""
    path = model.layout.root / _KERAS_METADATA if model.layout else None
    if not removed or path is None or not path.is_file():
        return {}
    metadata = schema.KerasMetadata()
    try:
        metadata.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise SavedModelError(f"file {str(path)!r} is damaged: {error}; remove it") from error
    kept = [node for node in metadata.nodes if node.node_id not in removed]
    for node in kept:
        node.node_id -= sum(number < node.node_id for number in removed)
    copies = [type(node).FromString(node.SerializeToString()) for node in kept]
    del metadata.nodes[:]
    metadata.nodes.extend(copies)
    return {_KERAS_METADATA: metadata.SerializeToString(deterministic=True)}
