"""Which endpoints of a model can run here, found out before a weight is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyhub.engines.portable import ops as _ops  # noqa: F401 - registers the lowerings
from anyhub.engines.portable.steps import is_supported
from anyhub.engines.portable.trace import Trace
from anyhub.errors import EngineError, SignatureError
from anyhub.graph.called_ops import CalledOps
from anyhub.graph.endpoint import find_function

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anyhub.engines.portable.model_state import ModelState


def require_support(state: ModelState, endpoints: Iterable[str] | None) -> None:
    """Refuse a model that cannot run.

    Args:
        state: The model.
        endpoints: What must be supported; None to ask for the model itself, or else for any
            function of it.

    Raises:
        EngineError: What is missing, all of it.
        SignatureError: There is no such endpoint.
    """
    if endpoints is not None:
        for name in endpoints:
            _require(state, name)
        return
    callables = [*_entries(state)]
    called = CalledOps(state.meta_graph.functions)
    suspects = [
        name
        for name, function in callables
        if not all(is_supported(op) for op in called.ops(function))
    ]
    if callables and len(suspects) == len(callables):
        _require_any(state, suspects)


def _entries(state: ModelState) -> Iterable[tuple[str, str]]:
    """What users call first, and the function in the library behind each."""
    graph = state.meta_graph
    names = [name for name in ("__call__",) if name in graph.restored_functions]
    for name in [*names, *graph.signatures]:
        function = find_function(graph, name)
        if function is not None:
            yield name, function.name


def _require(state: ModelState, name: str) -> None:
    function = find_function(state.meta_graph, name)
    if function is None:
        known = [*state.meta_graph.signatures, *state.meta_graph.restored_functions]
        raise SignatureError(
            f"model {state.name!r} has no endpoint {name!r}; it has: "
            f"{', '.join(map(repr, known)) or 'none'}"
        )
    plan_of(state, function.name)


def _require_any(state: ModelState, names: list[str]) -> None:
    # What was scanned holds nodes that are pruned, so the plans have the last word.
    problems = []
    for name in names:
        try:
            _require(state, name)
        except EngineError as error:
            problems.append(f"{name!r}: {error}")
        else:
            return
    listed = "\n  ".join(problems)
    raise EngineError(f"model {state.name!r} has no endpoint that can run here:\n  {listed}")


def plan_of(state: ModelState, name: str) -> Any:
    """Plan a concrete function without touching its variables."""
    return state.planner.plan(Trace(state, name).endpoint.graph)
