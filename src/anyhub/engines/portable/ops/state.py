"""Variables: reading and assigning them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from anyhub.engines.portable import values
from anyhub.engines.portable.registry import lower_raw

if TYPE_CHECKING:
    from collections.abc import Callable

    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute, Factory
    from anyhub.engines.portable.run import Run
    from anyhub.engines.portable.variables import VariableHandle

_SAME_SHAPE = "A variable keeps the shape that it has."


@lower_raw("ReadVariableOp")
def read_variable(node: NodeView) -> Compute:
    dtype = node.dtype("dtype")

    def run(run: Run, handle: VariableHandle) -> Any:
        return values.cast(run.read(handle), dtype)

    return run


@lower_raw("_ReadVariablesOp")
def read_variables(_: NodeView) -> Compute:
    return lambda run, *handles: [run.read(handle) for handle in handles]


@lower_raw("AssignVariableOp", limits=_SAME_SHAPE)
def assign_variable(_: NodeView) -> Compute:
    # Attribute validate_shape asks for the check that is always made here.
    def run(run: Run, handle: VariableHandle, value: Any) -> None:
        check_shape(handle, run.read(handle), value)
        run.assign(handle, values.to_device(value))

    return run


def check_shape(handle: VariableHandle, current: Any, value: Any) -> None:
    """Refuse to give a variable another shape.

    Raises:
        ValueError: The value has another shape.
    """
    expected, found = values.shape_of(current), values.shape_of(value)
    if found != expected:
        raise ValueError(f"variable {handle.name!r} of shape {expected} cannot have shape {found}")


def _assign_changed(change: Callable[[Any, Any], Any]) -> Factory:
    def build(_: NodeView) -> Compute:
        def run(run: Run, handle: VariableHandle, value: Any) -> None:
            current = run.read(handle)
            check_shape(handle, current, value)
            run.assign(handle, changed(change, current, values.to_device(value)))

        return run

    return build


def changed(change: Callable[[Any, Any], Any], current: Any, value: Any) -> Any:
    """A variable's value after arithmetic, in its own element type."""
    dtype = values.dtype_name(current)
    if dtype in ("uint16", "uint32", "uint64"):
        # torch does not compute with these. The lower bits are the same.
        current, value = values.cast(current, "int64"), values.cast(value, "int64")
    return values.cast(change(current, value), dtype)


for _op, _change in {
    "AssignAddVariableOp": lambda current, value: current + value,
    "AssignSubVariableOp": lambda current, value: current - value,
}.items():
    lower_raw(_op, limits=_SAME_SHAPE)(_assign_changed(_change))


@lower_raw(
    "ResourceCountUpTo",
    limits="Where code is compiled, counting beyond the limit is no error.",
)
def resource_count_up_to(node: NodeView) -> Compute:
    limit = node.integer("limit")

    def run(run: Run, handle: VariableHandle) -> Any:
        current = run.read(handle)
        if not values.is_traced(current) and values.to_host(current) >= limit:
            raise ValueError(f"variable {handle.name!r} has reached its limit, {limit}")
        run.assign(handle, current + 1)
        # Not the tensor itself: on torch it changes with the variable.
        return current + 0

    return run


@lower_raw("VarIsInitializedOp")
def var_is_initialized(_: NodeView) -> Compute:
    return lambda _run, _handle: np.asarray(True)


@lower_raw("VariableShape")
def variable_shape(node: NodeView) -> Compute:
    dtype = node.dtype("out_type")
    return lambda run, handle: np.asarray(values.shape_of(run.read(handle)), dtype)


# Variables live as long as the model.
@lower_raw("NoOp", "DestroyResourceOp")
def no_op(_: NodeView) -> Compute:
    return lambda _run, *_values: None
