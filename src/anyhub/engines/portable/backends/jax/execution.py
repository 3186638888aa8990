"""Runs plans on JAX: compiled where a plan can be, op by op where it cannot."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import jax

from anyhub.engines.portable.backends.jax.assigning import commit
from anyhub.engines.portable.backends.jax.core import (
    cast,
    eagerly,
    is_traced,
    is_tracing,
    to_device,
    wide_types,
)
from anyhub.engines.portable.collector import paused_collector
from anyhub.engines.portable.errors import HostValueError
from anyhub.engines.portable.execution import as_argument, not_compiled
from anyhub.engines.portable.run import Run
from anyhub.engines.portable.variables import VariableHandle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anyhub.engines.portable.plan import Plan

__all__ = ["Executor", "not_compiled"]

_LOG = logging.getLogger(__name__)
# What says that a value must be known before a plan can be compiled.
_NEEDS_VALUES = (
    HostValueError,
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerBoolConversionError,
    jax.errors.TracerIntegerConversionError,
    jax.errors.NonConcreteBooleanIndexError,
)


class Executor:
    """Runs a plan with what it captures.

    Outside of JAX's transformations the plan is compiled once for each set of input shapes, with
    64-bit types. Inside of them it becomes part of what is being traced.

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
        handles = [c for c in self._captures if isinstance(c, VariableHandle)]
        self._handles = tuple(dict.fromkeys([*handles, seed]))
        self._compiled = jax.jit(self._pure)
        self._can_compile = True

    def __call__(self, arguments: Sequence[Any]) -> list[Any]:
        """Run it.

        Args:
            arguments: A value for each argument.

        Returns:
            The outputs, on the device but for strings.
        """
        # As they are kept: here is not yet known whether 64-bit types may be made of them.
        current = [handle.variable.value for handle in self._handles]
        if any(map(is_traced, (*arguments, *current))):
            return self._run(arguments)
        with wide_types(), eagerly() if is_tracing() else nullcontext():
            if self._can_compile and not any(_is_text(value) for value in arguments):
                try:
                    return self._run_compiled(current, arguments)
                except _NEEDS_VALUES as error:
                    _LOG.info("%r runs op by op: %s", self._plan.name, error)
                    self._can_compile = False
            return self._run(arguments)

    def _run(self, arguments: Sequence[Any]) -> list[Any]:
        run = Run(seed=self._seed)
        outputs = self._call_plan(run, arguments)
        results = [value if _is_text(value) else _tensor(value) for value in outputs]
        commit(run.updates)
        return results

    def _call_plan(self, run: Run, arguments: Sequence[Any]) -> tuple[Any, ...]:
        tensors = map(as_argument, arguments, self._dtypes)
        return self._plan(run, *tensors, *self._captures)

    def _run_compiled(self, current: list[Any], arguments: Sequence[Any]) -> list[Any]:
        with paused_collector():
            outputs, updates = self._compiled(current, list(arguments))
        commit({self._handles[index]: value for index, value in updates.items()})
        return list(outputs)

    def _pure(self, current: list[Any], arguments: list[Any]) -> Any:
        pairs = zip(self._handles, current, strict=True)
        run = Run({handle: cast(value, handle.dtype) for handle, value in pairs}, self._seed)
        outputs = self._call_plan(run, arguments)
        if any(map(_is_text, outputs)):
            raise HostValueError("a function that returns strings is not compiled")
        indices = {handle: index for index, handle in enumerate(self._handles)}
        updates = {indices[handle]: value for handle, value in run.updates.items()}
        return [_tensor(value) for value in outputs], updates


def _is_text(value: Any) -> bool:
    dtype = getattr(value, "dtype", None)
    return bool(getattr(dtype, "hasobject", False))


def _tensor(value: Any) -> Any:
    return value if isinstance(value, jax.Array) else to_device(value)
