"""Joining tensors and taking them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.ops.reshaping import axis_of
from anyhub.engines.portable.registry import lower, lower_host
from anyhub.graph.const_ops import compute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute

_move = primitives("indexing")


@lower("ConcatV2", host=(-1,))
def concat_v2(_: NodeView) -> Compute:
    return lambda *values: _concat(values[:-1], values[-1])


@lower("Concat", host=(0,))
def concat(_: NodeView) -> Compute:
    return lambda axis, *values: _concat(values, axis)


def _concat(values: Sequence[Any], axis: Any) -> Any:
    return _move.concat(values, axis_of(axis.item(), len(values[0].shape)))


@lower_host("ConcatOffset")
def concat_offset(node: NodeView) -> Compute:
    return lambda *values: compute(node.node, values)


@lower("Pack")
def pack(node: NodeView) -> Compute:
    axis = node.integer("axis")
    return lambda *values: _move.stack(values, axis_of(axis, len(values[0].shape) + 1))


@lower("Unpack")
def unpack(node: NodeView) -> Compute:
    axis, count = node.integer("axis"), node.integer("num")

    def run(x: Any) -> Any:
        position = axis_of(axis, len(x.shape))
        if x.shape[position] != count:
            raise ValueError(f"shape {x.shape} has not {count} parts along axis {position}")
        return _move.unstack(x, position, count)

    return run


@lower("Split", host=(0,))
def split(node: NodeView) -> Compute:
    count = node.integer("num_split")

    def run(axis_array: Any, x: Any) -> Any:
        axis = axis_of(axis_array.item(), len(x.shape))
        size, rest = divmod(x.shape[axis], count)
        if rest:
            raise ValueError(f"shape {x.shape} has no {count} equal parts along axis {axis}")
        return _move.split(x, (size,) * count, axis)

    return run


@lower("SplitV", host=(1, 2))
def split_v(_: NodeView) -> Compute:
    def run(x: Any, sizes_array: Any, axis_array: Any) -> Any:
        axis = axis_of(axis_array.item(), len(x.shape))
        sizes = sizes_array.tolist()
        if -1 in sizes:
            sizes[sizes.index(-1)] = x.shape[axis] - sum(sizes) - 1
        if min(sizes) < 0 or sum(sizes) != x.shape[axis]:
            raise ValueError(f"sizes {sizes_array} for axis {axis} of shape {x.shape}")
        return _move.split(x, tuple(sizes), axis)

    return run
