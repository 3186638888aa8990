"""Tensors of arrays that do not change from run to run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyhub.engines.portable.backends import primitives

if TYPE_CHECKING:
    from anyhub.graph.const_call import Array

_core = primitives("core")


class Constants:
    """Keeps the tensor of each constant array, so that it is made once."""

    def __init__(self) -> None:
        self._arrays: dict[int, Array] = {}
        self._tensors: dict[int, Any] = {}

    def add(self, array: Array) -> None:
        """Say that an array does not change."""
        # Held here, so that its id stays its own.
        self._arrays[id(array)] = array

    def to_device(self, array: Array) -> Any:
        """The tensor of an array."""
        key = id(array)
        found = self._tensors.get(key)
        if found is not None and _core.can_keep(array):
            return found
        tensor = _core.to_device(array)
        if key in self._arrays and _core.can_keep(array):
            self._tensors[key] = tensor
        return tensor
