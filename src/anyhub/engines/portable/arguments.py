"""One argument: whether a value fits a place for a tensor, and what becomes of it.

The rules are those of TensorFlow's restored functions (`function_deserialization.py`): tensors
have to be of the element type of the place, Python values and arrays are converted where their
kind allows it. Beyond that a tensor may have another width of the same kind: JAX and torch make
tensors of 32 or 64 bits where TensorFlow would make the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from anyhub.engines.portable import values
from anyhub.engines.portable.backends import primitives
from anyhub.errors import InputError
from anyhub.savedmodel.dtypes import dtype_by_name

if TYPE_CHECKING:
    from anyhub.savedmodel.shapes import Shape
    from anyhub.savedmodel.structured import TensorSpec

_core = primitives("core")

EXACT, CONVERTED, WIDENED = range(3)
"""How strictly a value has to fit; each is tried only where nothing stricter fits."""

_FLOATS = ("float", "bfloat")


def is_tensor(value: Any) -> bool:
    """Whether a value is a tensor of the backend."""
    return bool(keras.ops.is_tensor(value))


def plain_value(value: Any) -> Any:
    """What a caller passed as a tensor, array or Python value; other frameworks' as arrays."""
    if isinstance(value, keras.Variable):
        return value.value
    if isinstance(value, keras.KerasTensor):
        raise InputError(
            f"{value} has no values yet; a loaded model computes at once: wrap it in a "
            "hub.KerasLayer to make it part of a Keras model"
        )
    if is_tensor(value):
        return _core.dense(value)
    if not hasattr(value, "__array__"):
        return value
    array = np.asarray(value)
    return array.astype(object) if array.dtype.kind in "SU" else array


def fit(value: Any, spec: TensorSpec, strictness: int) -> Any:
    """Put a value in the place of a tensor.

    Args:
        value: What `plain_value` returned.
        spec: The place.
        strictness: `EXACT`, `CONVERTED` or `WIDENED`.

    Returns:
        A tensor, maybe of another width; or an array where the place is for integers, booleans or
        strings; None if the value does not fit.
    """
    if is_tensor(value):
        return _fit_tensor(value, spec, strictness)
    if strictness == EXACT:
        return None
    array = _as_array(value, spec.dtype.name)
    if array is None or not _fits_shape(array.shape, spec.shape):
        return None
    return _on_device(array) if _is_float(spec.dtype.name) else array


def _on_device(array: Any) -> Any:
    # Not rounded: whoever runs the function knows whether it has 64-bit types.
    with _core.wide_types():
        return values.to_device(array)


def _fit_tensor(tensor: Any, spec: TensorSpec, strictness: int) -> Any:
    if not _fits_shape(values.open_shape(tensor), spec.shape):
        return None
    found, wanted = values.dtype_name(tensor), spec.dtype.name
    if found == wanted:
        return tensor
    if strictness != WIDENED or _kind(found) != _kind(wanted) or wanted in ("string", "bool"):
        return None
    if _kind(wanted) == "int" and not values.is_traced(tensor):
        _check_range(values.to_host(tensor), wanted)
    return tensor


def _as_array(value: Any, wanted: str) -> Any:
    try:
        array = np.asarray(value)
    except ValueError:
        # A list whose items differ in shape.
        return None
    if array.dtype.kind in "OSU":
        return _as_strings(array) if wanted == "string" else None
    dtype = dtype_by_name(wanted).numpy
    if dtype is None or not _converts(array.dtype.name, wanted):
        # An empty list has no element type of its own.
        is_empty = dtype is not None and isinstance(value, list) and not array.size
        return array.astype(dtype) if is_empty else None
    if _kind(wanted) == "int":
        _check_range(array, wanted)
    return array.astype(dtype, copy=False)


def _as_strings(array: Any) -> Any:
    items = [v.encode() if isinstance(v, str) else v for v in array.ravel().tolist()]
    if not all(isinstance(item, bytes) for item in items):
        return None
    made = np.empty(len(items), object)
    made[:] = items
    return made.reshape(array.shape)


def _converts(found: str, wanted: str) -> bool:
    """TensorFlow's rule for arrays and Python values."""
    kinds = {"int": ("int",), "float": ("int", "float"), "complex": ("int", "float", "complex")}
    return found == wanted or _kind(found) in kinds.get(_kind(wanted), ())


def _kind(name: str) -> str:
    if name.startswith(("int", "uint")):
        return "int"
    if name.startswith(_FLOATS):
        return "float"
    return "complex" if name.startswith("complex") else name


def _is_float(name: str) -> bool:
    return _kind(name) in ("float", "complex")


def _check_range(array: Any, wanted: str) -> None:
    dtype = np.dtype(wanted) if wanted in np.sctypeDict else dtype_by_name(wanted).numpy
    if array.size and array.dtype != dtype and not np.array_equal(array.astype(dtype), array):
        raise InputError(
            f"integers from {array.min()} to {array.max()} were passed where the model takes "
            f"{wanted}, into which they do not fit"
        )


def _fits_shape(found: tuple[int | None, ...], wanted: Shape) -> bool:
    if wanted is None:
        return True
    return len(found) == len(wanted) and all(
        w is None or f is None or f == w for f, w in zip(found, wanted, strict=True)
    )
