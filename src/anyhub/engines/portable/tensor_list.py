"""TensorFlow's tensor lists as values that never change.

A list has its elements one by one, each on the host or the device and maybe not set yet, or all
stacked in one buffer. Python's integers reach the former without computing anything; what is known
only when compiled code runs needs the latter.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from anyhub.engines.portable import values
from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.errors import HostValueError
from anyhub.savedmodel.dtypes import dtype_by_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anyhub.graph.const_call import Array

Shape: TypeAlias = "tuple[int | None, ...] | None"

_control = primitives("control")


@dataclass(frozen=True, eq=False)
class TensorList:
    """A list.

    Attributes:
        dtype: The element type, e.g. "float32"; "variant" for a list of lists.
        shape: What its maker said of the elements' shape.
        items: The elements, None for those not set; None if they are in the buffer.
        buffer: The elements along the first axis.
        limit: How many elements may be pushed, None for any number.
    """

    dtype: str
    shape: Shape
    items: tuple[Any, ...] | None = ()
    buffer: Any = None
    limit: int | None = None

    def __len__(self) -> int:
        if self.items is not None:
            return len(self.items)
        size = values.open_shape(self.buffer)[0]
        if size is None:
            raise HostValueError("the length of a tensor list is needed")
        return size

    def with_items(self, items: Sequence[Any]) -> TensorList:
        """A list of the same kind with these elements."""
        return TensorList(self.dtype, self.shape, tuple(items), None, self.limit)

    def with_buffer(self, buffer: Any) -> TensorList:
        """A list of the same kind with these elements."""
        return TensorList(self.dtype, self.shape, None, buffer, self.limit)

    def element_shape(self, shape: Shape = None) -> Shape:
        """What is known of the elements' shape, from elements too."""
        known = merged(self.shape, shape)
        if self.items is None:
            return merged(known, values.open_shape(self.buffer)[1:])
        for item in self.items:
            if item is not None and not isinstance(item, TensorList):
                return merged(known, values.open_shape(item))
        return known

    def spread(self) -> tuple[Any, ...]:
        """The elements one by one."""
        if self.items is not None:
            return self.items
        return tuple(self._of_buffer(index) for index in range(len(self)))

    def stacked(self, shape: Shape = None) -> Any:
        """The elements along a new first axis; those not set are zeros.

        Args:
            shape: What is known of the elements' shape.

        Raises:
            ValueError: The shape is not known although it is needed, or elements differ in it.
        """
        if self.items is None:
            merged(merged(self.shape, shape), values.open_shape(self.buffer)[1:])
            return self.buffer
        known = self.element_shape(shape)
        items = [self._zeros(known) if item is None else item for item in self.items]
        for item in items:
            merged(known, values.open_shape(item))
        if not items:
            return np.zeros((0, *_static(known)), dtype_by_name(self.dtype).numpy)
        if all(map(values.is_host, items)):
            return np.stack(items)
        return _control.stack([values.to_device(item) for item in items])

    def dense(self, shape: Shape = None) -> TensorList:
        """The same list with its elements on the device in a buffer.

        Raises:
            HostValueError: The elements are no numbers.
        """
        if self.dtype in ("string", "variant", "resource"):
            raise HostValueError(
                f"a list of {self.dtype}s is indexed by a value that is known only when compiled "
                "code runs"
            )
        return self.with_buffer(values.to_device(self.stacked(shape)))

    def get(self, index: Any, shape: Shape = None) -> Any:
        """An element; zeros if it is not set.

        Args:
            index: Its place; a tensor if that is not known.
            shape: What is known of the elements' shape.

        Raises:
            ValueError: There is no such place.
        """
        if not isinstance(index, int):
            return _control.element(self.dense(shape).buffer, index)
        self._check(index)
        if self.items is None:
            return self._of_buffer(index)
        item = self.items[index]
        return self._zeros(self.element_shape(shape)) if item is None else item

    def with_element(self, index: Any, value: Any) -> TensorList:
        """The list with another element.

        Args:
            index: Its place; a tensor if that is not known.
            value: The element.

        Raises:
            ValueError: There is no such place, or the element has a wrong shape.
        """
        if isinstance(value, TensorList):
            shape = self.shape
        else:
            shape = merged(self.shape, values.open_shape(value))
        if not isinstance(index, int):
            dense = self.dense(shape)
            value = values.to_device(value)
            return self.with_buffer(_control.with_element(dense.buffer, index, value))
        self._check(index)
        items = self.spread()
        return self.with_items([*items[:index], value, *items[index + 1 :]])

    def resized(self, size: int) -> TensorList:
        """The list cut off, or with elements that are not set."""
        if size == len(self):
            return self
        items = self.spread()[:size]
        return self.with_items([*items, *[None] * (size - len(items))])

    def _of_buffer(self, index: int) -> Any:
        if values.is_host(self.buffer):
            return np.asarray(self.buffer[index], self.buffer.dtype)
        if self._parts is not None:
            return self._parts[index]
        return _control.element(self.buffer, index)

    @cached_property
    def _parts(self) -> Sequence[Any] | None:
        found: Sequence[Any] | None = _control.parts(self.buffer)
        return found

    def _zeros(self, shape: Shape) -> Any:
        if self.dtype == "variant":
            raise ValueError("an element of a list of lists is taken before it is set")
        return zeros(_static(shape), self.dtype)

    def _check(self, index: int) -> None:
        if not 0 <= index < len(self):
            raise ValueError(f"element {index} of a tensor list with {len(self)} elements")


def merged(first: Shape, second: Shape) -> Shape:
    """What two shapes say together.

    Raises:
        ValueError: They contradict each other.
    """
    if first is None or second is None:
        return second if first is None else first
    is_same = len(first) == len(second) and all(
        a is None or b is None or a == b for a, b in zip(first, second, strict=False)
    )
    if not is_same:
        raise ValueError(f"tensor list: elements of shape {first} and of shape {second}")
    return tuple(b if a is None else a for a, b in zip(first, second, strict=True))


def zeros(shape: Sequence[int], dtype: str) -> Array:
    """Zeros, or empty strings."""
    if dtype == "string":
        return np.full(tuple(shape), b"", object)
    return np.zeros(tuple(shape), dtype_by_name(dtype).numpy)


def _static(shape: Shape) -> tuple[int, ...]:
    if shape is None or None in shape:
        raise ValueError(
            f"tensor list: elements are taken that are not set; their shape is known as {shape}"
        )
    return tuple(size for size in shape if size is not None)
