"""Runs plans op by op."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyhub.engines.portable import values
from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from anyhub.engines.portable.plan import Plan
    from anyhub.engines.portable.variables import VariableHandle

_core = primitives("core")


class Executor:
    """Runs a plan with what it captures.

    Args:
        plan: The plan; its last inputs are the captures.
        dtypes: Element types of the arguments.
        captures: Handles of variables and other objects.
        seed: The variable that random ops draw from.
    """

    def __init__(
        self, plan: Plan, dtypes: Sequence[str], captures: Sequence[Any], seed: VariableHandle
    ) -> None:
        self._plan = plan
        self._dtypes = tuple(dtypes)
        self._captures = tuple(captures)
        self._seed = seed

    def __call__(self, arguments: Sequence[Any]) -> list[Any]:
        """Run it.

        Args:
            arguments: A value for each argument.

        Returns:
            The outputs, on the device but for strings.
        """
        run = Run(seed=self._seed)
        tensors = map(as_argument, arguments, self._dtypes)
        outputs = self._plan(run, *tensors, *self._captures)
        results = [_as_output(value) for value in outputs]
        run.commit()
        found: list[Any] = _core.apart(results, self._captures)
        return found


def as_argument(value: Any, dtype: str) -> Any:
    """A tensor with exactly the element type that a graph expects."""
    return value if values.is_host(value) else values.cast(value, dtype)


def _as_output(value: Any) -> Any:
    is_text = values.is_host(value) and value.dtype.hasobject
    return value if is_text else values.to_device(value)


def not_compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that compilers of the backend leave to Python: here all can trace it."""
    return function
