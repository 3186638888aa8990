"""Taking down what a function computes, to put it into compiled branches and loops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyhub.engines.portable import values
from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.tensor_list import TensorList

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_control = primitives("control")


def truth(condition: Any) -> Any:
    """What a condition says: a bool; a tensor of bool if it is known only when code runs.

    As in TensorFlow, numbers but zero, strings but empty ones and arrays with elements are true.
    """
    shape = values.shape_of(condition)
    if shape:
        return 0 not in shape
    if values.is_traced(condition):
        return _control.nonzero(condition)
    return bool(values.to_host(condition).item())


class _Hole:
    """Where a tensor was taken out."""


_HOLE = _Hole()


def pack(value: Any, tensors: list[Any]) -> Any:
    """Take the tensors out of a value.

    Args:
        value: The value.
        tensors: Gets them.

    Returns:
        What `unpack` makes the value of; the value itself if there are none.
    """
    if _control.is_tensor(value):
        tensors.append(value)
        return _HOLE
    if not isinstance(value, TensorList):
        return value
    count = len(tensors)
    if value.items is None:
        packed = value.with_buffer(pack(value.buffer, tensors))
    else:
        packed = value.with_items([pack(item, tensors) for item in value.items])
    return value if len(tensors) == count else packed


def unpack(packed: Any, tensors: Iterator[Any]) -> Any:
    """Put tensors back where `pack` took them out."""
    if packed is _HOLE:
        return next(tensors)
    if not isinstance(packed, TensorList):
        return packed
    if packed.items is None:
        is_empty = packed.buffer is _HOLE
        return packed.with_buffer(next(tensors)) if is_empty else packed
    if not any(item is _HOLE or isinstance(item, TensorList) for item in packed.items):
        return packed
    return packed.with_items([unpack(item, tensors) for item in packed.items])


class Staged:
    """A function of tensors taken down once; it can be put into branches and loops.

    Args:
        function: Takes tensors and gives values of any kind.
        tensors: What has the arguments' shapes and types.
    """

    def __init__(self, function: Callable[..., Sequence[Any]], tensors: Sequence[Any]) -> None:
        self._packed: list[Any] = []

        def flat(*arguments: Any) -> list[Any]:
            found: list[Any] = []
            self._packed = [pack(value, found) for value in function(*arguments)]
            return found

        self._replay, shadows = _control.stage(flat, tensors)
        self.values = self._unpacked(shadows)

    def __call__(self, *tensors: Any) -> list[Any]:
        """The values for tensors."""
        return self._unpacked(self._replay(*tensors))

    def _unpacked(self, tensors: Sequence[Any]) -> list[Any]:
        left = iter(tensors)
        return [unpack(packed, left) for packed in self._packed]
