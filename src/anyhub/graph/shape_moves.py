"""Shapes of the results of ops that move elements.

Source: the shape functions in `tensorflow/core/ops/array_ops.cc`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from anyhub.graph.const_slices import strided_index

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anyhub.graph.shape_known import Known, Rule, Sizes
    from anyhub.savedmodel.shapes import Shape


def _reshape(known: Known) -> Shape:
    sizes = known.integers(1)
    source = known.shapes[0]
    if sizes.count(-1) == 1 and None not in sizes and source is not None and None not in source:
        rest = math.prod(size for size in sizes if size is not None and size != -1)
        total = math.prod(size for size in source if size is not None)
        return tuple(total // rest if size == -1 else size for size in sizes)
    return tuple(None if s is None or s < 0 else s for s in sizes)


def _expand_dims(known: Known) -> Shape:
    sizes = known.sizes()
    sizes.insert(known.axis(1, len(sizes) + 1), 1)
    return tuple(sizes)


def _squeeze(known: Known) -> Shape:
    sizes = known.sizes()
    axes = {
        known.call.axis(axis, len(sizes)) for axis in known.call.integers_attribute("squeeze_dims")
    }
    if not axes and None in sizes:
        return None
    axes = axes or {axis for axis, size in enumerate(sizes) if size == 1}
    return tuple(size for axis, size in enumerate(sizes) if axis not in axes)


def _transpose(known: Known) -> Shape:
    sizes = known.sizes()
    return tuple(sizes[axis] for axis in known.known_integers(1))


def _pack(known: Known) -> Shape:
    sizes = known.sizes()
    axis = known.call.axis(known.call.integer_attribute("axis"), len(sizes) + 1)
    sizes.insert(axis, len(known.shapes))
    return tuple(sizes)


def _unpack(known: Known) -> Shape:
    sizes = known.sizes()
    del sizes[known.call.axis(known.call.integer_attribute("axis"), len(sizes))]
    return tuple(sizes)


def _concat(known: Known) -> Shape:
    parts = [known.sizes(position) for position in range(len(known.shapes) - 1)]
    axis = known.axis(len(parts), len(parts[0]))
    sizes = [
        next((s for s in column if s is not None), None) for column in zip(*parts, strict=True)
    ]
    lengths = [part[axis] for part in parts]
    sizes[axis] = None if None in lengths else sum(s for s in lengths if s is not None)
    return tuple(sizes)


def _split(known: Known) -> Shape:
    sizes = known.sizes(1)
    axis = known.axis(0, len(sizes))
    size = sizes[axis]
    sizes[axis] = None if size is None else size // known.call.integer_attribute("num_split")
    return tuple(sizes)


def _gather(known: Known) -> Shape:
    sizes, indices = known.sizes(), known.sizes(1)
    axis = known.axis(2, len(sizes)) if len(known.shapes) > 2 else 0
    batch = known.call.integer_attribute("batch_dims") if len(known.shapes) > 2 else 0
    batch += len(indices) if batch < 0 else 0
    return (*sizes[:axis], *indices[batch:], *sizes[axis + 1 :])


def _strided_slice(known: Known) -> Shape:
    sizes = known.sizes()
    bounds = [known.known_integers(position) for position in (1, 2, 3)]
    found: Sizes = []
    dim = 0
    for index in strided_index(known.call, sizes, bounds):
        if index is None:
            found.append(1)
            continue
        size = sizes[dim]
        if isinstance(index, slice):
            whole = index == slice(None, None, 1) or index == slice(None)
            length = None if size is None else len(range(*index.indices(size)))
            found.append(size if whole else length)
        dim += 1
    return (*found, *sizes[dim:])


def _slice(known: Known) -> Shape:
    begin, size = known.integers(1), known.integers(2)
    found: Sizes = []
    for full, start, count in zip(known.sizes(), begin, size, strict=True):
        rest = None if full is None or start is None else full - start
        found.append(rest if count == -1 else count)
    return tuple(found)


def _tile(known: Known) -> Shape:
    pairs = zip(known.sizes(), known.integers(1), strict=True)
    return tuple(None if size is None or n is None else size * n for size, n in pairs)


def _pad(known: Known) -> Shape:
    pads = known.known_integers(1)
    return tuple(
        None if size is None else size + pads[2 * axis] + pads[2 * axis + 1]
        for axis, size in enumerate(known.sizes())
    )


MOVE_RULES: Mapping[str, Rule] = {
    "ConcatV2": _concat,
    "ExpandDims": _expand_dims,
    "Gather": _gather,
    "GatherV2": _gather,
    "Pack": _pack,
    "MirrorPad": _pad,
    "Pad": _pad,
    "PadV2": _pad,
    "Reshape": _reshape,
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _squeeze,
    "StridedSlice": _strided_slice,
    "Tile": _tile,
    "Transpose": _transpose,
    "Unpack": _unpack,
}
