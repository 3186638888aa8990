"""Parts of tensors, and tensors whose parts are replaced."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.errors import HostValueError
from anyhub.engines.portable.registry import lower, lower_host, lower_raw
from anyhub.engines.portable.values import is_host, is_traced, shape_of, to_device, to_host
from anyhub.graph.const_call import Call
from anyhub.graph.const_ops import compute
from anyhub.graph.const_slices import strided_index

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute

_move = primitives("indexing")

Sizes: TypeAlias = tuple[int, ...]
# Where to cut, per dimension: first element, end and step; axes to reverse; the resulting shape.
Window: TypeAlias = tuple[Sizes, Sizes, Sizes, Sizes, Sizes]

# How many windows a node keeps; they depend on the shape of its input and on where it cuts.
_KEPT = 64
_COMPILED = "Where code is compiled: {}; an index that is out of range is moved into it."


def _is_unknown(value: Any) -> bool:
    return not is_host(value) and is_traced(value)


@lower_raw("Slice", limits=_COMPILED.format("sizes have to be known, and -1 only with begin"))
def slice_(node: NodeView) -> Compute:
    def run(_run: Any, x: Any, begin: Any, size: Any) -> Any:
        size = to_host(size)
        if _is_unknown(begin):
            return _dynamic_slice(to_device(x), begin, size.tolist())
        begin = to_host(begin)
        if is_host(x):
            return compute(node.node, (x, begin, size))[0]
        return _static_slice(x, begin.tolist(), size.tolist())

    return run


def _static_slice(x: Any, begin: list[int], size: list[int]) -> Any:
    shape = shape_of(x)
    bounds = list(zip(begin, size, shape, strict=True))
    sizes = tuple([full - first if count == -1 else count for first, count, full in bounds])
    if sizes == shape and not any(begin):
        return x
    highs = tuple([first + count for first, count in zip(begin, sizes, strict=True)])
    if any(not 0 <= a <= b <= full for a, b, full in zip(begin, highs, shape, strict=True)):
        raise ValueError(f"begin {begin} and size {size} for shape {shape}")
    return _move.window(x, (tuple(begin), highs, (1,) * len(begin), (), sizes))


def _dynamic_slice(x: Any, begin: Any, size: list[int]) -> Any:
    if -1 in size:
        raise HostValueError("the size of a slice up to an end is needed while code is compiled")
    return _move.dynamic_window(x, _parts(begin), tuple(size))


def _parts(vector: Any) -> Any:
    return _move.unstack(vector, 0, vector.shape[0])


@lower_raw(
    "StridedSlice",
    limits=_COMPILED.format("begin and end have to be known, but for dimensions that are removed"),
)
def strided_slice(node: NodeView) -> Compute:
    windows = functools.lru_cache(_KEPT)(functools.partial(_window, node))

    def run(_run: Any, x: Any, begin: Any, end: Any, strides: Any) -> Any:
        if _is_unknown(begin) or _is_unknown(end):
            return _dynamic_strided_slice(node, to_device(x), begin, to_host(strides).tolist())
        begin, end, strides = to_host(begin), to_host(end), to_host(strides)
        if is_host(x):
            return compute(node.node, (x, begin, end, strides))[0]
        bounds = tuple(begin.tolist()), tuple(end.tolist()), tuple(strides.tolist())
        window = windows(shape_of(x), *bounds)
        return x if window is None else _move.window(x, window)

    return run


def _window(
    node: NodeView, shape: Sizes, begin: Sizes, end: Sizes, strides: Sizes
) -> Window | None:
    """What to cut out of a shape, None for all of it as it is."""
    lows: list[int] = []
    highs, steps, flips, out = [], [], [], []
    for item in strided_index(Call(node.node, (), 0), shape, (begin, end, strides)):
        if item is None:
            out.append(1)
            continue
        size = shape[len(lows)]
        if isinstance(item, int):
            part = range(item % size, item % size + 1)
        else:
            part = range(*item.indices(size))
            out.append(len(part))
        if part.step < 0:
            flips.append(len(lows))
            part = part[::-1]
        lows.append(part.start if part else 0)
        highs.append(part[-1] + 1 if part else 0)
        steps.append(part.step)
    window = tuple(lows), tuple(highs), tuple(steps), tuple(flips), tuple(out)
    is_all = window[1] == window[4] == shape and not any(lows) and not flips
    return None if is_all and set(steps) <= {1} else window


def _dynamic_strided_slice(node: NodeView, x: Any, begin: Any, strides: list[int]) -> Any:
    """A slice that takes one element or all along each dimension; which is not known yet."""
    shape, count = shape_of(x), len(strides)
    # Bounds beyond any size: a dimension that is not taken as a whole shows as one that is cut.
    bounds = [0] * count, [0] * count, strides
    hidden = node.integer("ellipsis_mask") | node.integer("new_axis_mask")
    single = node.integer("shrink_axis_mask") & ~hidden
    positions = iter([i for i in range(count) if single >> i & 1])
    sizes: list[int] = []
    starts, out = [], []
    parts = _parts(to_device(begin))
    for item in strided_index(Call(node.node, (), 0), shape, bounds):
        if item is None:
            out.append(1)
            continue
        size = shape[len(sizes)]
        if isinstance(item, int):
            start = parts[next(positions)]
            starts.append(_move.where(start < 0, start + size, start))
            sizes.append(1)
            continue
        if item.start is not None or item.stop is not None or item.step not in (1, None):
            raise HostValueError("the bounds of a slice are needed while code is compiled")
        starts.append(parts[0] * 0)
        sizes.append(size)
        out.append(size)
    return _move.reshape(_move.dynamic_window(x, starts, tuple(sizes)), tuple(out))


@lower("StridedSliceGrad", host=(0, 1, 2, 3))
def strided_slice_grad(node: NodeView) -> Compute:
    dtype = node.dtype("T")

    def run(shape: Any, begin: Any, end: Any, strides: Any, dy: Any) -> Any:
        sizes = tuple(shape.tolist())
        window = _window(node, sizes, begin.tolist(), end.tolist(), strides.tolist())
        return dy if window is None else _move.write_window(_move.zeros(sizes, dtype), dy, window)

    return run


@lower(
    "TensorStridedSliceUpdate",
    host=(1, 2, 3),
    limits="Begin, end and strides have to be known where code is compiled.",
)
def tensor_strided_slice_update(node: NodeView) -> Compute:
    def run(x: Any, begin: Any, end: Any, strides: Any, value: Any) -> Any:
        window = _window(node, shape_of(x), begin.tolist(), end.tolist(), strides.tolist())
        if window is None:
            return _move.broadcast_to(value, shape_of(x))
        return _move.write_window(x, value, window)

    return run


@lower_host("TensorStridedSliceUpdate")
def tensor_strided_slice_update_on_host(node: NodeView) -> Compute:
    def run(x: Any, begin: Any, end: Any, strides: Any, value: Any) -> Any:
        bounds = begin.tolist(), end.tolist(), strides.tolist()
        index = strided_index(Call(node.node, (), 0), x.shape, bounds)
        result = np.copy(x)
        result[tuple(index)] = value
        return result

    return run
