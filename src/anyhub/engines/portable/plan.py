"""A plan: the functions that compute a graph, in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from anyhub.engines.portable.recurrence import Recurrence
    from anyhub.engines.portable.registry import Compute
    from anyhub.engines.portable.run import Run


class Step(NamedTuple):
    """A node.

    Attributes:
        compute: Computes it.
        sources: Slots of its inputs; slot 0 holds the run.
        target: Slot of its only output, or slots of its outputs.
        dead: Slots that nobody reads after it.
        node: The node's name.
        op: Its op.
    """

    compute: Compute
    sources: tuple[int, ...]
    target: int | tuple[int, ...]
    dead: tuple[int, ...]
    node: str
    op: str


@dataclass(frozen=True)
class Plan:
    """A graph that is ready to run.

    Attributes:
        name: The graph's name.
        slots: What the slots hold at the start: constants, else None.
        steps: What is to be done, in order.
        inputs: Slots of the inputs.
        outputs: Slots of the outputs.
        recurrence: The recurrent layer that a loop computes whose body this is, None for none.
    """

    name: str
    slots: tuple[Any, ...]
    steps: tuple[Step, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    recurrence: Recurrence | None = None

    def __call__(self, run: Run, *values: Any) -> tuple[Any, ...]:
        """Run it.

        Args:
            run: The state of variables; what is assigned is left in there.
            *values: The inputs.

        Returns:
            The outputs: arrays of NumPy or tensors, wherever they were computed.
        """
        slots = [*self.slots]
        slots[0] = run
        for position, value in zip(self.inputs, values, strict=True):
            slots[position] = value
        node = op = ""
        try:
            for compute, sources, target, dead, node, op in self.steps:  # noqa: B007 - for errors
                if len(sources) == 1:
                    result = compute(slots[sources[0]])
                else:
                    result = compute(*[slots[source] for source in sources])
                if isinstance(target, int):
                    slots[target] = result
                else:
                    for position, value in zip(target, result, strict=True):
                        slots[position] = value
                for position in dead:
                    slots[position] = None
        except Exception as error:
            error.add_note(f"at node {node!r} (op {op!r}) of {self.name!r}")
            raise
        return tuple([slots[position] for position in self.outputs])
