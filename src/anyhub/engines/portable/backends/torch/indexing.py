"""Moving elements with torch.

Sizes and axes are tuples and integers, axes count from the front, and indices that are out of range
give zeros or are dropped.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import torch
from keras.src.backend.torch.core import get_device

from anyhub.engines.portable.backends.torch.core import torch_dtype

if TYPE_CHECKING:
    from collections.abc import Callable

_SIGNED = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}

broadcast_to = torch.broadcast_to
concat = torch.cat
conj = torch.conj_physical
reshape = torch.reshape
stack = torch.stack
transpose = torch.permute
expand_dims = torch.unsqueeze
tile = torch.tile


def _moving(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function move elements of unsigned types, which torch has few kernels of, as signed."""

    def signed(value: Any) -> Any:
        dtype = _SIGNED.get(value.dtype) if isinstance(value, torch.Tensor) else None
        return value if dtype is None else value.view(dtype)

    @functools.wraps(function)
    def run(x: Any, *arguments: Any) -> Any:
        if x.dtype not in _SIGNED:
            return function(x, *arguments)
        return function(signed(x), *map(signed, arguments)).view(x.dtype)

    return run


def squeeze(x: Any, axes: Any) -> Any:
    """Remove dimensions of one element."""
    if any(x.shape[axis] != 1 for axis in axes):
        raise ValueError(f"axes {axes} of shape {tuple(x.shape)} have not one element each")
    return torch.squeeze(x, axes)


def split(x: Any, sizes: Any, axis: int) -> Any:
    """Parts of given sizes along an axis."""
    return torch.split(x, sizes, axis)


def unstack(x: Any, axis: int, count: int) -> Any:  # noqa: ARG001 - others need to know it
    """The parts along an axis, without it."""
    return torch.unbind(x, axis)


@_moving
def flip(x: Any, axes: Any) -> Any:
    """Reverse along axes."""
    return torch.flip(x, axes)


@_moving
def roll(x: Any, shifts: Any, axes: Any) -> Any:
    """Move elements along axes, and those beyond the end to the start."""
    return torch.roll(x, shifts, axes)


def window(x: Any, cut: Any) -> Any:
    """A part: cut out with positive steps, then reversed along some axes, then reshaped."""
    lows, highs, steps, flips, shape = cut
    x = x[tuple(map(slice, lows, highs, steps))]
    return torch.reshape(flip(x, flips) if flips else x, shape)


@_moving
def write_window(x: Any, value: Any, cut: Any) -> Any:
    """A tensor where the part that `window` gives is another."""
    lows, highs, steps, flips, shape = cut
    index = tuple(map(slice, lows, highs, steps))
    result = x.clone()
    part = torch.broadcast_to(value, shape).reshape(result[index].shape)
    result[index] = torch.flip(part, flips)
    return result


@_moving
def dynamic_window(x: Any, starts: Any, sizes: Any) -> Any:
    """A part of known size; it is moved so far that it lies inside."""
    for axis, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        if size != x.shape[axis]:
            first = torch.clamp(torch.as_tensor(start, device=x.device), 0, x.shape[axis] - size)
            x = x.index_select(axis, first + torch.arange(size, device=x.device))
    return x


@_moving
def pad(x: Any, pairs: Any, value: Any = None) -> Any:
    """Add elements before and after, along each axis."""
    if value is None:
        return torch.nn.functional.pad(x, [size for pair in reversed(pairs) for size in pair])
    shape = [size + sum(pair) for size, pair in zip(x.shape, pairs, strict=True)]
    result = value.expand(shape).clone()
    inner = zip(x.shape, pairs, strict=True)
    result[tuple(slice(before, before + size) for size, (before, _) in inner)] = x
    return result


@_moving
def take(x: Any, indices: Any, axis: int) -> Any:
    """Parts along an axis."""
    shape = x.shape[:axis] + indices.shape + x.shape[axis + 1 :]
    size = x.shape[axis]
    flat = _wide(indices).reshape(-1)
    if not size or not flat.numel():
        return x.new_zeros(shape)
    if _are_inside(flat, size):
        return x.index_select(axis, flat).reshape(shape)
    found = x.index_select(axis, flat.clamp(0, size - 1))
    beyond = (flat < 0) | (flat >= size)
    tail = (1,) * (x.ndim - axis - 1)
    return found.masked_fill(beyond.reshape(-1, *tail), 0).reshape(shape)


def _wide(indices: Any) -> Any:
    return indices if indices.dtype in (torch.int32, torch.int64) else indices.long()


def _are_inside(flat: Any, size: int) -> bool:
    """Whether indices are known to be in range; other devices are not waited for."""
    if flat.device.type != "cpu":
        return False
    low, high = torch.aminmax(flat)
    return bool(low >= 0) and bool(high < size)


@_moving
def take_along(x: Any, indices: Any, axis: int) -> Any:
    """Elements along an axis; indices are in range and have x's shape, or 1, elsewhere."""
    return torch.take_along_dim(x, indices.long(), axis)


def gather_nd(x: Any, indices: Any) -> Any:
    """Parts by indices along the first dimensions, one or more."""
    depth = indices.shape[-1]
    rows = torch.reshape(x, (math.prod(x.shape[:depth]), *x.shape[depth:]))
    return take(rows, _row_numbers(indices, x.shape[:depth], -1), 0)


def _row_numbers(indices: Any, sizes: Any, beyond: int) -> Any:
    """Indices along several dimensions as indices along one, `beyond` where out of range."""
    flat, inside = 0, True
    for part, size in zip(torch.unbind(indices.long(), -1), sizes, strict=True):
        flat = flat * size + part
        inside = inside & (part >= 0) & (part < size)
    return torch.where(inside, flat, beyond)


def scatter(x: Any, indices: Any, updates: Any, how: str) -> Any:
    """Put updates at indices along the first dimensions: set, add, sub, max or min."""
    wanted = x.dtype
    if wanted in _SIGNED and how in {"max", "min"}:
        x, updates = x.long(), updates.long()
    elif wanted in _SIGNED:
        x, updates = x.view(_SIGNED[wanted]), updates.view(_SIGNED[wanted])
    depth = indices.shape[-1]
    count, tail = math.prod(x.shape[:depth]), x.shape[depth:]
    rows = _row_numbers(indices, x.shape[:depth], count).reshape(-1)
    # One more row takes what is out of range.
    base = torch.cat([x.reshape(count, *tail), x.new_zeros((1, *tail))])
    result = _SCATTERS[how](base, 0, rows, updates.reshape(rows.shape[0], *tail))
    result = result[:count].reshape(x.shape)
    if wanted not in _SIGNED:
        return result
    return result.to(wanted) if how in {"max", "min"} else result.view(wanted)


def _extreme(how: str) -> Callable[..., Any]:
    return lambda base, axis, rows, updates: base.index_reduce(axis, rows, updates, how)


_SCATTERS: dict[str, Callable[..., Any]] = {
    "set": torch.index_copy,
    "add": torch.index_add,
    "sub": functools.partial(torch.index_add, alpha=-1),
    "max": _extreme("amax"),
    "min": _extreme("amin"),
}


def where(mask: Any, x: Any, y: Any) -> Any:
    """The elements of one where a mask is true, else of the other."""
    return _moving(lambda x, y: torch.where(mask, x, y))(x, y)


def search_sorted(rows: Any, values: Any, side: str) -> Any:
    """Where values would go in sorted rows, as int32."""
    if rows.dtype in _SIGNED:
        rows, values = rows.long(), values.long()
    return torch.searchsorted(rows.contiguous(), values.contiguous(), side=side, out_int32=True)


def arange(count: int) -> Any:
    """The numbers from 0 on, as int32."""
    return torch.arange(count, dtype=torch.int32, device=get_device())


def zeros(shape: Any, dtype: str) -> Any:
    """Zeros."""
    return torch.zeros(shape, dtype=torch_dtype(dtype), device=get_device())
