"""TensorFlow's own op for a node, where sizes are known only when a function runs."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from anyhub.graph.attributes import function_names
from anyhub.graph.op_defs import find_op
from anyhub.savedmodel.shapes import read_shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from anyhub.graph.ir import Node
    from anyhub.graph.op_defs import OpDef


def native(node: Node) -> Callable[..., Any] | None:
    """A function that calls a node's op, seen by gradient tapes; None for calls of functions."""
    definition = find_op(node.op)
    raw = getattr(tf.raw_ops, node.op, None)
    if definition is None or raw is None or any(function_names(node)):
        return None
    names = inspect.signature(raw).parameters
    attrs = {name: _value(value) for name, value in node.attrs.items() if name in names}
    outputs = definition.outputs
    is_single = len(outputs) == 1 and not (outputs[0].number_attr or outputs[0].type_list_attr)

    def run(*values: Any) -> Any:
        found = raw(**dict(_inputs(node, definition, values)), **attrs)
        return found if is_single else tf.nest.flatten(found)

    return run


def _inputs(node: Node, definition: OpDef, values: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    rest = iter(values)
    for argument in definition.inputs:
        if argument.number_attr:
            yield argument.name, [next(rest) for _ in range(node.attrs[argument.number_attr].i)]
        elif argument.type_list_attr:
            types = node.attrs[argument.type_list_attr].list.type
            yield argument.name, [next(rest) for _ in types]
        else:
            yield argument.name, next(rest)


def _value(attribute: Any) -> Any:
    """An attribute as `tf.raw_ops` takes it."""
    kind = attribute.WhichOneof("value")
    readers: Mapping[str, Callable[[Any], Any]] = {
        "type": tf.as_dtype,
        "shape": lambda shape: tf.TensorShape(read_shape(shape)),
        "list": _items,
        "tensor": lambda tensor: tf.make_tensor_proto(
            tf.io.parse_tensor(tensor.SerializeToString(), tf.as_dtype(tensor.dtype)).numpy()
        ),
    }
    value = getattr(attribute, kind)
    return readers[kind](value) if kind in readers else value


def _items(values: Any) -> list[Any]:
    found = [tf.as_dtype(number) for number in values.type]
    found += [tf.TensorShape(read_shape(shape)) for shape in values.shape]
    for kind in ("s", "i", "f", "b"):
        found += getattr(values, kind)
    return found
