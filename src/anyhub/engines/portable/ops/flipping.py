"""Elements in reverse order, or moved around."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.ops.reshaping import axis_of
from anyhub.engines.portable.registry import lower, lower_host
from anyhub.engines.portable.values import cast, shape_of

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute

_move = primitives("indexing")


@lower("ReverseV2", host=(1,))
def reverse_v2(_: NodeView) -> Compute:
    def run(x: Any, axes: Any) -> Any:
        found = tuple([axis_of(axis, len(x.shape)) for axis in axes.tolist()])
        return _move.flip(x, found) if found else x

    return run


@lower("Reverse", host=(1,))
def reverse(_: NodeView) -> Compute:
    def run(x: Any, is_reversed: Any) -> Any:
        axes = tuple(np.flatnonzero(is_reversed).tolist())
        return _move.flip(x, axes) if axes else x

    return run


@lower_host("Reverse")
def reverse_on_host(_: NodeView) -> Compute:
    return lambda x, is_reversed: np.flip(x, tuple(np.flatnonzero(is_reversed).tolist()))


@lower("Roll", host=(1, 2))
def roll(_: NodeView) -> Compute:
    def run(x: Any, shifts: Any, axes: Any) -> Any:
        by_axis = _shifts_by_axis(shape_of(x), shifts, axes)
        return _move.roll(x, tuple(by_axis.values()), tuple(by_axis)) if by_axis else x

    return run


@lower_host("Roll")
def roll_on_host(_: NodeView) -> Compute:
    def run(x: Any, shifts: Any, axes: Any) -> Any:
        by_axis = _shifts_by_axis(x.shape, shifts, axes)
        return np.roll(x, tuple(by_axis.values()), tuple(by_axis)) if by_axis else x

    return run


def _shifts_by_axis(shape: tuple[int, ...], shifts: Any, axes: Any) -> dict[int, int]:
    """How far to move, by axis; one that is named twice is moved twice."""
    found: dict[int, int] = {}
    for shift, axis in zip(shifts.ravel().tolist(), axes.ravel().tolist(), strict=True):
        position = axis_of(axis, len(shape))
        found[position] = (found.get(position, 0) + shift) % max(shape[position], 1)
    return {axis: shift for axis, shift in found.items() if shift}


@lower("ReverseSequence")
def reverse_sequence(node: NodeView) -> Compute:
    axis, batch_axis = node.integer("seq_dim"), node.integer("batch_dim")

    def run(x: Any, lengths: Any) -> Any:
        rank = len(x.shape)
        places = _along(_move.arange(x.shape[axis]), axis, rank)
        ends = _along(cast(lengths, "int32"), batch_axis, rank)
        mirrored = _move.where(places < ends, ends - 1 - places, places)
        return _move.take_along(x, mirrored, axis)

    return run


def _along(vector: Any, axis: int, rank: int) -> Any:
    return _move.reshape(vector, tuple(-1 if i == axis else 1 for i in range(rank)))


@lower_host("ReverseSequence")
def reverse_sequence_on_host(node: NodeView) -> Compute:
    axis, batch_axis = node.integer("seq_dim"), node.integer("batch_dim")

    def run(x: Any, lengths: Any) -> Any:
        result = np.copy(x)
        rows, sources = np.moveaxis(result, batch_axis, 0), np.moveaxis(x, batch_axis, 0)
        inner = axis - (batch_axis < axis)
        for row, source, length in zip(rows, sources, lengths.tolist(), strict=True):
            if not 0 <= length <= x.shape[axis]:
                raise ValueError(f"length {length} of a sequence of {x.shape[axis]}")
            np.moveaxis(row, inner, 0)[:length] = np.moveaxis(source, inner, 0)[:length][::-1]
        return result

    return run
