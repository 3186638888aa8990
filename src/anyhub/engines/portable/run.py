"""One execution of a plan: the values of variables while it lasts.

Assignments are kept here and reach the variables when all has gone well, so that an error changes
nothing, and so that branches and loops can hand them on as values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anyhub.engines.portable.variables import VariableHandle


class Run:
    """The state of an execution.

    Args:
        values: Values of variables that differ from what the variables hold now, by handle.
        seed: The variable that random ops without a seed of their own draw from, int32 of shape
            [2].
    """

    def __init__(
        self,
        values: Mapping[VariableHandle, Any] | None = None,
        seed: VariableHandle | None = None,
    ) -> None:
        # What was read and assigned so far.
        self._values: dict[VariableHandle, Any] = dict(values or {})
        self._assigned: dict[VariableHandle, Any] = {}
        self.seed = seed

    @property
    def updates(self) -> Mapping[VariableHandle, Any]:
        """What was assigned, by handle."""
        return self._assigned

    def read(self, handle: VariableHandle) -> Any:
        """The value of a variable, a tensor of its own element type."""
        found = self._values.get(handle)
        if found is None:
            found = self._values[handle] = handle.read()
        return found

    def assign(self, handle: VariableHandle, value: Any) -> None:
        """Give a variable a value.

        As in TensorFlow, derivatives do not follow it: whoever reads the variable depends on the
        variable, not on what was assigned.
        """
        if "float" in handle.dtype:
            value = self._cut_off(handle, value)
        self._values[handle] = value
        self._assigned[handle] = value

    def _cut_off(self, handle: VariableHandle, value: Any) -> Any:
        new = K.stop_gradient(value)
        if not handle.trainable:
            return new
        old = self.read(handle)
        # Zero, but its derivative by the variable is one. Infinity has no such zero.
        zero = K.where(K.isfinite(old), old - K.stop_gradient(old), K.zeros_like(old))
        return new + zero

    def fork(self, values: Mapping[VariableHandle, Any] | None = None) -> Run:
        """A run that starts from here and whose assignments stay its own.

        Args:
            values: Values of variables that differ from those here.
        """
        return Run({**self._values, **(values or {})}, self.seed)

    def commit(self) -> None:
        """Write what was assigned to the variables."""
        for handle, value in self._assigned.items():
            handle.write(value)
