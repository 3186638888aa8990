"""A node as lowerings see it: its attributes as Python values, and its functions compiled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from anyhub.engines.portable.errors import UnsupportedNodeError
from anyhub.graph.attributes import attribute, dtype_attribute
from anyhub.savedmodel.dtypes import dtype_by_number
from anyhub.savedmodel.tensors import read_tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from anyhub.engines.portable.gradients import CustomGradients
    from anyhub.engines.portable.plan import Plan
    from anyhub.graph.const_call import Array
    from anyhub.graph.ir import Node


@dataclass(frozen=True)
class NodeView:
    """A node whose lowering is being built.

    Attributes:
        node: The node.
        compile_function: Makes the plan of a function that the node names, by the message of
            the attribute (NameAttrList). A plan is called as `plan(run, *values)` and returns a
            tuple.
        gradients: The model's custom gradients, None for none.
    """

    node: Node
    compile_function: Callable[[Any], Plan]
    gradients: CustomGradients | None = None

    @property
    def op(self) -> str:
        """The op's name."""
        return self.node.op

    def has(self, name: str) -> bool:
        """Whether the node itself says what an attribute is."""
        return self.node.attr(name) is not None

    def integer(self, name: str) -> int:
        """An attribute that is an integer."""
        return int(attribute(self.node, name))

    def boolean(self, name: str) -> bool:
        """An attribute that is true or false."""
        return bool(attribute(self.node, name))

    def number(self, name: str) -> float:
        """An attribute that is a float."""
        return float(attribute(self.node, name))

    def text(self, name: str, *accepted: str) -> str:
        """An attribute that is a string, one of those accepted where some are given.

        Raises:
            UnsupportedNodeError: It is another.
        """
        value = str(attribute(self.node, name), "utf-8")
        if accepted and value not in accepted:
            self.unsupported(f"{name} {value!r}; supported: {', '.join(map(repr, accepted))}")
        return value

    def integers(self, name: str) -> tuple[int, ...]:
        """An attribute that is a list of integers."""
        return tuple(int(value) for value in attribute(self.node, name))

    def numbers(self, name: str) -> tuple[float, ...]:
        """An attribute that is a list of floats."""
        return tuple(float(value) for value in attribute(self.node, name))

    def texts(self, name: str) -> tuple[str, ...]:
        """An attribute that is a list of strings."""
        return tuple(str(value, "utf-8") for value in attribute(self.node, name))

    def dtype(self, name: str) -> str:
        """The name of an element type, e.g. "float32"."""
        return dtype_attribute(self.node, name).name

    def dtypes(self, name: str) -> tuple[str, ...]:
        """The names of a list of element types."""
        return tuple(dtype_by_number(number).name for number in attribute(self.node, name))

    def shape(self, name: str) -> tuple[int | None, ...] | None:
        """A shape, with None for unknown sizes; None for an unknown rank."""
        found = attribute(self.node, name)
        return None if found is None else tuple(found)

    def tensor(self, name: str) -> Array:
        """An attribute that is a tensor; the array must not be written to."""
        return read_tensor(attribute(self.node, name))

    def plan(self, name: str) -> Plan:
        """The plan of the function that an attribute names."""
        value = self.node.attr(name)
        if value is None or value.WhichOneof("value") != "func":
            self.unsupported(f"attribute {name!r} names no function")
        return self.compile_function(value.func)

    def plans(self, name: str) -> tuple[Plan, ...]:
        """The plans of the functions that an attribute lists."""
        value = self.node.attr(name)
        functions = () if value is None else value.list.func
        return tuple(self.compile_function(function) for function in functions)

    def unsupported(self, what: str) -> NoReturn:
        """Say that this node cannot be lowered.

        Raises:
            UnsupportedNodeError: Always.
        """
        raise UnsupportedNodeError(f"op {self.node.op!r} (node {self.node.name!r}): {what}")
