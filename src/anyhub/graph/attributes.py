"""Attributes of nodes as Python values, with the defaults of their ops.

Source: `tensorflow/core/framework/attr_value.proto`.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from anyhub.errors import SavedModelError
from anyhub.graph.op_defs import find_op
from anyhub.savedmodel import schema
from anyhub.savedmodel.dtypes import DType, dtype_by_number
from anyhub.savedmodel.shapes import read_shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anyhub.graph.ir import Node

_PLAIN = ("s", "i", "f", "b", "type")
_CALLS = ("PartitionedCall", "StatefulPartitionedCall")


def attribute(node: Node, name: str) -> Any:
    """An attribute's value, or its op's default.

    Returns:
        bytes, int, float or bool; the number of a type; a `Shape`; a TensorProto; the name of a
        function; a tuple of these.

    Raises:
        SavedModelError: The node has no such attribute and its op no default for it.
    """
    value = node.attr(name)
    if value is not None and value.WhichOneof("value") is not None:
        return _read(value)
    definition = find_op(node.op)
    default = None if definition is None else definition.attributes.get(name)
    if default is None:
        raise SavedModelError(f"node {node.name!r} (op {node.op!r}) has no attribute {name!r}")
    return _default(default)


def dtype_attribute(node: Node, name: str) -> DType:
    """An attribute that is an element type."""
    number = attribute(node, name)
    if not isinstance(number, int):
        raise SavedModelError(f"attribute {name!r} of node {node.name!r} is no element type")
    return dtype_by_number(number)


def function_names(node: Node) -> Iterator[tuple[str, str]]:
    """The functions that a node's attributes name, each with its attribute."""
    for key in sorted(node.attrs):
        value = node.attrs[key]
        kind = value.WhichOneof("value")
        if kind == "func":
            yield key, value.func.name
        elif kind == "list":
            for function in value.list.func:
                yield key, function.name


def call_target(node: Node, library: Any) -> str | None:
    """The function that a node does nothing but call; None for other nodes."""
    if node.op in _CALLS:
        value = node.attr("f")
        return None if value is None else str(value.func.name)
    return node.op if node.op in library else None


def _read(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind in _PLAIN:
        return getattr(value, kind)
    match kind:
        case "shape":
            return read_shape(value.shape)
        case "tensor":
            return value.tensor
        case "func":
            return value.func.name
        case "list":
            return _read_list(value.list)
    raise SavedModelError(f"an attribute is a placeholder {value.placeholder!r}, not a value")


def _read_list(values: Any) -> tuple[Any, ...]:
    found: list[Any] = []
    for kind in _PLAIN:
        found += getattr(values, kind)
    found += [read_shape(shape) for shape in values.shape]
    found += values.tensor
    return tuple(found + [function.name for function in values.func])


def _default(value: Any) -> Any:
    """Read a default of the op table; see `tools/make_op_defs.py` for its form."""
    match value:
        case str():
            return value.encode("latin-1")
        case list():
            return tuple(_default(item) for item in value)
        case {"shape": sizes}:
            return None if sizes is None else tuple(None if s < 0 else s for s in sizes)
        case {"tensor": text}:
            return schema.TensorProto.FromString(base64.b64decode(text))
        case {"type": plain} | {"func": plain}:
            return plain
    return value
