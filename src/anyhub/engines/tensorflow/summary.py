"""What a SavedModel offers, read from its file without loading it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from anyhub.engines.tensorflow.metadata import read_saved_model_proto

if TYPE_CHECKING:
    from anyhub.savedmodel import ModelLayout

# What TensorFlow adds to the signatures for its own use.
_INTERNAL_SIGNATURES = frozenset({"__saved_model_init_op", "__saved_model_train_op"})


@dataclass(frozen=True)
class TensorSummary:
    """An input or output of a signature.

    Attributes:
        name: Its key in the signature.
        dtype: Name of the dtype.
        shape: Dimensions, None where any size fits; None as a whole for any rank.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...] | None

    @property
    def shape_text(self) -> str:
        """The shape as `(?, 3)`."""
        if self.shape is None:
            return "any shape"
        return f"({', '.join('?' if size is None else str(size) for size in self.shape)})"


@dataclass(frozen=True)
class SignatureSummary:
    """A signature: a named function from tensors to tensors."""

    name: str
    inputs: tuple[TensorSummary, ...]
    outputs: tuple[TensorSummary, ...]


@dataclass(frozen=True)
class VariantSummary:
    """A graph variant (metagraph) and its signatures."""

    tags: tuple[str, ...]
    signatures: tuple[SignatureSummary, ...]


@dataclass(frozen=True)
class ModelSummary:
    """A model.

    Attributes:
        path: Its directory.
        format: "SavedModel" or "TF1 Hub".
        tensorflow_version: The version that wrote it.
        variants: Its graph variants.
        callables: Functions of the root object by name, with the number of traces.
        variables: How many variables the object graph (or the TF1 graph) has.
        functions: How many functions the library has.
    """

    path: str
    format: str
    tensorflow_version: str
    variants: tuple[VariantSummary, ...]
    callables: dict[str, int]
    variables: int
    functions: int

    def to_dict(self) -> dict[str, Any]:
        """The summary as JSON values."""
        return asdict(self)


def summarize(layout: ModelLayout) -> ModelSummary:
    """Summarize a model.

    Raises:
        SavedModelError: The file is damaged.
    """
    graphs = read_saved_model_proto(layout).meta_graphs
    first = graphs[0]
    return ModelSummary(
        path=str(layout.root),
        format=layout.format.value,
        tensorflow_version=first.meta_info_def.tensorflow_version or "unknown",
        variants=tuple(_variant(graph) for graph in graphs),
        callables=_callables(first.object_graph_def.nodes),
        variables=_count_variables(first),
        functions=len(first.graph_def.library.function),
    )


def _variant(graph: Any) -> VariantSummary:
    names = sorted(set(graph.signature_def) - _INTERNAL_SIGNATURES)
    signatures = tuple(
        SignatureSummary(
            name,
            _tensors(graph.signature_def[name].inputs),
            _tensors(graph.signature_def[name].outputs),
        )
        for name in names
    )
    return VariantSummary(tuple(sorted(graph.meta_info_def.tags)), signatures)


def _tensors(infos: Any) -> tuple[TensorSummary, ...]:
    return tuple(_tensor(name, infos[name]) for name in sorted(infos))


def _tensor(name: str, info: Any) -> TensorSummary:
    sizes = (
        None
        if info.tensor_shape.unknown_rank
        else tuple(None if dim.size < 0 else dim.size for dim in info.tensor_shape.dim)
    )
    dtype = tf.dtypes.as_dtype(info.dtype).name if info.dtype else "unknown"
    return TensorSummary(name, dtype, sizes)


def _callables(nodes: Any) -> dict[str, int]:
    if not nodes:
        return {}
    found = {}
    for child in nodes[0].children:
        node = nodes[child.node_id]
        if node.WhichOneof("kind") == "function" and node.function.concrete_functions:
            found[child.local_name] = len(node.function.concrete_functions)
    return found


def _count_variables(graph: Any) -> int:
    if graph.object_graph_def.nodes:
        kinds = (node.WhichOneof("kind") for node in graph.object_graph_def.nodes)
        return sum(kind == "variable" for kind in kinds)
    kinds = (node.op for node in graph.graph_def.node)
    return sum(kind in ("VarHandleOp", "VariableV2", "Variable") for kind in kinds)
