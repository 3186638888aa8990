"""Values on the two planes, and the way from one to the other.

A value on the host is a NumPy array; strings are arrays of `bytes` objects. A value on the device
is a tensor of the Keras backend. A tensor has the element type that TensorFlow's would have, with
one exception: on JAX without 64-bit types it has 32 bits, as JAX has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.errors import HostValueError

if TYPE_CHECKING:
    from anyhub.graph.const_call import Array

_core = primitives("core")

device_dtype = _core.device_dtype
"""The name of the element type that stands for a type now, e.g. "int32" for "int64" on JAX.

Never pass the name of a 64-bit type to `keras.ops`: pass it through here, or use `cast`.
"""

is_traced = _core.is_traced
"""Whether a tensor's value is known only when compiled code runs."""


def is_host(value: Any) -> TypeGuard[Array]:
    """Whether a value is on the host."""
    return type(value) is np.ndarray


def to_host(value: Any) -> Array:
    """A value as an array.

    Raises:
        HostValueError: It is known only when compiled code runs.
    """
    return value if is_host(value) else _core.to_host(value)


def to_device(value: Any) -> Any:
    """A value as a tensor.

    Raises:
        EngineError: It is of a type that the backend lacks, or holds 64-bit integers that do not
            fit where there are only 32 bits.
    """
    return _core.to_device(value) if is_host(value) else value


def cast(tensor: Any, dtype: str) -> Any:
    """A tensor with another element type; conversions are the backend's."""
    return _core.cast(tensor, dtype)


def dtype_name(value: Any) -> str:
    """The name of a value's element type, "string" for strings."""
    if is_host(value):
        return "string" if value.dtype.hasobject else value.dtype.name
    name: str = _core.dtype_name(value)
    return name


def shape_of(value: Any) -> tuple[int, ...]:
    """The sizes of a value's dimensions.

    Raises:
        HostValueError: One is not known before the compiled code runs.
    """
    shape = tuple(value.shape)
    if any(type(size) is not int for size in shape):
        # None on TensorFlow, symbols where JAX exports for any batch size.
        raise HostValueError(
            f"the sizes of a tensor of shape {shape} are needed while the model is compiled; give "
            "it inputs of fixed sizes"
        )
    return shape


def open_shape(value: Any) -> tuple[int | None, ...]:
    """The sizes of a value's dimensions, on TensorFlow None where only a run will tell."""
    return tuple(value.shape)
