"""Variables of a model, and where their values are.

TF2 models name variables by their place among the objects and find the checkpoint key by a
second graph of objects in the checkpoint (`_CHECKPOINTABLE_OBJECT_GRAPH`). TF1 models list them
in collections of VariableDef messages, and the name is the key.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from google.protobuf.message import DecodeError

from anyhub.errors import SavedModelError
from anyhub.savedmodel import schema
from anyhub.savedmodel.dtypes import DType, dtype_by_number
from anyhub.savedmodel.objects import ObjectGraph, match_checkpoint_keys
from anyhub.savedmodel.shapes import Shape, read_shape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from anyhub.savedmodel.bundle import Bundle
    from anyhub.savedmodel.model import MetaGraph

OBJECT_GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
VALUE = "VARIABLE_VALUE"
# In the order in which TensorFlow 1 fills them; each variable is in some.
_COLLECTIONS = ("variables", "trainable_variables", "model_variables", "local_variables")
# DT_FLOAT: what is assumed of a variable whose op is not in the graph.
_FLOAT = 1
_VARIABLE_OPS = ("VarHandleOp", "VariableV2", "Variable")


@dataclass(frozen=True)
class Variable:
    """A variable.

    Attributes:
        name: The name it was made with, e.g. "dense/kernel".
        path: Where it is among the objects, e.g. "encoder.kernel"; "" for TF1 models.
        dtype: Element type.
        shape: Dimensions.
        trainable: Whether it is meant to be trained.
        key: Its key in the checkpoint; None if no value was saved.
        node_id: Its number among the objects; None for TF1 models.
    """

    name: str
    path: str
    dtype: DType
    shape: Shape
    trainable: bool
    key: str | None
    node_id: int | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of its value, 0 if the shape is not fully known."""
        if self.shape is None or None in self.shape:
            return 0
        sizes = [size for size in self.shape if size is not None]
        return int(np.prod(sizes, dtype=np.int64)) * self.dtype.itemsize


@dataclass(frozen=True)
class VariableStore:
    """The values of a model's variables, read when they are asked for.

    Attributes:
        prefix: Path of the bundle without ".index", None if the model has no variables.
        changes: Values that replace or join those of the bundle; None for a removed one.
    """

    prefix: Path | None
    changes: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def bundle(self) -> Bundle | None:
        """The opened bundle, None if the model has no variables.

        Raises:
            SavedModelError: The bundle is damaged.
        """
        from anyhub.savedmodel.bundle import open_bundle

        return None if self.prefix is None else open_bundle(self.prefix)

    def keys(self) -> tuple[str, ...]:
        """The keys of all values, sorted."""
        saved = () if self.bundle is None else tuple(self.bundle.keys())
        removed = {key for key, value in self.changes.items() if value is None}
        return tuple(sorted({*saved, *self.changes} - removed))

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __contains__(self, key: object) -> bool:
        if key in self.changes:
            return self.changes[key] is not None  # type: ignore[index] # it is among the keys
        return self.bundle is not None and key in self.bundle

    def with_changes(self, changes: Mapping[str, Any]) -> VariableStore:
        """The same values but for some.

        Args:
            changes: New values by key, None to remove one.
        """
        return VariableStore(self.prefix, {**self.changes, **changes})

    def read(self, key: str) -> np.ndarray[Any, Any]:
        """Read a value; the array must not be written to.

        Raises:
            SavedModelError: There is no such key, or the value is damaged.
        """
        if key in self.changes:
            if self.changes[key] is None:
                raise SavedModelError(f"no value {key!r}: it was removed")
            return np.asarray(self.changes[key])
        if self.bundle is None:
            raise SavedModelError(f"no value {key!r}: the model was saved without variables")
        return self.bundle.read(key)

    def verify(self, key: str) -> None:
        """Compare a value with its checksum in the file.

        Raises:
            SavedModelError: They do not match.
        """
        if key not in self.changes and self.bundle is not None:
            self.bundle.verify(key)

    @cached_property
    def object_graph(self) -> Any:
        """The checkpoint's graph of objects, empty if there is none.

        Raises:
            SavedModelError: It is damaged.
        """
        proto = schema.TrackableObjectGraph()
        if OBJECT_GRAPH_KEY not in self.keys():
            return proto
        data = self.read(OBJECT_GRAPH_KEY)
        try:
            proto.ParseFromString(bytes(data.item()))
        except DecodeError as error:
            raise SavedModelError(
                f"the object graph in {str(self.prefix)!r} (key {OBJECT_GRAPH_KEY!r}) is damaged: "
                f"{error}"
            ) from error
        return proto


def list_variables(graph: MetaGraph, store: VariableStore) -> tuple[Variable, ...]:
    """List the variables of a graph variant."""
    if graph.objects.nodes:
        return _object_variables(graph.objects, store)
    return _collection_variables(graph, store)


def _object_variables(objects: ObjectGraph, store: VariableStore) -> tuple[Variable, ...]:
    keys = match_checkpoint_keys(objects, store.object_graph)
    found = []
    for node in objects.of_kind("variable"):
        details = node.details
        found.append(
            Variable(
                name=details.name,
                path=objects.paths.get(node.id, ""),
                dtype=dtype_by_number(details.dtype),
                shape=read_shape(details.shape),
                trainable=details.trainable,
                key=keys.get(node.id, {}).get(VALUE),
                node_id=node.id,
            )
        )
    return tuple(found)


def _collection_variables(graph: MetaGraph, store: VariableStore) -> tuple[Variable, ...]:
    protos: dict[str, Any] = {}
    trainable = set()
    for collection in _COLLECTIONS:
        for proto in _variable_defs(graph, collection):
            protos.setdefault(proto.variable_name, proto)
            if collection == "trainable_variables":
                trainable.add(proto.variable_name)
    known = set(store.keys())
    found = [_collection_variable(graph, p, known, trainable) for p in protos.values()]
    names = {variable.name for variable in found}
    found += [v for v in _node_variables(graph, known) if v.name not in names]
    return tuple(found)


def _variable_defs(graph: MetaGraph, collection: str) -> list[Any]:
    if collection not in graph.collections:
        return []
    values = graph.collections[collection].bytes_list.value
    try:
        return [schema.VariableDef.FromString(value) for value in values]
    except DecodeError as error:
        raise SavedModelError(f"collection {collection!r} is damaged: {error}") from error


def _collection_variable(
    graph: MetaGraph, proto: Any, known: set[str], trainable: set[str]
) -> Variable:
    name = proto.variable_name.partition(":")[0]
    # A part of a partitioned variable is saved as a slice of the whole.
    full = proto.save_slice_info_def.full_name
    dtype, shape = _node_type(graph, name)
    key = next((key for key in (name, full) if key in known), None)
    return Variable(name, "", dtype, shape, proto.variable_name in trainable, key)


def _node_variables(graph: MetaGraph, known: set[str]) -> list[Variable]:
    """Variables that no collection lists, found by their ops."""
    found = []
    for name, node in graph.nodes.items():
        if node.op in _VARIABLE_OPS:
            dtype, shape = _node_type(graph, name)
            found.append(Variable(name, "", dtype, shape, False, name if name in known else None))
    return found


def _node_type(graph: MetaGraph, name: str) -> tuple[DType, Shape]:
    node = graph.nodes.get(name)
    if node is None or node.op not in _VARIABLE_OPS:
        return dtype_by_number(_FLOAT), None
    return dtype_by_number(node.attr["dtype"].type), read_shape(node.attr["shape"].shape)
