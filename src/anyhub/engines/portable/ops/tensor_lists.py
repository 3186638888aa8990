"""Tensor lists: what TF2's TensorArray is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from anyhub.engines.portable import values
from anyhub.engines.portable.errors import HostValueError
from anyhub.engines.portable.registry import lower_raw
from anyhub.engines.portable.tensor_list import TensorList, merged

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute
    from anyhub.engines.portable.tensor_list import Shape

_PLACES = "A place that is known only when compiled code runs is not checked against the length."


def read_shape(value: Any) -> Shape:
    """An element shape as ops take it: a scalar or negative sizes for what is not known."""
    if values.is_traced(value):
        # It only restricts what the elements tell themselves.
        return None
    sizes = values.to_host(value)
    if sizes.ndim == 0:
        return None
    return tuple(None if size < 0 else int(size) for size in sizes.tolist())


def listed(value: Any) -> TensorList:
    """A list.

    Raises:
        HostValueError: It is one of TensorFlow's own, made where sizes were not known.
    """
    if not isinstance(value, TensorList):
        raise HostValueError("a tensor list is needed whose length was not known when it was made")
    return value


def read_index(value: Any) -> Any:
    """A place in a list: an integer if it is known now, else a tensor."""
    return value if values.is_traced(value) else int(values.to_host(value))


@lower_raw("EmptyTensorList")
def empty_tensor_list(node: NodeView) -> Compute:
    dtype = node.dtype("element_dtype")

    def run(_run: Any, shape: Any, limit: Any) -> TensorList:
        most = int(values.to_host(limit))
        return TensorList(dtype, read_shape(shape), limit=None if most < 0 else most)

    return run


@lower_raw("TensorListReserve")
def tensor_list_reserve(node: NodeView) -> Compute:
    dtype = node.dtype("element_dtype")

    def run(_run: Any, shape: Any, count: Any) -> TensorList:
        size = int(values.to_host(count))
        if size < 0:
            raise ValueError(f"a tensor list of {size} elements is asked for")
        return TensorList(dtype, read_shape(shape), (None,) * size)

    return run


@lower_raw("TensorListFromTensor")
def tensor_list_from_tensor(node: NodeView) -> Compute:
    dtype = node.dtype("element_dtype")

    def run(_run: Any, tensor: Any, shape: Any) -> TensorList:
        known = read_shape(shape)
        length, *sizes = values.open_shape(tensor)
        if length is None:
            raise HostValueError("the length of a tensor list is needed")
        merged(known, tuple(sizes))
        return TensorList(dtype, known, None, tensor)

    return run


@lower_raw("TensorListStack")
def tensor_list_stack(node: NodeView) -> Compute:
    count = node.integer("num_elements")

    def run(_run: Any, items: TensorList, shape: Any) -> Any:
        found = listed(items)
        if count not in (-1, len(found)):
            raise ValueError(f"a tensor list with {len(found)} elements, expected {count}")
        return found.stacked(read_shape(shape))

    return run


@lower_raw("TensorListGetItem", limits=_PLACES)
def tensor_list_get_item(_: NodeView) -> Compute:
    def run(_run: Any, items: TensorList, index: Any, shape: Any) -> Any:
        return listed(items).get(read_index(index), read_shape(shape))

    return run


@lower_raw("TensorListSetItem", limits=_PLACES)
def tensor_list_set_item(node: NodeView) -> Compute:
    resizes = node.boolean("resize_if_index_out_of_bounds")

    def run(_run: Any, items: TensorList, index: Any, item: Any) -> TensorList:
        place = read_index(index)
        if resizes and not isinstance(place, int):
            raise HostValueError(
                f"op {node.op!r} (node {node.node.name!r}): a TensorArray with dynamic_size=True "
                "grows in a loop whose count is known only when compiled code runs; call the model "
                "outside of jax.jit or tf.function, or save it with a TensorArray of fixed size"
            )
        found = listed(items)
        if resizes and place >= len(found):
            found = found.resized(place + 1)
        return found.with_element(place, item)

    return run


@lower_raw("TensorListLength")
def tensor_list_length(_: NodeView) -> Compute:
    return lambda _run, items: np.asarray(len(listed(items)), np.int32)


@lower_raw("TensorListElementShape")
def tensor_list_element_shape(node: NodeView) -> Compute:
    dtype = node.dtype("shape_type")

    def run(_run: Any, items: TensorList) -> Any:
        shape = listed(items).shape
        sizes = -1 if shape is None else [-1 if size is None else size for size in shape]
        return np.asarray(sizes, dtype)

    return run


@lower_raw("TensorListResize")
def tensor_list_resize(_: NodeView) -> Compute:
    def run(_run: Any, items: TensorList, size: Any) -> TensorList:
        wanted = int(values.to_host(size))
        if wanted < 0:
            raise ValueError(f"a tensor list is resized to {wanted} elements")
        return listed(items).resized(wanted)

    return run


@lower_raw("TensorListPushBack")
def tensor_list_push_back(_: NodeView) -> Compute:
    def run(_run: Any, items: TensorList, item: Any) -> TensorList:
        found = listed(items)
        if found.limit is not None and len(found) >= found.limit:
            raise ValueError(f"a tensor list may have {found.limit} elements and gets another")
        if not isinstance(item, TensorList):
            merged(found.shape, values.open_shape(item))
        return found.with_items([*found.spread(), item])

    return run


@lower_raw("TensorListPopBack")
def tensor_list_pop_back(_: NodeView) -> Compute:
    def run(_run: Any, items: TensorList, shape: Any) -> tuple[TensorList, Any]:
        last = len(listed(items)) - 1
        if last < 0:
            raise ValueError("the last element of an empty tensor list is taken")
        return items.resized(last), items.get(last, read_shape(shape))

    return run


@lower_raw("TensorListConcatLists", limits="It has a derivative, which TensorFlow's lacks.")
def tensor_list_concat_lists(_: NodeView) -> Compute:
    def run(_run: Any, first: TensorList, second: TensorList) -> TensorList:
        return first.with_items([*listed(first).spread(), *listed(second).spread()])

    return run
