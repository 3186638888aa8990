"""Between NumPy and TensorFlow."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import tensorflow as tf

from anyhub.engines.portable.errors import HostValueError
from anyhub.errors import EngineError

NO_VARIABLES = frozenset[str]()
"""Element types of which Keras has no variables here."""


def device_dtype(name: str) -> str:
    """The type that stands for a type now: itself."""
    return name


def is_traced(value: Any) -> bool:
    """Whether a value is symbolic."""
    return tf.is_tensor(value) and not _is_eager(value) and tf.get_static_value(value) is None


def _is_eager(value: Any) -> bool:
    return tf.executing_eagerly() and tf.is_tensor(value) and hasattr(value, "numpy")


def to_host(value: Any) -> Any:
    """A tensor's value."""
    if isinstance(value, tf.Variable):
        value = value.read_value()
    found = value.numpy() if _is_eager(value) else tf.get_static_value(value)
    if found is None:
        raise HostValueError(
            f"a value of type {value.dtype.name} {value.shape} is needed while the model is "
            "compiled"
        )
    return found


def to_device(value: Any) -> Any:
    """A tensor, the same inside and outside of functions."""
    if value.dtype.hasobject:
        raise EngineError("strings stay on the host")
    with tf.init_scope():
        return tf.constant(value)


def cast(tensor: Any, dtype: str) -> Any:
    """Convert, complex numbers to their real part."""
    return tf.cast(tensor, dtype) if tensor.dtype.name != dtype else tf.convert_to_tensor(tensor)


def dtype_name(tensor: Any) -> str:
    """The name of the element type."""
    name: str = tensor.dtype.name
    return name


def wide_types() -> AbstractContextManager[Any]:
    """A context in which 64-bit types are what they are: they always are."""
    return nullcontext()


def eagerly() -> AbstractContextManager[Any]:
    """A context in which ops on concrete tensors are computed at once, inside of functions too."""
    context: AbstractContextManager[Any] = tf.init_scope()
    return context


def can_keep(array: Any) -> bool:  # noqa: ARG001 - other backends look at it
    """Whether the tensor of an array is the same at any time."""
    return True


def infers_shapes() -> bool:
    """Whether tensors that are made now would have no data."""
    return False


def guarded(node: Any, compute: Any, is_raw: bool) -> Any:
    """The function of a node, with a way out where a host value is not known.

    In functions with a free batch size sizes are tensors: then TensorFlow's own op takes over.
    """
    from anyhub.engines.portable.backends.tensorflow.native import native

    own = native(node)

    def run(*values: Any) -> Any:
        try:
            return compute(*values)
        except (HostValueError, TypeError, ValueError):
            # The latter two come of computing with sizes that are None.
            inputs = values[1:] if is_raw else values
            is_open = any(map(_is_open, inputs)) and all(map(_is_plain, inputs))
            if tf.executing_eagerly() or own is None or not is_open:
                raise
            return own(*inputs)

    return run


def _is_plain(value: Any) -> bool:
    return isinstance(value, np.ndarray) or tf.is_tensor(value)


def _is_open(value: Any) -> bool:
    """Whether only a run will tell a tensor's sizes, or what it holds."""
    if not tf.is_tensor(value):
        return False
    return not value.shape.is_fully_defined() or tf.get_static_value(value) is None


def variable_dtype(name: str, value: Any) -> str:  # noqa: ARG001 - JAX looks at the value
    """The element type of the Keras variable for a variable: the same."""
    return name


def dense(tensor: Any) -> Any:
    """The tensor itself, without the gaps of a sparse one; Keras makes them of x * 2 in models."""
    return tf.sparse.to_dense(tensor) if isinstance(tensor, tf.SparseTensor) else tensor


def check_fits(value: Any, dtype: str) -> None:
    """Refuse integers that do not fit: all do."""


def apart(results: list[Any], captures: Any) -> list[Any]:  # noqa: ARG001 - see torch's
    """Results that share no memory with variables: none does."""
    return results


def read_variable(variable: Any) -> Any:
    """The value of a Keras variable."""
    return variable.value


def write_variable(variable: Any, value: Any) -> None:
    """Change the value of a Keras variable."""
    variable.assign(value)
