"""Elements of tensors by their indices."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.ops.reshaping import axis_of
from anyhub.engines.portable.registry import lower, lower_host
from anyhub.engines.portable.values import cast, shape_of
from anyhub.graph.const_ops import compute

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute

_move = primitives("indexing")

_BEYOND = (
    "An index that is out of range gives zeros unless all inputs are on the host, as TensorFlow "
    "has it on GPUs; on its CPU that is an error."
)


@lower("Gather", limits=_BEYOND)
def gather(_: NodeView) -> Compute:
    return lambda params, indices: _move.take(params, indices, 0)


@lower("GatherV2", host=(2,), limits=_BEYOND)
def gather_v2(node: NodeView) -> Compute:
    batch = node.integer("batch_dims")
    take = _move.take

    def run(params: Any, indices: Any, axis_array: Any) -> Any:
        axis = axis_of(axis_array.item(), len(params.shape))
        if not batch:
            return take(params, indices, axis)
        return _batched(params, indices, axis, batch + len(indices.shape) * (batch < 0))

    return run


def _batched(params: Any, indices: Any, axis: int, batch: int) -> Any:
    """Gather along an axis of each part of a batch: along all parts joined."""
    shape, wanted = shape_of(params), shape_of(indices)
    if batch > axis or shape[:batch] != wanted[:batch]:
        raise ValueError(f"{batch} batch dimensions for shapes {shape} and {wanted}, axis {axis}")
    if axis != batch:
        # The axis goes to the front of what is not batch.
        order = (*range(batch), axis, *(i for i in range(batch, len(shape)) if i != axis))
        params = _move.transpose(params, order)
    count, size = math.prod(shape[:batch]), shape[axis]
    tail = shape_of(params)[batch + 1 :]
    rows = _move.reshape(params, (count * size, *tail))
    indices = cast(indices, "int64")
    starts = _move.reshape(_move.arange(count), shape[:batch] + (1,) * (len(wanted) - batch))
    moved = indices + cast(starts, "int64") * size
    moved = _move.where((indices < 0) | (indices >= size), moved * 0 - 1, moved)
    found = _move.take(rows, moved, 0)
    if axis == batch:
        return found
    # Back: the dimensions between the batch and the axis stand after the indices now.
    first, between = len(wanted), axis - batch
    middle = range(first, first + between)
    rest = range(first + between, len(found.shape))
    return _move.transpose(found, (*range(batch), *middle, *range(batch, first), *rest))


@lower_host("Gather", "GatherV2", "GatherNd")
def gather_on_host(node: NodeView) -> Compute:
    is_lenient = node.op == "GatherNd" and node.text("bad_indices_policy") == "IGNORE"

    def run(params: Any, indices: Any, *axis: Any) -> Any:
        if not is_lenient:
            return compute(node.node, (params, indices, *axis))[0]
        depth = indices.shape[-1]
        inside = ((indices >= 0) & (indices < np.asarray(params.shape[:depth]))).all(-1)
        found = params[(*np.moveaxis(indices * inside[..., None], -1, 0), ...)]
        found[~inside] = b"" if params.dtype.hasobject else 0
        return found

    return run


@lower("GatherNd", limits=_BEYOND)
def gather_nd(node: NodeView) -> Compute:
    # What to do about indices that are out of range matters on TensorFlow's CPU alone.
    node.text("bad_indices_policy", "", "DEFAULT", "ERROR", "IGNORE")

    def run(params: Any, indices: Any) -> Any:
        if not indices.shape[-1]:
            return _move.broadcast_to(params, shape_of(indices)[:-1] + shape_of(params))
        return _move.gather_nd(params, indices)

    return run
