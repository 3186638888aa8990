"""A loop that is a recurrent layer, computed as one function of all its turns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable import values
from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.tensor_list import TensorList, merged

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from anyhub.engines.portable.loop_planning import Turns
    from anyhub.engines.portable.plan import Plan
    from anyhub.engines.portable.run import Run
    from anyhub.graph.const_call import Array

_fused = primitives("fused")

WEIGHTS = ("kernel", "recurrent", "bias", "recurrent_bias", "mask")
"""What no turn changes; all but the first two may be missing. The mask is one of the inputs."""

_GATES = {"lstm": 4, "gru": 3}


@dataclass(frozen=True)
class Recurrence:
    """What is what among the values of a loop.

    Attributes:
        kind: "lstm" or "gru".
        inputs: The position of the list of inputs.
        counter: That of the place of the inputs of a turn.
        target: That of the list that gets the outputs.
        is_sequence: Whether it gets each at that place, else the last one at its first place.
        states: Positions of the states, the output first.
        steps: By how much counters change with each turn, by position.
        weights: Plans that compute the weights from the loop's values, by name. A weight is one
            tensor, or one for each gate.
        size: The size of the states if the loop relies on it.
    """

    kind: str
    inputs: int
    counter: int
    target: int
    is_sequence: bool
    states: tuple[int, ...]
    steps: Mapping[int, Array]
    weights: Mapping[str, Plan]
    size: int | None

    def finish(
        self, run: Run, start: Sequence[Any], turns: Callable[[], Turns | None]
    ) -> Sequence[Any] | None:
        """The loop's values after its last turn; None if only the loop itself can tell.

        Args:
            run: What the loop runs in.
            start: The values before the first turn.
            turns: Counts the turns.
        """
        items, target = start[self.inputs], start[self.target]
        if not self._has_lists(items, target):
            return None
        tensors = self._tensors(run, start)
        if tensors is None or not self._fits(tensors):
            return None
        first, counted = values.to_host(start[self.counter]), turns()
        if first.shape or first != 0 or counted is None or counted.count != len(items):
            return None
        sequence, *states = _compute(self.kind, tensors)
        merged(target.shape, tuple(sequence.shape[1:]))
        found = [*start]
        found[self.target] = target.with_buffer(sequence if self.is_sequence else sequence[-1:])
        for place, state in zip(self.states, states, strict=True):
            found[place] = state
        for place, step in self.steps.items():
            found[place] = np.asarray(values.to_host(start[place]) + counted.count * step)
        return found

    def _has_lists(self, items: Any, target: Any) -> bool:
        """Whether the inputs are there at once, and all places of the outputs are written."""
        if not (isinstance(items, TensorList) and isinstance(target, TensorList)):
            return False
        if items.items is not None or values.is_host(items.buffer) or not len(items):
            return False
        return len(target) == (len(items) if self.is_sequence else 1)

    def _tensors(self, run: Run, start: Sequence[Any]) -> dict[str, Any] | None:
        """The inputs, states and weights by name; None if weights of gates differ in shape."""
        found = {"x": start[self.inputs].buffer}
        for name, place in zip(("h", "c"), self.states, strict=False):
            found[name] = values.to_device(start[place])
        for name, plan in self.weights.items():
            parts = [values.to_device(value) for value in plan(run, *start)]
            if any(part.shape != parts[0].shape for part in parts):
                return None
            found[name] = parts[0] if len(parts) == 1 else K.concatenate(parts, axis=-1)
        return found

    def _fits(self, tensors: Mapping[str, Any]) -> bool:
        """Whether sizes and element types are those of a layer; elsewhere tensors are broadcast."""
        shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        if len(shapes["x"]) != 3 or len(shapes["h"]) != 2:
            return False
        (_, batch, width), size = shapes["x"], shapes["h"][-1]
        columns = _GATES[self.kind] * size
        expected = {
            "x": shapes["x"], "h": (batch, size), "c": (batch, size),
            "kernel": (width, columns), "recurrent": (size, columns),
            "bias": (columns,), "recurrent_bias": (columns,),
        }  # fmt: skip
        mask = shapes.pop("mask", ())
        dtypes = {values.dtype_name(tensor) for tensor in tensors.values()}
        if any(expected[name] != shape for name, shape in shapes.items()):
            return False
        if len(dtypes) > 1 or "float" not in dtypes.pop() or not width * size:
            return False
        if self.size not in (None, size) or not _broadcasts(mask, (batch, width)):
            return False
        return bool(_fused.can_join_turns(list(tensors.values())))


def _compute(kind: str, tensors: dict[str, Any]) -> Sequence[Any]:
    """All outputs, and the last states."""
    mask = tensors.pop("mask", None)
    if mask is not None:
        tensors["x"] = tensors["x"] * mask
    layer = _fused.lstm if kind == "lstm" else _fused.gru
    found: Sequence[Any] = layer(**tensors)
    return found


def _broadcasts(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether something of a shape fits something of the other without changing it."""
    sizes = (1,) * (len(wanted) - len(shape)) + shape
    return len(sizes) == len(wanted) and all(
        size in (1, want) for size, want in zip(sizes, wanted, strict=True)
    )
