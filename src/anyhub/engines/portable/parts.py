"""Equal parts of a matrix, as exports of recurrent layers take them apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from anyhub.graph.attributes import attribute
from anyhub.savedmodel.tensors import read_tensor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anyhub.graph.const_call import Array
    from anyhub.graph.ir import Node, Ref

    Nodes = Mapping[str, Node]
    # The matrix, and the parts' size where it is written down.
    Place = tuple[Ref, int | None]


@dataclass(frozen=True)
class Part:
    """One of equal parts of a matrix along its last axis.

    Attributes:
        index: Which part.
        count: How many there are.
        whole: The matrix's pattern.
    """

    index: int
    count: int
    whole: Any


def constant(nodes: Nodes, ref: Ref) -> Array | None:
    """The value of a tensor if it is a constant."""
    node = nodes.get(ref.node)
    if node is None or node.op != "Const":
        return None
    return read_tensor(node.attrs["value"].tensor)


def part_place(nodes: Nodes, part: Part, ref: Ref) -> Place | None:
    """Where a tensor is taken from if it is such a part, else None.

    Args:
        nodes: The graph's nodes.
        part: The part; its size is not looked at.
        ref: The tensor.
    """
    node = nodes.get(ref.node)
    read = None if node is None else _READERS.get(node.op)
    return None if node is None or read is None else read(nodes, node, ref.index, part)


def _of_split(nodes: Nodes, node: Node, index: int, part: Part) -> Place | None:
    axis, whole = node.inputs
    is_part = (index, attribute(node, "num_split")) == (part.index, part.count)
    return (whole, None) if is_part and _is_last(nodes, axis) else None


def _of_sizes(nodes: Nodes, node: Node, index: int, part: Part) -> Place | None:
    whole, lengths, axis = node.inputs
    sizes = constant(nodes, lengths)
    if index != part.index or sizes is None or sizes.shape != (part.count,):
        return None
    # What is left, -1, is as much as the others if they are what they should be.
    size = int(sizes.max())
    is_equal = set(sizes.tolist()) <= {size, -1} and size > 0
    return (whole, size) if is_equal and _is_last(nodes, axis) else None


def _of_slice(nodes: Nodes, node: Node, index: int, part: Part) -> Place | None:
    whole, *bounds = node.inputs
    arrays = [constant(nodes, bound) for bound in bounds]
    others = ("ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
    if index or any(attribute(node, name) for name in others):
        return None
    if any(a is None or a.shape != (2,) for a in arrays):
        return None
    begin, end, strides = (a.tolist() for a in arrays if a is not None)
    first, last = int(attribute(node, "begin_mask")), int(attribute(node, "end_mask"))
    is_whole = (first & 1 or begin[0] == 0) and last & 1 and strides == [1, 1]
    start = 0 if first & 2 else begin[1]
    size = start // part.index if part.index else end[1]
    ends = last & 2 if part.index == part.count - 1 else not last & 2 and end[1] == start + size
    is_part = is_whole and ends and size > 0 and start == part.index * size
    return (whole, size) if is_part else None


def _is_last(nodes: Nodes, axis: Ref) -> bool:
    found = constant(nodes, axis)
    return found is not None and bool(np.isin(found, (1, -1)).all())


_READERS = {"Split": _of_split, "SplitV": _of_sizes, "StridedSlice": _of_slice}
