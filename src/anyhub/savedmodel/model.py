"""A SavedModel as a value.

The messages stay what they were read as, so that what this module does not know survives a
rewrite; the classes here are views of them that name things and check them. Views are made when
they are asked for: opening a model reads no function and no weight.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from google.protobuf.message import DecodeError

from anyhub.errors import SavedModelError, TagsError
from anyhub.savedmodel import schema
from anyhub.savedmodel.functions import ConcreteFunction, RestoredFunction, read_argspec
from anyhub.savedmodel.objects import ObjectGraph
from anyhub.savedmodel.signatures import INTERNAL_SIGNATURES, Signature, read_signature
from anyhub.savedmodel.variables import Variable, VariableStore, list_variables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from anyhub.savedmodel.layout import ModelLayout

# Source: tensorflow_hub, `saved_model_lib.py`.
_ATTACHMENTS = "hub_module_attachments"
_FUNCTION_KINDS = ("function", "bare_concrete_function")


@dataclass(frozen=True)
class MetaGraph:
    """A graph variant of a model.

    Attributes:
        proto: The MetaGraphDef message.
    """

    proto: Any

    @property
    def tags(self) -> frozenset[str]:
        """What tells the variants apart, e.g. {"serve"}."""
        return frozenset(self.proto.meta_info_def.tags)

    @property
    def tensorflow_version(self) -> str:
        """The version that wrote it, "" if it did not say."""
        return str(self.proto.meta_info_def.tensorflow_version)

    @cached_property
    def signatures(self) -> Mapping[str, Signature]:
        """Signatures by name, without those for TensorFlow's own use."""
        protos = self.proto.signature_def
        names = sorted(set(protos) - INTERNAL_SIGNATURES)
        return {name: read_signature(protos[name]) for name in names}

    @cached_property
    def functions(self) -> Mapping[str, Any]:
        """FunctionDef messages of the library, by name."""
        return {f.signature.name: f for f in self.proto.graph_def.library.function}

    @cached_property
    def nodes(self) -> Mapping[str, Any]:
        """NodeDef messages of the main graph, by name."""
        return {node.name: node for node in self.proto.graph_def.node}

    @cached_property
    def gradients(self) -> Mapping[str, str]:
        """Functions that compute custom gradients, by the name that nodes refer to them with."""
        registered = self.proto.graph_def.library.registered_gradients
        return {gradient.registered_op_type: gradient.gradient_func for gradient in registered}

    @cached_property
    def objects(self) -> ObjectGraph:
        """The objects; empty for TF1 models."""
        return ObjectGraph(self.proto.object_graph_def)

    @cached_property
    def concrete_functions(self) -> Mapping[str, ConcreteFunction]:
        """Traces of the objects' functions, by their name in the library."""
        protos = self.objects.proto.concrete_functions
        return {
            name: ConcreteFunction(name, tuple(protos[name].bound_inputs), protos[name])
            for name in sorted(protos)
        }

    @cached_property
    def restored_functions(self) -> Mapping[str, RestoredFunction]:
        """Functions of the objects, by path."""
        found = {}
        for node in self.objects.nodes:
            path = self.objects.paths.get(node.id)
            if node.kind in _FUNCTION_KINDS and path:
                found[path] = self._restored(path, node)
        return dict(sorted(found.items()))

    def _restored(self, path: str, node: Any) -> RestoredFunction:
        details = node.details
        if node.kind == "function":
            names = list(details.concrete_functions)
        else:
            names = [details.concrete_function_name]
        traces = (self.concrete_functions.get(name) for name in names)
        return RestoredFunction(
            path,
            read_argspec(details.function_spec),
            tuple(trace for trace in traces if trace is not None),
        )

    @cached_property
    def assets(self) -> tuple[str, ...]:
        """File names of the assets, below the model's `assets` directory."""
        return tuple(asset.filename for asset in self.proto.asset_file_def)

    @cached_property
    def attached_messages(self) -> Mapping[str, bytes]:
        """Messages attached to a module of the TF1 Hub format, serialized, by key.

        Raises:
            SavedModelError: The collection that holds them is damaged.
        """
        if _ATTACHMENTS not in self.collections:
            return {}
        values = self.collections[_ATTACHMENTS].bytes_list.value
        try:
            found = [schema.ModuleAttachment.FromString(value) for value in values]
        except DecodeError as error:
            raise SavedModelError(f"collection {_ATTACHMENTS!r} is damaged: {error}") from error
        return {attachment.key: bytes(attachment.value) for attachment in found}

    @cached_property
    def collections(self) -> Mapping[str, Any]:
        """CollectionDef messages of TF1, by name."""
        return dict(self.proto.collection_def)


@dataclass(frozen=True)
class SavedModel:
    """A model.

    Attributes:
        proto: The SavedModel message.
        layout: Where it was read from, None for one made in memory.
        store: The values of its variables.
        files: Contents of files beside the graph that replace those of the directory, by name.
    """

    proto: Any
    layout: ModelLayout | None
    store: VariableStore
    files: Mapping[str, bytes] = field(default_factory=dict)

    @cached_property
    def graphs(self) -> tuple[MetaGraph, ...]:
        """The graph variants, in the file's order."""
        return tuple(MetaGraph(proto) for proto in self.proto.meta_graphs)

    def graph(self, tags: Iterable[str] | str | None = None) -> MetaGraph:
        """Choose a variant.

        Args:
            tags: Its tags; None for the only one.

        Raises:
            TagsError: There is none with these tags, or several to choose from.
        """
        wanted = None if tags is None else frozenset({tags} if isinstance(tags, str) else tags)
        if wanted is None and len(self.graphs) == 1:
            return self.graphs[0]
        for graph in self.graphs:
            if graph.tags == wanted:
                return graph
        names = ", ".join(repr(sorted(graph.tags)) for graph in self.graphs)
        asked = "no tags were given" if wanted is None else f"none has tags {sorted(wanted)!r}"
        raise TagsError(
            f"model {self.name!r} has {len(self.graphs)} graph variants and {asked}; "
            f"pass tags= one of: {names}"
        )

    @property
    def name(self) -> str:
        """How messages call it: its directory."""
        return str(self.layout.root) if self.layout else "in memory"

    def variables(self, tags: Iterable[str] | str | None = None) -> tuple[Variable, ...]:
        """The variables of a variant, with the keys of their values."""
        graph = self.graph(tags)
        if graph.tags not in self._variables:
            self._variables[graph.tags] = list_variables(graph, self.store)
        return self._variables[graph.tags]

    @cached_property
    def _variables(self) -> dict[frozenset[str], tuple[Variable, ...]]:
        return {}

    def with_proto(self, proto: Any) -> SavedModel:
        """The same model with another message."""
        return replace(self, proto=proto)

    def with_store(self, store: VariableStore) -> SavedModel:
        """The same model with other values."""
        return replace(self, store=store)

    def with_files(self, files: Mapping[str, bytes]) -> SavedModel:
        """The same model with other files beside the graph.

        Args:
            files: Contents by file name.
        """
        return replace(self, files={**self.files, **files})

    def with_values(self, values: Mapping[str, Any]) -> SavedModel:
        """The same model with other values of variables.

        Args:
            values: Arrays by checkpoint key (see `Variable.key`), None to remove one.

        Raises:
            SavedModelError: There is no such key, or a value has another shape or type.
        """
        for key, value in values.items():
            if key not in self.store:
                raise SavedModelError(f"model {self.name!r} has no value {key!r}")
            old, new = self.store.read(key), value if value is None else np.asarray(value)
            if new is not None and (old.shape, old.dtype) != (new.shape, new.dtype):
                raise SavedModelError(
                    f"value {key!r} of model {self.name!r} is {old.dtype} {old.shape}; found "
                    f"{new.dtype} {new.shape}"
                )
        return replace(self, store=self.store.with_changes(values))
