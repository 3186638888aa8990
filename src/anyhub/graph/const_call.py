"""What an evaluator of `const_ops` gets and gives."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import numpy as np

from anyhub.errors import SavedModelError
from anyhub.graph.attributes import attribute, dtype_attribute

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from anyhub.graph.ir import Node

Array: TypeAlias = np.ndarray[Any, Any]
Evaluator: TypeAlias = "Callable[[Call], Sequence[Array]]"
Evaluators: TypeAlias = "Mapping[str, Evaluator]"


@dataclass(frozen=True)
class Call:
    """A node with the values of its inputs.

    Attributes:
        node: The node.
        inputs: The values; strings are arrays of objects.
        max_elements: How many elements a result may have.
    """

    node: Node
    inputs: Sequence[Array]
    max_elements: int

    def attribute(self, name: str) -> Any:
        """An attribute of the node, see `attributes.attribute`."""
        return attribute(self.node, name)

    def integer_attribute(self, name: str) -> int:
        """An attribute that is an integer or boolean."""
        value = self.attribute(name)
        if not isinstance(value, int):
            self.fail(f"attribute {name!r} is no integer")
        return int(value)

    def integers_attribute(self, name: str) -> tuple[int, ...]:
        """An attribute that is a list of integers."""
        value = self.attribute(name)
        if not isinstance(value, tuple) or not all(isinstance(item, int) for item in value):
            self.fail(f"attribute {name!r} is no list of integers")
        return value

    def dtype(self, name: str) -> Any:
        """The NumPy dtype that an attribute asks for."""
        dtype = dtype_attribute(self.node, name)
        if dtype.numpy is None or dtype.name[:4] in ("qint", "quin"):
            self.fail(f"element type {dtype.name!r} is not computed with")
        return dtype.numpy

    def take(self, count: int) -> Sequence[Array]:
        """The inputs, which must be that many."""
        if len(self.inputs) != count:
            self.fail(f"{len(self.inputs)} inputs, expected {count}")
        return self.inputs

    def same_dtypes(self, *arrays: Array) -> Any:
        """The dtype that arrays share."""
        dtypes = {array.dtype for array in arrays}
        if len(dtypes) != 1:
            self.fail(f"element types differ: {sorted(map(str, dtypes))}")
        return dtypes.pop()

    def check_size(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Refuse shapes that are negative or too large; they come from the model."""
        sizes = tuple(int(size) for size in shape)
        if any(size < 0 for size in sizes):
            self.fail(f"negative size in shape {sizes}")
        if math.prod(sizes) > self.max_elements:
            self.fail(f"shape {sizes} has more than {self.max_elements} elements")
        return sizes

    def broadcast(self, *shapes: tuple[int, ...]) -> tuple[int, ...]:
        """The shape that shapes broadcast to."""
        try:
            return self.check_size(np.broadcast_shapes(*shapes))
        except ValueError:
            self.fail(f"shapes {shapes} do not broadcast")

    def axis(self, value: int, rank: int) -> int:
        """An axis counted from the front."""
        if not -rank <= value < rank:
            self.fail(f"axis {value} of a tensor of rank {rank}")
        return value % rank

    def integers(self, array: Array) -> list[int]:
        """The elements of a vector or scalar of integers."""
        if array.ndim > 1 or array.dtype.kind not in "iu":
            self.fail(f"{array.dtype} array of rank {array.ndim}, expected a vector of integers")
        return [int(value) for value in array.ravel().tolist()]

    def integer(self, array: Array) -> int:
        """The element of an array with one."""
        if array.size != 1 or array.dtype.kind not in "iu":
            self.fail(f"{array.dtype} array of shape {array.shape}, expected one integer")
        return int(array.item())

    def fail(self, problem: str) -> NoReturn:
        """Say that the node cannot be computed.

        Raises:
            SavedModelError: Always.
        """
        raise SavedModelError(f"node {self.node.name!r} (op {self.node.op!r}): {problem}")


def as_array(value: Any, dtype: Any) -> Array:
    """An array; NumPy gives scalars for what has no dimension."""
    return np.asarray(value, dtype=dtype)
