"""What is known of a loop before it runs: what stays the same, and how often it turns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from anyhub.engines.portable import values
from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.errors import HostValueError
from anyhub.engines.portable.staging import truth
from anyhub.errors import EngineError
from anyhub.graph.op_defs import find_op

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from anyhub.engines.portable.plan import Plan, Step
    from anyhub.engines.portable.run import Run
    from anyhub.graph.const_call import Array

_control = primitives("control")

# A loop that counts further is not counted ahead.
_MOST_TURNS = 1_000_000


@dataclass(frozen=True)
class Turns:
    """How often a loop turns.

    Attributes:
        count: The number.
        final: What its counters are in the end, arrays by position among the loop's values.
    """

    count: int
    final: Mapping[int, Any]


class LoopFacts:
    """What the plans of a loop tell.

    Args:
        test: Says whether it turns again.
        body: Computes the values of the next turn.
    """

    def __init__(self, test: Plan, body: Plan) -> None:
        self.unchanged = _unchanged(body)
        self._counters = _counters(test, body) - self.unchanged
        self._test = _part(test, (0,))
        self._body = _part(body, sorted(self._counters))
        self._looked_at = sorted(_read(self._test) | _read(self._body))
        self._is_pure = not any(map(_is_stateful, (*self._test.steps, *self._body.steps)))
        # The numbers that the last count started from, and what it gave: a loop is often repeated.
        self._last: tuple[Any, Turns | None] = None, None

    def turns(self, run: Run, start: Sequence[Any]) -> Turns | None:
        """Count the turns on the host; None if they depend on what is not there."""
        key = self._key(start)
        known, turns = self._last
        if key is None or key != known:
            turns = self._count(run, start)
            self._last = key, turns
        return turns

    def _key(self, start: Sequence[Any]) -> tuple[Any, ...] | None:
        """All that the count depends on; None if that is more than a few numbers."""
        found = []
        for position in self._looked_at:
            value = start[position]
            if not values.is_host(value) or value.ndim or value.dtype.hasobject:
                return None
            found.append((value.dtype.str, value.item()))
        return tuple(found) if self._is_pure else None

    def _count(self, run: Run, start: Sequence[Any]) -> Turns | None:
        found = [*start]
        positions = sorted(self._counters)
        try:
            for count in range(_MOST_TURNS):
                if not truth(_known(self._test(run, *found)[0])):
                    return Turns(count, {position: found[position] for position in positions})
                for position, value in zip(positions, self._body(run, *found), strict=True):
                    found[position] = _known(value)
        except EngineError:
            # What only compiled code knows decides, or what only exists on the device.
            pass
        return None


def _known(value: Any) -> Array:
    if values.is_host(value) or _control.is_tensor(value):
        return values.to_host(value)
    raise HostValueError("a loop depends on what is no tensor")


def _counters(test: Plan, body: Plan) -> frozenset[int]:
    """Positions of the values that the test looks at, in this turn or later."""
    found: frozenset[int] = frozenset()
    wanted = _read(_part(test, (0,)))
    while wanted - found:
        found |= wanted
        wanted = _read(_part(body, sorted(found)))
    return found


def _read(plan: Plan) -> frozenset[int]:
    """Positions of the inputs that a plan looks at."""
    slots = {source for step in plan.steps for source in step.sources} | {*plan.outputs}
    return frozenset(i for i, slot in enumerate(plan.inputs) if slot in slots)


def _part(plan: Plan, outputs: Iterable[int]) -> Plan:
    """The part of a plan that gives some of its outputs."""
    slots = tuple(plan.outputs[position] for position in outputs)
    wanted = {*slots}
    steps: list[Step] = []
    for step in reversed(plan.steps):
        if not wanted.isdisjoint(_targets(step)):
            steps.append(step)
            wanted |= {*step.sources}
    return replace(plan, steps=tuple(reversed(steps)), outputs=slots)


def _unchanged(body: Plan) -> frozenset[int]:
    """Positions of the values that each turn hands on as they are."""
    pairs = zip(body.inputs, body.outputs, strict=True)
    return frozenset(i for i, (before, after) in enumerate(pairs) if before == after)


def _is_stateful(step: Step) -> bool:
    definition = find_op(step.op)
    return definition is None or definition.is_stateful


def _targets(step: Step) -> tuple[int, ...]:
    return step.target if isinstance(step.target, tuple) else (step.target,)
