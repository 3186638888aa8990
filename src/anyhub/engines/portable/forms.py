"""How values of any kind cross the borders of compiled branches and loops, which pass only tensors.

As they are, because they are the same on both sides; as tensors; or, tensor lists, as the buffers
of their elements.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from anyhub.engines.portable import values
from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.errors import HostValueError
from anyhub.engines.portable.tensor_list import TensorList

if TYPE_CHECKING:
    from collections.abc import Sequence

_control = primitives("control")

_PROBLEM = "{} is {}, depending on a value that is known only when compiled code runs"


@dataclass(frozen=True, eq=False)
class Kept:
    """A value that is the same on both sides of the border."""

    value: Any


@dataclass(frozen=True)
class Moved:
    """A tensor.

    Attributes:
        dtype: Its element type.
        shape: Its sizes, None where only a run will tell.
    """

    dtype: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True)
class Listed:
    """A tensor list of known length whose elements have a known shape.

    Attributes:
        dtype: The elements' type.
        length: How many there are.
        shape: Their shape.
        kind: An empty list of its kind.
    """

    dtype: str
    length: int
    shape: tuple[int, ...]
    kind: TensorList = field(compare=False)


Form: TypeAlias = "Kept | Moved | Listed"


def form_of(value: Any) -> Form:
    """How a value crosses a border if it may be another one on the other side."""
    if isinstance(value, TensorList):
        shape = None if value.dtype in ("string", "variant") else value.element_shape()
        if shape is None or None in shape:
            return Kept(value)
        sizes = tuple(size for size in shape if size is not None)
        return Listed(value.dtype, len(value), sizes, value.with_items(()))
    if values.is_host(value):
        is_text = value.dtype.hasobject
        return Kept(value) if is_text else Moved(_type_of(value), value.shape)
    if _control.is_tensor(value):
        return Moved(_type_of(value), values.open_shape(value))
    return Kept(value)


def _type_of(value: Any) -> str:
    name: str = values.device_dtype(values.dtype_name(value))
    return name


def is_same(first: Any, second: Any) -> bool:
    """Whether two values are known to be equal without computing anything."""
    if values.is_host(first) and values.is_host(second):
        return first.dtype == second.dtype and bool(np.array_equal(first, second))
    if isinstance(first, TensorList) and isinstance(second, TensorList):
        kinds = {(items.dtype, len(items)) for items in (first, second)}
        if len(kinds) == 1 and _is_unset(first) and _is_unset(second):
            return True
    return first is second


def _is_unset(items: TensorList) -> bool:
    return items.items is not None and all(item is None for item in items.items)


def joined(forms: Sequence[Form], what: str) -> Form:
    """The form of a value that comes from several places.

    Raises:
        HostValueError: It is of different kinds, lengths or shapes, or there are several strings.
    """
    first = next((form for form in forms if not isinstance(form, Kept)), forms[0])
    tensors = [form for form in forms if isinstance(form, Moved)]
    if len(tensors) == len(forms):
        return _joined_tensors(tensors, what)
    if not all(_fits(form, first) for form in forms):
        kinds = " or ".join(dict.fromkeys(map(_describe, forms)))
        raise HostValueError(_PROBLEM.format(what, kinds))
    return first


def _joined_tensors(forms: Sequence[Moved], what: str) -> Form:
    sizes = [set(found) for found in zip(*(form.shape for form in forms), strict=False)]
    kinds = {(form.dtype, len(form.shape)) for form in forms}
    if len(kinds) > 1 or any(len(found - {None}) > 1 for found in sizes):
        names = " or ".join(dict.fromkeys(map(_describe, forms)))
        raise HostValueError(_PROBLEM.format(what, names))
    shape = tuple(None if None in found else found.pop() for found in sizes)
    return Moved(forms[0].dtype, shape)


def _fits(form: Form, wanted: Form) -> bool:
    if isinstance(form, Kept):
        if isinstance(wanted, Kept):
            return is_same(form.value, wanted.value)
        # A list with nothing in it yet takes elements of any shape.
        return (
            isinstance(wanted, Listed)
            and isinstance(form.value, TensorList)
            and _is_unset(form.value)
            and (form.value.dtype, len(form.value)) == (wanted.dtype, wanted.length)
        )
    return form == wanted


def _describe(form: Form) -> str:
    if isinstance(form, Listed):
        return f"a list of {form.length} {form.dtype} tensors of shape {form.shape}"
    if isinstance(form, Moved):
        return f"a {form.dtype} tensor of shape {form.shape}"
    if isinstance(form.value, TensorList):
        return f"a list of {len(form.value)} {form.value.dtype} tensors"
    return "one of several strings" if values.is_host(form.value) else "one of several resources"


def tensors_of(things: Sequence[Any], forms: Sequence[Form]) -> list[Any]:
    """The tensors that take values across the border."""
    found = []
    for value, form in zip(things, forms, strict=True):
        if isinstance(form, Kept):
            continue
        if isinstance(form, Listed):
            tensor = values.to_device(value.dense(form.shape).buffer)
            found.append(values.cast(tensor, form.dtype))
        else:
            found.append(_control.of_form(values.to_device(value), form.dtype, form.shape))
    return found


def values_of(tensors: Sequence[Any], forms: Sequence[Form]) -> list[Any]:
    """The values on the other side of the border."""
    left = iter(tensors)
    found: list[Any] = []
    for form in forms:
        if isinstance(form, Kept):
            found.append(form.value)
        else:
            tensor = next(left)
            found.append(form.kind.with_buffer(tensor) if isinstance(form, Listed) else tensor)
    return found
