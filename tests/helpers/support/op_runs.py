"""Single ops that TensorFlow's CPU has no kernel for, or none with one right result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from anyhub.engines.portable import values
from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.planner import Planner
from anyhub.engines.portable.run import Run
from anyhub.graph.ir import ARGUMENT, Graph, Node, Ref, attr_value
from anyhub.savedmodel.dtypes import dtype_by_name, dtype_of_array

_core = primitives("core")


def run_op(
    op: str, *inputs: Any, outputs: int = 1, static: tuple[int, ...] = (), **attrs: Any
) -> list[np.ndarray]:
    """Run an op.

    Args:
        op: Its name.
        *inputs: Arrays.
        outputs: How many outputs are wanted.
        static: Positions of inputs that are on the host.
        **attrs: Attributes; element types by name.
    """
    arrays = [np.asarray(value) for value in inputs]
    plan = plan_op(op, arrays, outputs, attrs)
    with _core.wide_types():
        moved = [a if i in static else values.to_device(a) for i, a in enumerate(arrays)]
        return [values.to_host(value) for value in plan(Run(), *moved)]


def plan_op(op: str, arrays: list[np.ndarray], outputs: int, attrs: dict[str, Any]) -> Any:
    """The plan of a graph of one node."""
    nodes = {}
    for index, array in enumerate(arrays):
        dtype = attr_value(type=dtype_of_array(array).number)
        name = f"input_{index}"
        nodes[name] = Node(name, ARGUMENT, attrs={"T": dtype, "index": attr_value(i=index)})
    names = tuple(nodes)
    attributes = {name: _attr(value) for name, value in attrs.items()}
    nodes["it"] = Node("it", op, tuple(map(Ref, names)), attrs=attributes)
    refs = tuple(Ref("it", index) for index in range(outputs))
    return Planner({}).plan(Graph("single", nodes, names, refs, tuple(map(str, range(outputs)))))


def _attr(value: Any) -> Any:
    match value:
        case bool():
            return attr_value(b=value)
        case int():
            return attr_value(i=value)
        case float():
            return attr_value(f=value)
        case bytes():
            return attr_value(s=value)
    return attr_value(type=dtype_by_name(value).number)


def derivative(function: Callable[[Any], Any], x: np.ndarray) -> np.ndarray:
    """The derivative of a number by a tensor."""
    tensor = values.to_device(x)
    match keras.backend.backend():
        case "jax":
            import jax

            return np.asarray(jax.grad(function)(tensor))
        case "torch":
            tensor = tensor.detach().requires_grad_(True)
            function(tensor).backward()
            return values.to_host(tensor.grad)
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(tensor)
        value = function(tensor)
    return tape.gradient(value, tensor).numpy()
