"""Parts of variables: reading them by index, and changing them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable import values
from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.ops.state import changed
from anyhub.engines.portable.registry import DEVICE, find, lower_raw

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute, Factory
    from anyhub.engines.portable.run import Run
    from anyhub.engines.portable.variables import VariableHandle

_move = primitives("indexing")
_updating = primitives("updating")

_BEYOND = (
    "An index that is out of range is an error only if it is known without running code on the "
    "device; else it gives zeros, and what should be changed there is left out."
)
_TWICE = f"{_BEYOND} Where an index is set twice, one of the values wins."


@lower_raw("ResourceGather", limits=_BEYOND)
def resource_gather(node: NodeView) -> Compute:
    # Attribute validate_indices does nothing in TensorFlow either.
    batch = node.integer("batch_dims")
    batched = _built("GatherV2", node)

    def run(run: Run, handle: VariableHandle, indices: Any) -> Any:
        params = run.read(handle)
        rank = len(values.open_shape(indices))
        axis = batch + rank if batch < 0 else batch
        _check(indices, values.shape_of(params)[axis])
        indices = values.to_device(indices)
        if not axis:
            return _move.take(params, indices, 0)
        return batched(params, indices, np.asarray(axis))

    return run


def _built(op: str, node: NodeView) -> Compute:
    """What computes another op that has the attributes of this one."""
    lowering = find(op, DEVICE)
    if lowering is None:
        node.unsupported(f"it needs op {op!r}")
    return lowering.build(node)


def _check(indices: Any, size: int) -> None:
    if not values.is_host(indices):
        return
    beyond = (indices < 0) | (indices >= size)
    if beyond.any():
        raise ValueError(f"index {indices[beyond][0]} is not below {size}")


@lower_raw("ResourceGatherNd", limits=_BEYOND)
def resource_gather_nd(_: NodeView) -> Compute:
    def run(run: Run, handle: VariableHandle, indices: Any) -> Any:
        params = run.read(handle)
        _check_nd(indices, values.shape_of(params))
        indices = values.to_device(indices)
        if not indices.shape[-1]:
            shape = values.shape_of(indices)[:-1] + values.shape_of(params)
            return _move.broadcast_to(params, shape)
        return _move.gather_nd(params, indices)

    return run


def _check_nd(indices: Any, shape: tuple[int, ...]) -> None:
    if values.is_host(indices):
        for position, size in enumerate(shape[: indices.shape[-1]]):
            _check(indices[..., position], size)


def _scatter(how: str) -> Factory:
    def build(_: NodeView) -> Compute:
        def run(run: Run, handle: VariableHandle, indices: Any, updates: Any) -> None:
            current = run.read(handle)
            shape = values.shape_of(current)
            _check(indices, shape[0])
            wanted = values.shape_of(indices) + shape[1:]
            if values.shape_of(updates) not in (wanted, ()):
                raise ValueError(f"updates of shape {values.shape_of(updates)}, expected {wanted}")
            count = math.prod(values.shape_of(indices))
            updates = _move.broadcast_to(values.to_device(updates), wanted)
            updates = _move.reshape(updates, (count, *shape[1:]))
            rows = _move.reshape(values.to_device(indices), (count,))
            run.assign(handle, _scattered(current, rows, updates, how))

        return run

    return build


def _scattered(current: Any, rows: Any, updates: Any, how: str) -> Any:
    if how in ("mul", "div"):
        # All factors of a row are multiplied first: an index may be there several times.
        factors = _updating.scatter_product(current, rows, updates)
        if how == "mul":
            return changed(lambda a, b: a * b, current, factors)
        return _updating.divide(current, factors)
    return _move.scatter(current, _move.expand_dims(rows, 1), updates, how)


for _op, _how in {
    "Add": "add", "Sub": "sub", "Mul": "mul", "Div": "div", "Min": "min", "Max": "max",
    "Update": "set",
}.items():  # fmt: skip
    lower_raw(f"ResourceScatter{_op}", limits=_TWICE if _how == "set" else _BEYOND)(_scatter(_how))


def _scatter_nd(how: str) -> Factory:
    def build(node: NodeView) -> Compute:
        # What to do about indices that are out of range matters on TensorFlow's CPU alone.
        node.text("bad_indices_policy", "", "DEFAULT", "ERROR", "IGNORE")
        is_strict = node.text("bad_indices_policy") != "IGNORE"

        def run(run: Run, handle: VariableHandle, indices: Any, updates: Any) -> None:
            current = run.read(handle)
            shape = values.shape_of(current)
            wanted = values.shape_of(indices)[:-1] + shape[indices.shape[-1] :]
            if values.shape_of(updates) != wanted:
                raise ValueError(f"updates of shape {values.shape_of(updates)}, expected {wanted}")
            if is_strict:
                _check_nd(indices, shape)
            indices, updates = values.to_device(indices), values.to_device(updates)
            run.assign(handle, _scattered_nd(current, indices, updates, how))

        return run

    return build


def _scattered_nd(current: Any, indices: Any, updates: Any, how: str) -> Any:
    if indices.shape[-1]:
        return _move.scatter(current, indices, updates, how)
    # Indices without numbers mean all of it.
    first = K.zeros((*values.shape_of(indices)[:-1], 1), "int32")
    return _move.scatter(_move.expand_dims(current, 0), first, updates, how)[0]


for _op, _how in {
    "Update": "set", "Add": "add", "Sub": "sub", "Min": "min", "Max": "max",
}.items():  # fmt: skip
    lower_raw(f"ResourceScatterNd{_op}", limits=_TWICE if _how == "set" else _BEYOND)(
        _scatter_nd(_how)
    )


@lower_raw("ResourceStridedSliceAssign", limits="Begin, end and strides have to be known.")
def resource_strided_slice_assign(node: NodeView) -> Compute:
    update = _built("TensorStridedSliceUpdate", node)

    def run(run: Run, handle: VariableHandle, *inputs: Any) -> None:
        bounds = map(values.to_host, inputs[:3])
        run.assign(handle, update(run.read(handle), *bounds, values.to_device(inputs[3])))

    return run
