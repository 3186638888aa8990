"""Nests of Python values and arrays turned into what a function takes in their place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from anyhub.engines.portable import values
from anyhub.engines.portable.arguments import CONVERTED, WIDENED, fit
from anyhub.engines.portable.backends import primitives
from anyhub.errors import InputError
from anyhub.savedmodel.structured import TensorSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

_core = primitives("core")


def to_tensors(value: Any, specs: Sequence[Any], float_dtype: str | None = None) -> Any:
    """Convert a nest as far as it fits.

    Args:
        value: A nest of tensors, arrays and Python values.
        specs: What each form of the function takes in this place.
        float_dtype: What floats become where no spec says it, None to leave them.

    Returns:
        The nest with tensors where the specs have them; strings are arrays of `bytes` objects.
    """
    if isinstance(value, dict):
        return {
            key: to_tensors(item, _items(specs, dict, key), float_dtype)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)) and (_are_nests(specs) or not _is_literal(value)):
        items = [
            to_tensors(item, _items(specs, (list, tuple), index), float_dtype)
            for index, item in enumerate(value)
        ]
        return items if isinstance(value, list) else tuple(items)
    return _to_tensor(value, [s for s in specs if isinstance(s, TensorSpec)], float_dtype)


def _to_tensor(value: Any, specs: Sequence[TensorSpec], float_dtype: str | None) -> Any:
    if isinstance(value, keras.KerasTensor):
        return value
    plain = _core.dense(value) if keras.ops.is_tensor(value) else _array(value)
    for strictness in (CONVERTED, WIDENED):
        for spec in specs:
            try:
                fitted = fit(plain, TensorSpec(None, spec.dtype), strictness)
            except InputError:
                # The call itself will say it, beside what is accepted.
                continue
            if fitted is not None:
                return _on_device(fitted)
    if not specs and float_dtype is not None and "float" in values.dtype_name(plain):
        return values.cast(values.to_device(plain), float_dtype)
    return _on_device(plain)


def _array(value: Any) -> Any:
    """An array, or the value itself where it is neither numbers nor strings."""
    try:
        array = np.asarray(value)
    except ValueError:
        # A list whose items differ in shape.
        return value
    if array.dtype.kind == "O" and not all(isinstance(item, (str, bytes)) for item in array.flat):
        return value
    return array.astype(object) if array.dtype.kind in "SU" else array


def _on_device(value: Any) -> Any:
    is_text = values.is_host(value) and value.dtype.hasobject
    return value if is_text else values.to_device(value)


def _is_literal(value: Any) -> bool:
    """Whether a list holds only Python numbers and strings, so that it is one tensor."""
    if isinstance(value, (list, tuple)):
        return all(_is_literal(item) for item in value)
    return isinstance(value, (bool, int, float, complex, str, bytes))


def _are_nests(specs: Sequence[Any]) -> bool:
    return bool(specs) and all(isinstance(spec, (list, tuple)) for spec in specs)


def _items(specs: Sequence[Any], kind: Any, key: Any) -> list[Any]:
    found = []
    for spec in specs:
        if not isinstance(spec, kind):
            continue
        if isinstance(spec, dict):
            found += [spec[key]] if key in spec else []
        elif key < len(spec):
            found.append(spec[key])
    return found
