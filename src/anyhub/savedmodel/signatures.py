"""Signatures: named functions from tensors to tensors.

Source: `tensorflow/core/protobuf/meta_graph.proto`, messages TensorInfo and SignatureDef.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from anyhub.errors import SavedModelError
from anyhub.savedmodel import schema
from anyhub.savedmodel.dtypes import DType, dtype_by_number
from anyhub.savedmodel.shapes import Shape, read_shape, shape_proto, shape_text
from anyhub.savedmodel.tensors import read_tensor, tensor_proto

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

# What TensorFlow adds to the signatures for its own use: ops to run, not functions to call.
INTERNAL_SIGNATURES = frozenset({"__saved_model_init_op", "__saved_model_train_op"})


@dataclass(frozen=True)
class TensorInfo:
    """A tensor of the graph that a signature takes or gives.

    Attributes:
        names: Names in the graph, e.g. ("x:0",); of values, indices and dense shape for a sparse
            tensor, of all components for a composite one.
        dtype: Element type; None where none is given (an op of the graph, not a tensor).
        shape: Dimensions.
        encoding: "dense", "sparse" or "composite".
    """

    names: tuple[str, ...]
    dtype: DType | None
    shape: Shape
    encoding: str = "dense"

    def __str__(self) -> str:
        prefix = "" if self.encoding == "dense" else f"{self.encoding} "
        return f"{prefix}{self.dtype.name if self.dtype else 'op'} {shape_text(self.shape)}"


@dataclass(frozen=True)
class Signature:
    """A signature.

    Attributes:
        inputs: Tensors to feed, by the names that callers use.
        outputs: Tensors to fetch.
        method_name: What servers take it for, e.g. "tensorflow/serving/predict".
        defaults: Values of inputs that callers may leave out.
    """

    inputs: Mapping[str, TensorInfo]
    outputs: Mapping[str, TensorInfo]
    method_name: str = "tensorflow/serving/predict"
    defaults: Mapping[str, np.ndarray[Any, Any]] = field(default_factory=dict)


def read_signature(proto: Any) -> Signature:
    """Read a SignatureDef.

    Raises:
        SavedModelError: A type, shape or default value makes no sense.
    """
    return Signature(
        inputs={key: read_tensor_info(proto.inputs[key]) for key in sorted(proto.inputs)},
        outputs={key: read_tensor_info(proto.outputs[key]) for key in sorted(proto.outputs)},
        method_name=proto.method_name,
        defaults={key: read_tensor(proto.defaults[key]) for key in sorted(proto.defaults)},
    )


def read_tensor_info(proto: Any) -> TensorInfo:
    """Read a TensorInfo."""
    dtype = dtype_by_number(proto.dtype) if proto.dtype else None
    shape = read_shape(proto.tensor_shape)
    encoding = proto.WhichOneof("encoding")
    if encoding == "coo_sparse":
        coo = proto.coo_sparse
        names = (coo.values_tensor_name, coo.indices_tensor_name, coo.dense_shape_tensor_name)
        return TensorInfo(names, dtype, shape, "sparse")
    if encoding == "composite_tensor":
        parts = tuple(part.name for part in proto.composite_tensor.components)
        return TensorInfo(parts, dtype, shape, "composite")
    return TensorInfo((proto.name,), dtype, shape)


def signature_proto(signature: Signature) -> Any:
    """Make a SignatureDef.

    Raises:
        SavedModelError: A tensor is composite, which only a copy of an existing message can be.
    """
    proto = schema.SignatureDef(method_name=signature.method_name)
    for field_name in ("inputs", "outputs"):
        for key, info in getattr(signature, field_name).items():
            _write_tensor_info(getattr(proto, field_name)[key], info)
    for key, value in signature.defaults.items():
        proto.defaults[key].CopyFrom(tensor_proto(value))
    return proto


def _write_tensor_info(proto: Any, info: TensorInfo) -> None:
    if info.encoding == "dense":
        (proto.name,) = info.names
    elif info.encoding == "sparse":
        values, indices, dense_shape = info.names
        proto.coo_sparse.values_tensor_name = values
        proto.coo_sparse.indices_tensor_name = indices
        proto.coo_sparse.dense_shape_tensor_name = dense_shape
    else:
        raise SavedModelError(
            f"cannot write a signature with the composite tensor {info.names!r}: its type is not "
            "kept in this value; edit the message of the model instead"
        )
    if info.dtype is not None:
        proto.dtype = info.dtype.number
        proto.tensor_shape.CopyFrom(shape_proto(info.shape))
