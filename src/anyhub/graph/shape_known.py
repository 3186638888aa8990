"""What a shape rule gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from anyhub.graph.const_call import Array, Call

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from anyhub.graph.ir import Node
    from anyhub.savedmodel.shapes import Shape

Sizes: TypeAlias = "list[int | None]"
Rule: TypeAlias = "Callable[[Known], Shape]"


@dataclass(frozen=True)
class Known:
    """What is known of a node's inputs.

    Attributes:
        node: The node.
        shapes: Shapes of the inputs.
        values: Values of the inputs, None where not known; integers may be in arrays of objects
            with None for those that are not known.
    """

    node: Node
    shapes: Sequence[Shape]
    values: Sequence[Array | None]

    @property
    def call(self) -> Call:
        """The node to ask for attributes and to fail with."""
        return Call(self.node, (), 1 << 62)

    def sizes(self, position: int = 0) -> Sizes:
        """The shape of an input, whose rank has to be known."""
        shape = self.shapes[position]
        if shape is None:
            self.call.fail("unknown rank")
        return [*shape]

    def integers(self, position: int) -> Sizes:
        """The elements of an input, None for those that are not known."""
        value = self.values[position]
        if value is None:
            self.call.fail("unknown value")
        return [None if item is None else int(item) for item in value.ravel().tolist()]

    def known_integers(self, position: int) -> list[int]:
        """The elements of an input, all of which have to be known."""
        found = [item for item in self.integers(position) if item is not None]
        value = self.values[position]
        if value is None or len(found) != value.size:
            self.call.fail("unknown value")
        return found

    def axis(self, position: int, rank: int) -> int:
        """The axis that an input says."""
        (axis,) = self.known_integers(position)
        return self.call.axis(axis, rank)
