"""Tensors inside messages: TensorProto to NumPy arrays and back.

Source: `tensorflow/core/framework/tensor.proto` and `Tensor::FromProto`: either `tensor_content`
holds the bytes of all elements (little-endian, row by row), or a typed field holds them, where a
field that is too short is continued with its last value, and an empty one with zero.

A few bytes can so describe a tensor of gigabytes. One that has a single value everywhere takes no
memory here: it is a view of that value. Other repetitions are limited to `MAX_EXPANSION`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from anyhub.errors import SavedModelError
from anyhub.savedmodel import schema
from anyhub.savedmodel.dtypes import DType, dtype_by_number, dtype_of_array
from anyhub.savedmodel.shapes import read_shape, shape_proto

MAX_BYTES = 1 << 31
"""No message can be larger, so nothing that one describes needs to be."""
MAX_EXPANSION = 1 << 27
"""Most bytes of a tensor whose message ends with the first of many equal values."""

_FIELDS = {
    "float32": "float_val", "float64": "double_val", "int32": "int_val", "uint8": "int_val",
    "int16": "int_val", "int8": "int_val", "uint16": "int_val", "qint8": "int_val",
    "quint8": "int_val", "qint16": "int_val", "quint16": "int_val", "qint32": "int_val",
    "int4": "int_val", "uint4": "int_val", "int2": "int_val", "uint2": "int_val",
    "int64": "int64_val", "bool": "bool_val", "uint32": "uint32_val", "uint64": "uint64_val",
    "float16": "half_val", "bfloat16": "half_val", "string": "string_val",
    "complex64": "scomplex_val", "complex128": "dcomplex_val",
    "float8_e5m2": "float8_val", "float8_e4m3fn": "float8_val", "float8_e4m3fnuz": "float8_val",
    "float8_e4m3b11fnuz": "float8_val", "float8_e5m2fnuz": "float8_val",
    "float4_e2m1fn": "float8_val",
}  # fmt: skip


def read_tensor(proto: Any) -> np.ndarray[Any, Any]:
    """Read a TensorProto.

    Args:
        proto: The message.

    Returns:
        An array that must not be written to; strings are objects of type bytes.

    Raises:
        SavedModelError: The message contradicts itself, or its type has no values.
    """
    dtype = dtype_by_number(proto.dtype)
    shape = read_shape(proto.tensor_shape)
    if shape is None or None in shape:
        raise SavedModelError(f"a tensor constant has the shape {shape}; it must be fully known")
    if dtype.numpy is None or dtype.is_reference:
        raise SavedModelError(f"a tensor constant has the type {dtype.name!r}, which has no values")
    sizes = tuple(size for size in shape if size is not None)
    count = math.prod(sizes)
    if count * dtype.numpy.itemsize > MAX_BYTES:
        raise SavedModelError(f"a tensor constant of shape {shape} would need over 2 GiB")
    if proto.tensor_content:
        values = _from_content(proto.tensor_content, dtype, count)
    else:
        values = _from_field(proto, dtype)
    try:
        result = _fill(values, sizes, count)
    except ValueError as error:
        raise SavedModelError(f"a tensor constant of shape {shape}: {error}") from error
    result.flags.writeable = False
    return result


def tensor_proto(value: Any, dtype: DType | None = None) -> Any:
    """Make a TensorProto.

    Args:
        value: An array or scalar; strings as bytes or str.
        dtype: Its type, where NumPy's is not the whole truth (quantized types).
    """
    array = np.asarray(value)
    dtype = dtype or dtype_of_array(array)
    proto = schema.TensorProto(dtype=dtype.number, tensor_shape=shape_proto(array.shape))
    if dtype.name == "string":
        texts = (v.encode() if isinstance(v, str) else bytes(v) for v in array.ravel().tolist())
        proto.string_val.extend(texts)
    else:
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        proto.tensor_content = np.ascontiguousarray(little).tobytes()
    return proto


def _from_content(content: bytes, dtype: DType, count: int) -> np.ndarray[Any, Any]:
    if dtype.name == "string":
        raise SavedModelError("a string constant has raw content; strings are kept one by one")
    if len(content) != count * dtype.itemsize:
        raise SavedModelError(
            f"a tensor constant of {count} {dtype.name} elements has {len(content)} bytes, "
            f"expected {count * dtype.itemsize}"
        )
    return np.frombuffer(content, dtype.numpy)


def _from_field(proto: Any, dtype: DType) -> np.ndarray[Any, Any]:
    """The values that the message lists, at least one."""
    field = _FIELDS[dtype.name]
    values = getattr(proto, field)
    if not values:
        return np.array([b""], object) if dtype.name == "string" else np.zeros(1, dtype.numpy)
    if field == "float8_val":
        return np.frombuffer(values, dtype.numpy)
    if field == "half_val":
        return np.array(values, np.int64).astype(np.uint16).view(dtype.numpy)
    if field == "int_val":
        return np.array(values, np.int64).astype(dtype.numpy)
    if field.endswith("complex_val"):
        part = np.float32 if field == "scomplex_val" else np.float64
        if len(values) % 2:
            raise SavedModelError(f"a {dtype.name} constant has an odd number of parts")
        return np.array(values, part).view(dtype.numpy)
    return np.array([*values], dtype.numpy)


def _fill(values: np.ndarray[Any, Any], sizes: tuple[int, ...], count: int) -> np.ndarray[Any, Any]:
    """Continue with the last value, as TensorFlow does."""
    if len(values) == 1:
        return np.broadcast_to(values.reshape(()), sizes)
    if len(values) > count:
        raise SavedModelError(f"a tensor constant of {count} elements has {len(values)} values")
    if len(values) < count:
        if count * values.itemsize > MAX_EXPANSION:
            raise SavedModelError(
                f"a tensor constant of shape {sizes} lists {len(values)} values and repeats the "
                f"last, which is done up to {MAX_EXPANSION >> 20} MiB"
            )
        repeated = np.empty(count, values.dtype)
        repeated[: len(values)] = values
        repeated[len(values) :] = values[-1]
        values = repeated
    return values.reshape(sizes)
