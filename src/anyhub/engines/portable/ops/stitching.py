"""Rows to where indices say, from several tensors or to several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.registry import lower, lower_host, lower_raw
from anyhub.engines.portable.values import dtype_name, is_host, shape_of, to_device, to_host

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute

_move = primitives("indexing")

_KNOWN = "The {} have to be known where code is compiled, as the shape of the result depends on it."


@lower_raw(
    "DynamicStitch",
    "ParallelDynamicStitch",
    limits=_KNOWN.format("indices")
    + " Rows that no index names are zeros. Only the last of several with the same index has a "
    "derivative.",
)
def dynamic_stitch(node: NodeView) -> Compute:
    count = node.integer("N")

    def run(_run: Any, *values: Any) -> Any:
        indices = [to_host(value) for value in values[:count]]
        data = values[count:]
        for index, part in zip(indices, data, strict=True):
            if shape_of(part)[: index.ndim] != index.shape:
                raise ValueError(f"indices of shape {index.shape} for data of {shape_of(part)}")
        tail = shape_of(data[0])[indices[0].ndim :]
        sources = _sources(indices)
        if all(is_host(part) for part in data):
            return _stitched_on_host(data, sources, tail)
        rows = [
            _move.reshape(to_device(part), (index.size, *tail))
            for index, part in zip(indices, data, strict=True)
        ]
        return _stitched(_move.concat(rows, 0), sources)

    return run


def _sources(indices: Sequence[Any]) -> Any:
    """For each row of the result the row of the joined data, -1 for none."""
    flat = np.concatenate([index.ravel() for index in indices])
    if flat.size and flat.min() < 0:
        raise ValueError(f"a negative index: {flat.min()}")
    sources = np.full(flat.max(initial=-1) + 1, -1, np.int32)
    # Of several with the same index the last one counts.
    sources[flat] = np.arange(flat.size)
    return sources


def _stitched(rows: Any, sources: Any) -> Any:
    if sources.size == rows.shape[0] and np.array_equal(sources, np.arange(sources.size)):
        return rows
    found = _move.take(rows, to_device(np.maximum(sources, 0)), 0)
    if sources.min(initial=0) >= 0:
        return found
    gaps = to_device((sources < 0).reshape(-1, *(1,) * (len(rows.shape) - 1)))
    return _move.where(gaps, _move.zeros((), dtype_name(found)), found)


def _stitched_on_host(data: Sequence[Any], sources: Any, tail: tuple[int, ...]) -> Any:
    rows = np.concatenate([part.reshape(-1, *tail) for part in data])
    zero: Any = b"" if rows.dtype.hasobject else 0
    result = np.full((sources.size, *tail), zero, rows.dtype)
    result[sources >= 0] = rows[sources[sources >= 0]]
    return result


@lower("DynamicPartition", host=(1,), limits=_KNOWN.format("partitions"))
def dynamic_partition(node: NodeView) -> Compute:
    count = node.integer("num_partitions")

    def run(data: Any, partitions: Any) -> Any:
        tail = shape_of(data)[partitions.ndim :]
        rows = _move.reshape(data, (partitions.size, *tail))
        return [_move.take(rows, to_device(places), 0) for places in _places(partitions, count)]

    return run


@lower_host("DynamicPartition")
def dynamic_partition_on_host(node: NodeView) -> Compute:
    count = node.integer("num_partitions")

    def run(data: Any, partitions: Any) -> Any:
        rows = data.reshape(partitions.size, *data.shape[partitions.ndim :])
        return [rows[places] for places in _places(partitions, count)]

    return run


def _places(partitions: Any, count: int) -> list[Any]:
    flat = partitions.ravel()
    if np.any((flat < 0) | (flat >= count)):
        raise ValueError(f"partitions are not all in the range from 0 to {count - 1}")
    return [np.flatnonzero(flat == number).astype(np.int32) for number in range(count)]
