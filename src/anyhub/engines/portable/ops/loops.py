"""Loops: in Python where it is known when they end; else, or if they are long, compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from anyhub.engines.portable import values
from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.errors import HostValueError
from anyhub.engines.portable.forms import Kept, form_of, joined, tensors_of, values_of
from anyhub.engines.portable.loop_planning import LoopFacts
from anyhub.engines.portable.registry import lower_raw
from anyhub.engines.portable.staging import Staged, truth
from anyhub.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anyhub.engines.portable.forms import Form
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.plan import Plan
    from anyhub.engines.portable.registry import Compute
    from anyhub.engines.portable.run import Run
    from anyhub.engines.portable.variables import VariableHandle

_control = primitives("control")

# Shorter loops are laid out turn by turn: their counters then stay on the host.
_LAID_OUT = 8
_TRIES = 6


@lower_raw(
    "While",
    "StatelessWhile",
    limits=(
        "If compiled code decides when it ends, JAX has no reverse-mode derivative of it, and its "
        "values keep their shapes. On TensorFlow, loops with custom gradients are not "
        "differentiated inside of tf.function if they have more than 8 turns, or a number of turns "
        "that is known only when it runs."
    ),
)
def while_(node: NodeView) -> Compute:
    test, body = node.plan("cond"), node.plan("body")
    facts = LoopFacts(test, body)

    def run(run: Run, *start: Any) -> Sequence[Any]:
        if _control.is_compiling():
            turns = facts.turns(run, start)
            if turns is not None and turns.count > _LAID_OUT:
                found = _repeated(run, body, facts.unchanged, start, turns.count)
                if found is not None:
                    return [turns.final.get(i, value) for i, value in enumerate(found)]
        elif body.recurrence is not None:
            at_once = body.recurrence.finish(run, start, lambda: facts.turns(run, start))
            if at_once is not None:
                return at_once
        found = start
        while True:
            goes_on = truth(test(run, *found)[0])
            if not isinstance(goes_on, bool):
                return _looped(run, test, body, facts.unchanged, found)
            if not goes_on:
                return found
            found = body(run, *found)

    return run


@lower_raw("For")
def for_(node: NodeView) -> Compute:
    body = node.plan("body")

    def run(run: Run, start: Any, limit: Any, delta: Any, *arguments: Any) -> Sequence[Any]:
        first, end, step = (int(values.to_host(value)) for value in (start, limit, delta))
        if step == 0:
            raise ValueError("op 'For' has a step of 0")
        found: Sequence[Any] = arguments
        for index in range(first, end, step):
            found = body(run, np.asarray(index, np.int32), *found)
        return found

    return run


def _repeated(
    run: Run, body: Plan, unchanged: frozenset[int], start: Sequence[Any], count: int
) -> Sequence[Any] | None:
    """A loop whose turns are counted, compiled; None if its body needs its counters' values."""
    try:
        turn = _Turn(run, body, unchanged, start)
        return turn.finish(run, _control.repeat(count, turn, turn.start))
    except (EngineError, *_control.TRACING_ERRORS):
        # Turn by turn the counters are on the host, and shapes may change.
        return None


def _looped(
    run: Run, test: Plan, body: Plan, unchanged: frozenset[int], start: Sequence[Any]
) -> Sequence[Any]:
    """A loop whose end compiled code finds."""
    turn = _Turn(run, body, unchanged, start)

    def goes_on(*tensors: Any) -> Any:
        things, state = turn.split(tensors)
        found = truth(test(run.fork(state), *things)[0])
        return values.to_device(np.asarray(found)) if isinstance(found, bool) else found

    return turn.finish(run, _control.loop(goes_on, turn, turn.start))


class _Turn:
    """A turn of a loop as a function of tensors that gives tensors of the same shapes.

    Args:
        run: What the loop runs in.
        body: Computes a turn.
        unchanged: Positions of values that stay as they are.
        start: The values before the first turn.

    Attributes:
        start: The tensors before the first turn: the values that change, and the variables that
            the body assigns.
    """

    def __init__(
        self, run: Run, body: Plan, unchanged: frozenset[int], start: Sequence[Any]
    ) -> None:
        self._run, self._body, self._count = run, body, len(start)
        self._handles: tuple[VariableHandle, ...] = ()
        forms: list[Form] = [
            Kept(value) if position in unchanged else form_of(value)
            for position, value in enumerate(start)
        ]
        for _ in range(_TRIES):
            self._forms = forms
            everything = [*start, *map(run.read, self._handles)]
            self.start = tensors_of(everything, forms)
            known = self._handles
            self._staged = Staged(self._compute, self.start)
            forms = [
                form if position in unchanged else joined([form, form_of(value)], _what(position))
                for position, (form, value) in enumerate(
                    zip(forms, self._staged.values[: len(forms)], strict=True)
                )
            ]
            forms += map(form_of, map(run.read, self._handles[len(known) :]))
            if forms == self._forms:
                return
        raise HostValueError("the values of a loop take new shapes with each turn")

    def _compute(self, *tensors: Any) -> list[Any]:
        things, state = self.split(tensors)
        fork = self._run.fork(state)
        found = self._body(fork, *things)
        self._handles = tuple(dict.fromkeys([*state, *fork.updates]))
        return [*found, *map(fork.read, self._handles)]

    def split(self, tensors: Sequence[Any]) -> tuple[Sequence[Any], dict[VariableHandle, Any]]:
        """The loop's values, and those of the variables that the body assigns."""
        found = values_of(tensors, self._forms)
        state = dict(zip(self._handles, found[self._count :], strict=False))
        return found[: self._count], state

    def __call__(self, *tensors: Any) -> list[Any]:
        """Compute a turn."""
        return tensors_of(self._staged(*tensors), self._forms)

    def finish(self, run: Run, tensors: Sequence[Any]) -> Sequence[Any]:
        """The loop's values after the last turn; variables are assigned."""
        found, state = self.split(tensors)
        for handle, value in state.items():
            run.assign(handle, value)
        return found


def _what(position: int) -> str:
    return f"value {position} of a loop"
