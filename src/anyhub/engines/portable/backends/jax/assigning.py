"""What a run assigned reaches the variables: all of it, or none and an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
from keras.src.backend.common.stateless_scope import in_stateless_scope

from anyhub.engines.portable.backends.jax.core import is_traced, is_tracing
from anyhub.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anyhub.engines.portable.variables import VariableHandle

_SHOWN = 3


def commit(updates: Mapping[VariableHandle, Any]) -> None:
    """Write what was assigned to the variables.

    Args:
        updates: What was assigned, by handle.

    Raises:
        EngineError: Some of it is no value yet, or does not fit; no variable was changed.
    """
    if not in_stateless_scope():
        updates = {handle: _primal(value) for handle, value in updates.items()}
        _check_known(updates)
    for handle, value in updates.items():
        handle.check(value)
    for handle, value in updates.items():
        handle.write(value)


def _primal(value: Any) -> Any:
    """The value itself where `jax.grad` and the like follow it: variables hold values only."""
    return jax.lax.stop_gradient(value) if is_traced(value) else value


def _check_known(updates: Mapping[VariableHandle, Any]) -> None:
    """Refuse what other programs would be left with: tracers, and what only a trace has done."""
    if not updates or not (is_tracing() or any(map(is_traced, updates.values()))):
        return
    names = [handle.name for handle in updates]
    more = ", ..." if len(names) > _SHOWN else ""
    raise EngineError(
        f"a function of a loaded model that assigns variables ({', '.join(names[:_SHOWN])}{more}) "
        "was called inside of jax.jit or another transformation of JAX, where variables cannot "
        "change; none was changed; call it outside, or through Keras: training with fit, or "
        "stateless_call of a Keras model with a hub.KerasLayer, which returns the new values"
    )
