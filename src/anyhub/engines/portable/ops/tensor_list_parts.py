"""Tensor lists: many elements at once, taken, put, cut and joined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable import values
from anyhub.engines.portable.ops.tensor_lists import listed, read_shape
from anyhub.engines.portable.registry import lower_raw
from anyhub.engines.portable.tensor_list import TensorList, merged, zeros

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute
    from anyhub.engines.portable.tensor_list import Shape


@lower_raw(
    "TensorListGather",
    limits=(
        "The derivative of an element that is taken twice is the sum of both; TensorFlow forgets "
        "one of them."
    ),
)
def tensor_list_gather(_: NodeView) -> Compute:
    def run(_run: Any, items: TensorList, indices: Any, shape: Any) -> Any:
        known = listed(items).element_shape(read_shape(shape))
        count = values.shape_of(indices)[0]
        if values.is_traced(indices):
            found = [items.get(indices[i], known) for i in range(count)]
        else:
            found = [items.get(int(i), known) for i in values.to_host(indices).tolist()]
        return items.with_items(found).stacked(known)

    return run


@lower_raw("TensorListScatter")
def tensor_list_scatter(node: NodeView) -> Compute:
    dtype = node.dtype("element_dtype")

    def run(_run: Any, tensor: Any, indices: Any, shape: Any) -> TensorList:
        return _scattered(TensorList(dtype, read_shape(shape)), tensor, indices)

    return run


@lower_raw("TensorListScatterV2")
def tensor_list_scatter_v2(node: NodeView) -> Compute:
    dtype = node.dtype("element_dtype")

    def run(_run: Any, tensor: Any, indices: Any, shape: Any, count: Any) -> TensorList:
        size = int(values.to_host(count))
        items = TensorList(dtype, read_shape(shape), (None,) * max(size, 0))
        return _scattered(items, tensor, indices, grows=size == -1)

    return run


@lower_raw("TensorListScatterIntoExistingList")
def tensor_list_scatter_into_existing_list(_: NodeView) -> Compute:
    return lambda _run, items, tensor, indices: _scattered(listed(items), tensor, indices)


def _scattered(items: TensorList, tensor: Any, indices: Any, grows: bool = True) -> TensorList:
    places = [int(i) for i in values.to_host(indices).tolist()]
    parts = TensorList(items.dtype, None, None, tensor).spread()
    if len(places) != len(parts):
        raise ValueError(f"{len(parts)} elements for {len(places)} places of a tensor list")
    if any(place < 0 for place in places):
        raise ValueError(f"element {min(places)} of a tensor list")
    if grows and places:
        items = items.resized(max(len(items), *(place + 1 for place in places)))
    found = [*items.spread()]
    for place, part in zip(places, parts, strict=True):
        merged(items.shape, values.open_shape(part))
        if place >= len(found):
            raise ValueError(f"element {place} of a tensor list with {len(found)} elements")
        found[place] = part
    return items.with_items(found)


@lower_raw("TensorListSplit")
def tensor_list_split(node: NodeView) -> Compute:
    dtype = node.dtype("element_dtype")

    def run(_run: Any, tensor: Any, shape: Any, lengths: Any) -> TensorList:
        sizes = [int(size) for size in values.to_host(lengths).tolist()]
        total = values.shape_of(tensor)[0]
        if sum(sizes) != total:
            raise ValueError(f"a tensor of {total} rows is split into parts of {sizes}")
        ends = np.cumsum(sizes).tolist()
        parts = [tensor[end - size : end] for size, end in zip(sizes, ends, strict=True)]
        # Parts have different lengths, and what is said of the first dimension is of no use.
        known = read_shape(shape)
        return TensorList(dtype, None if known is None else (None, *known[1:]), tuple(parts))

    return run


@lower_raw("TensorListConcatV2")
def tensor_list_concat_v2(_: NodeView) -> Compute:
    def run(_run: Any, items: TensorList, shape: Any, leading: Any) -> tuple[Any, Any]:
        sizes = [int(size) for size in values.to_host(leading).tolist()]
        return _joined(listed(items), read_shape(shape), sizes)

    return run


@lower_raw("TensorListConcat")
def tensor_list_concat(node: NodeView) -> Compute:
    shape = node.shape("element_shape")
    return lambda _run, items: _joined(listed(items), shape, [])


def _joined(items: TensorList, shape: Shape, leading: list[int]) -> tuple[Any, Any]:
    known = merged(items.shape, shape)
    parts = [
        _unset(items.dtype, known, leading[i : i + 1]) if item is None else item
        for i, item in enumerate(items.spread())
    ]
    if any(not values.open_shape(part) for part in parts):
        raise ValueError("scalars of a tensor list cannot be joined")
    for part in parts:
        merged(None if known is None else (None, *known[1:]), values.open_shape(part))
    lengths = np.asarray([values.shape_of(part)[0] for part in parts], np.int64)
    if not parts:
        return _unset(items.dtype, known, [0]), lengths
    if all(map(values.is_host, parts)):
        return np.concatenate(parts), lengths
    return K.concatenate([values.to_device(part) for part in parts], axis=0), lengths


def _unset(dtype: str, shape: Shape, leading: list[int]) -> Any:
    """What stands for an element that is not set, of a length that is given."""
    if shape is None or None in shape[1:] or (shape[0] is None and not leading):
        raise ValueError(f"elements of a tensor list are joined whose shape is known as {shape}")
    first = shape[0] if shape[0] is not None and leading != [0] else leading[0]
    return zeros([first, *(size for size in shape[1:] if size is not None)], dtype)
