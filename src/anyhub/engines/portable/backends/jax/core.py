"""Between NumPy and JAX."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.sparse import JAXSparse

from anyhub.engines.portable.errors import HostValueError
from anyhub.errors import EngineError

_NARROW = {
    "int64": "int32", "uint64": "uint32", "float64": "float32", "complex128": "complex64",
}  # fmt: skip
_SOMETHING = np.zeros((), bool)
# Bytes; JAX copies what lies otherwise.
_ALIGNMENT = 64

NO_VARIABLES = frozenset[str]()
"""Element types of which Keras has no variables here."""


def device_dtype(name: str) -> str:
    """The type that stands for a type now."""
    return name if jax.config.jax_enable_x64 else _NARROW.get(name, name)


def is_traced(value: Any) -> bool:
    """Whether a value is a tracer."""
    return isinstance(value, jax.core.Tracer)


def is_tracing() -> bool:
    """Whether ops on concrete arrays would become part of a trace."""
    return is_traced(jax.device_put(_SOMETHING))


def to_host(value: Any) -> Any:
    """A concrete array's value."""
    if isinstance(value, jax.core.Tracer):
        raise HostValueError(
            f"a value of type {value.dtype} {value.shape} is needed while the model is compiled"
        )
    return np.asarray(value)


def to_device(value: Any) -> Any:
    """An array on JAX's default device, the same inside and outside of traces."""
    if value.dtype.hasobject:
        raise EngineError("strings stay on the host; JAX has no type for them")
    if not jax.config.jax_enable_x64 and value.dtype.name in _NARROW:
        value = _narrowed(value)
    # jnp.asarray would compile a program for each new shape, some milliseconds each.
    with jax.ensure_compile_time_eval():
        return jax.device_put(_own_copy(value))


def _own_copy(value: Any) -> Any:
    """A copy where JAX uses it in place, so that later changes of the original do not show."""
    room = np.empty(value.nbytes + _ALIGNMENT, np.uint8)
    start = -room.ctypes.data % _ALIGNMENT
    copy = room[start : start + value.nbytes].view(value.dtype).reshape(value.shape)
    copy[...] = value
    return copy


def _narrowed(value: Any) -> Any:
    narrow = value.astype(_NARROW[value.dtype.name])
    if value.dtype.kind in "iu" and not np.array_equal(narrow, value):
        worst = value.ravel()[int(np.argmax(np.abs(value.astype(np.float64))))]
        raise EngineError(
            f"the integer {worst} does not fit into 32 bits, and JAX computes without 64-bit types "
            "here; run jax.config.update('jax_enable_x64', True) first, or call the model outside "
            "of your own jax.jit"
        )
    return narrow


def cast(tensor: Any, dtype: str) -> Any:
    """Convert, complex numbers to their real part."""
    wanted = device_dtype(dtype)
    if tensor.dtype == wanted:
        return tensor
    if jnp.iscomplexobj(tensor) and "complex" not in wanted:
        tensor = jnp.real(tensor)
    return jax.lax.convert_element_type(tensor, wanted)


def dtype_name(tensor: Any) -> str:
    """The name of the element type."""
    name: str = tensor.dtype.name
    return name


def wide_types() -> AbstractContextManager[Any]:
    """A context in which 64-bit types are what they are."""
    context: AbstractContextManager[Any] = jax.enable_x64(True)
    return context


def eagerly() -> AbstractContextManager[Any]:
    """A context in which ops on concrete arrays are computed at once, even inside of a trace."""
    context: AbstractContextManager[Any] = jax.ensure_compile_time_eval()
    return context


def can_keep(array: Any) -> bool:
    """Whether the tensor of an array is the same at any time."""
    return array.dtype.name not in _NARROW


def infers_shapes() -> bool:
    """Whether tensors that are made now would have no data."""
    return False


def guarded(node: Any, compute: Any, is_raw: bool) -> Any:  # noqa: ARG001 - see tensorflow's
    """The function of a node, with a way out where a host value is not known."""
    return compute


def variable_dtype(name: str, value: Any) -> str:
    """The element type of the Keras variable for a variable.

    Where the user has 32-bit types, training steps of Keras run with them, so counters have 32 bits
    where they fit.
    """
    narrow = device_dtype(name)
    is_integer = value.dtype.kind in "iu"
    return narrow if is_integer and np.array_equal(value.astype(narrow), value) else name


def dense(tensor: Any) -> Any:
    """The tensor itself, without the gaps of a sparse one."""
    return tensor.todense() if isinstance(tensor, JAXSparse) else tensor


def check_fits(value: Any, dtype: str) -> None:
    """Refuse integers that do not fit into a type.

    Raises:
        EngineError: They do not.
    """
    array = np.asarray(value)
    if not np.array_equal(array.astype(dtype), array):
        raise EngineError(
            f"a variable of 64-bit integers is kept in {dtype} on JAX without 64-bit types; its "
            "new value does not fit, and no variable was changed; run "
            "jax.config.update('jax_enable_x64', True) before the model is loaded"
        )


def read_variable(variable: Any) -> Any:
    """The value of a Keras variable."""
    return variable.value


def write_variable(variable: Any, value: Any) -> None:
    """Change the value of a Keras variable."""
    variable.assign(value)
