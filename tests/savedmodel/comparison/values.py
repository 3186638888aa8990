"""TensorFlow's values as the values of `anyhub.savedmodel.structured`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import struct_pb2
from tensorflow.python.framework import tensor_spec, type_spec_registry
from tensorflow.python.saved_model import nested_structure_coder

from anyhub.savedmodel.dtypes import DType, dtype_by_name, dtype_by_number
from anyhub.savedmodel.structured import NamedTuple, TensorShape, TensorSpec, TypeSpec

if TYPE_CHECKING:
    from anyhub.savedmodel.shapes import Shape

_CODEC = nested_structure_coder.BuiltInTypeSpecCodec
_KINDS = dict(zip(_CODEC._BUILT_IN_TYPE_SPECS, _CODEC._BUILT_IN_TYPE_SPEC_PROTOS, strict=True))


def ours(value: Any) -> Any:
    """Translate a value of Python or TensorFlow."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tf.TensorShape):
        return TensorShape(shape(value))
    if isinstance(value, tf.DType):
        return dtype(value)
    if isinstance(value, tf.TypeSpec):
        return _spec(value)
    if isinstance(value, np.ndarray | np.generic | tf.Tensor):
        return array(value)
    return _nest(value)


def _nest(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: ours(item) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        pairs = zip(value._fields, value, strict=True)
        return NamedTuple(type(value).__name__, tuple((key, ours(item)) for key, item in pairs))
    if isinstance(value, tuple):
        return tuple(ours(item) for item in value)
    if isinstance(value, list):
        return [ours(item) for item in value]
    raise TypeError(f"no translation for {type(value).__name__} {value!r}")


def _spec(value: Any) -> Any:
    if isinstance(value, tensor_spec.BoundedTensorSpec):
        bounds = array(value.minimum), array(value.maximum)
        return TensorSpec(shape(value.shape), dtype(value.dtype), value.name or "", *bounds)
    if type(value) is tf.TensorSpec:
        return TensorSpec(shape(value.shape), dtype(value.dtype), value.name or "")
    enumeration = struct_pb2.TypeSpecProto.TypeSpecClass
    number = _KINDS.get(type(value), struct_pb2.TypeSpecProto.REGISTERED_TYPE_SPEC)
    name = (
        type(value).__name__ if type(value) in _KINDS else type_spec_registry.get_name(type(value))
    )
    count = len(tf.nest.flatten(value._component_specs, expand_composites=True))
    return TypeSpec(enumeration.Name(number), name, ours(value._serialize()), count)


def shape(value: Any) -> Shape:
    """Translate a TensorShape."""
    return None if value.rank is None else tuple(value.as_list())


def dtype(value: Any) -> DType:
    """Translate a DType; both its number and its name have to agree."""
    found = dtype_by_number(value.as_datatype_enum)
    assert found.is_reference or found == dtype_by_name(value.name)
    return found


def array(value: Any) -> np.ndarray[Any, Any]:
    """Translate what NumPy or TensorFlow hold strings in."""
    # NumPy would take zeros at the end of bytes for padding.
    result = np.array(value, object if isinstance(value, bytes) else None)
    if result.dtype.kind in "OSU":
        items = [v.encode() if isinstance(v, str) else bytes(v) for v in result.ravel().tolist()]
        result = np.array([*items, None], object)[:-1].reshape(result.shape)
    return result
