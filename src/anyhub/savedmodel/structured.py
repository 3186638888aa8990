"""Structured values: how a SavedModel describes arguments and results of functions.

Source: `tensorflow/core/protobuf/struct.proto` and `nested_structure_coder.py`, whose Python
values these are, with TensorFlow's types replaced by the dataclasses below.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from anyhub.errors import SavedModelError
from anyhub.savedmodel import schema
from anyhub.savedmodel.dtypes import DType, dtype_by_number
from anyhub.savedmodel.shapes import Shape, read_shape, shape_proto, shape_text
from anyhub.savedmodel.tensors import read_tensor, tensor_proto

_MAX_DEPTH = 90
_TYPE_SPECS = schema.message_class("TypeSpecProto").DESCRIPTOR.enum_types_by_name["TypeSpecClass"]


@dataclass(frozen=True)
class TensorSpec:
    """A place for a tensor.

    Attributes:
        shape: Dimensions; None for any size, or as a whole for any rank.
        dtype: Element type.
        name: Name of the argument, "" if it has none.
        minimum: Smallest value of each element, for bounded specs.
        maximum: Largest value of each element, for bounded specs.
    """

    shape: Shape
    dtype: DType
    name: str = ""
    minimum: np.ndarray[Any, Any] | None = None
    maximum: np.ndarray[Any, Any] | None = None

    def __str__(self) -> str:
        return f"{self.dtype.name} {shape_text(self.shape)}"


@dataclass(frozen=True)
class TypeSpec:
    """A place for a composite value: a sparse or ragged tensor, a variable, a user's own type.

    Attributes:
        kind: Name in the enumeration TypeSpecClass, e.g. "RAGGED_TENSOR_SPEC".
        class_name: The registered name of the Python class.
        state: What describes it, a tree of the values of this module.
        num_flat_components: How many tensors it consists of.
    """

    kind: str
    class_name: str
    state: Any
    num_flat_components: int = 0

    def __str__(self) -> str:
        return f"{self.class_name or self.kind}{self.state}"


@dataclass(frozen=True)
class NamedTuple:
    """A value of a namedtuple class that need not exist here.

    Attributes:
        name: Name of the class.
        fields: Names and values in order.
    """

    name: str
    fields: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class TensorShape:
    """A shape that is itself a value, not the shape of something."""

    dims: Shape


def read_structured(proto: Any, depth: int = 0) -> Any:
    """Read a StructuredValue.

    Returns:
        None, bool, int, float, str, list, tuple, dict with str keys, a NumPy array, or one of
        the dataclasses of this module; DType for an element type.

    Raises:
        SavedModelError: The value is empty, of an unknown kind, or nested too deeply.
    """
    if depth > _MAX_DEPTH:
        raise SavedModelError(f"structured value is nested more than {_MAX_DEPTH} levels deep")
    kind = proto.WhichOneof("kind")
    if kind is None:
        raise SavedModelError("structured value of no kind: cut short, or of a newer format")
    return _READERS[kind](getattr(proto, kind), depth + 1)


def _read_spec(proto: Any, _: int) -> TensorSpec:
    return TensorSpec(read_shape(proto.shape), dtype_by_number(proto.dtype), proto.name)


def _read_bounded_spec(proto: Any, _: int) -> TensorSpec:
    return TensorSpec(
        read_shape(proto.shape),
        dtype_by_number(proto.dtype),
        proto.name,
        read_tensor(proto.minimum),
        read_tensor(proto.maximum),
    )


def _read_type_spec(proto: Any, depth: int) -> TypeSpec:
    kind = _TYPE_SPECS.values_by_number.get(proto.type_spec_class)
    if kind is None:
        raise SavedModelError(f"type spec of unknown class {proto.type_spec_class}")
    return TypeSpec(
        kind.name,
        proto.type_spec_class_name,
        read_structured(proto.type_state, depth),
        proto.num_flat_components,
    )


_READERS: dict[str, Any] = {
    "none_value": lambda _p, _d: None,
    "float64_value": lambda p, _d: float(p),
    "int64_value": lambda p, _d: int(p),
    "string_value": lambda p, _d: str(p),
    "bool_value": lambda p, _d: bool(p),
    "tensor_shape_value": lambda p, _d: TensorShape(read_shape(p)),
    "tensor_dtype_value": lambda p, _d: dtype_by_number(p),
    "tensor_spec_value": _read_spec,
    "bounded_tensor_spec_value": _read_bounded_spec,
    "type_spec_value": _read_type_spec,
    "list_value": lambda p, d: [read_structured(v, d) for v in p.values],
    "tuple_value": lambda p, d: tuple(read_structured(v, d) for v in p.values),
    "dict_value": lambda p, d: {k: read_structured(p.fields[k], d) for k in sorted(p.fields)},
    "named_tuple_value": lambda p, d: NamedTuple(
        p.name, tuple((pair.key, read_structured(pair.value, d)) for pair in p.values)
    ),
    "tensor_value": lambda p, _d: read_tensor(p),
    "numpy_value": lambda p, _d: read_tensor(p),
}


def structured_value(value: Any) -> Any:
    """Make a StructuredValue from what `read_structured` returns.

    Raises:
        SavedModelError: The value is of a type that the format cannot hold.
    """
    proto = schema.StructuredValue()
    _write(proto, value)
    return proto


def _write(proto: Any, value: Any) -> None:
    for types, write in _WRITERS:
        if isinstance(value, types):
            write(proto, value)
            return
    raise SavedModelError(
        f"{type(value).__name__} {value!r} cannot be a structured value; accepted are None, bool, "
        "int, float, str, list, tuple, dict, arrays and specs"
    )


def _write_sequence(proto: Any, field: str, values: Any) -> None:
    holder = getattr(proto, field)
    holder.SetInParent()
    for item in values:
        _write(holder.values.add(), item)


def _write_dict(proto: Any, value: dict[str, Any]) -> None:
    proto.dict_value.SetInParent()
    for key, item in value.items():
        _write(proto.dict_value.fields[key], item)


def _write_named_tuple(proto: Any, value: NamedTuple) -> None:
    proto.named_tuple_value.name = value.name
    for key, item in value.fields:
        pair = proto.named_tuple_value.values.add(key=key)
        _write(pair.value, item)


def _write_spec(proto: Any, value: TensorSpec) -> None:
    is_bounded = value.minimum is not None
    spec = proto.bounded_tensor_spec_value if is_bounded else proto.tensor_spec_value
    spec.name = value.name
    spec.shape.CopyFrom(shape_proto(value.shape))
    spec.dtype = value.dtype.number
    if is_bounded:
        spec.minimum.CopyFrom(tensor_proto(value.minimum))
        spec.maximum.CopyFrom(tensor_proto(value.maximum))


def _write_type_spec(proto: Any, value: TypeSpec) -> None:
    spec = proto.type_spec_value
    spec.type_spec_class = _TYPE_SPECS.values_by_name[value.kind].number
    spec.type_spec_class_name = value.class_name
    spec.num_flat_components = value.num_flat_components
    _write(spec.type_state, value.state)


# In this order: bool is an int, and a NamedTuple of ours is no tuple.
_WRITERS: tuple[tuple[Any, Any], ...] = (
    (type(None), lambda p, _v: p.none_value.SetInParent()),
    (bool, lambda p, v: setattr(p, "bool_value", v)),
    (int, lambda p, v: setattr(p, "int64_value", v)),
    (float, lambda p, v: setattr(p, "float64_value", v)),
    (str, lambda p, v: setattr(p, "string_value", v)),
    (list, lambda p, v: _write_sequence(p, "list_value", v)),
    (tuple, lambda p, v: _write_sequence(p, "tuple_value", v)),
    (dict, _write_dict),
    (NamedTuple, _write_named_tuple),
    (TensorShape, lambda p, v: p.tensor_shape_value.CopyFrom(shape_proto(v.dims))),
    (DType, lambda p, v: setattr(p, "tensor_dtype_value", v.number)),
    (TensorSpec, _write_spec),
    (TypeSpec, _write_type_spec),
    (np.ndarray, lambda p, v: p.numpy_value.CopyFrom(tensor_proto(v))),
)
