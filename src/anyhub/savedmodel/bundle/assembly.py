"""Puts the pieces of a partitioned tensor together.

Source: BundleReader::GetSliceValue in `tensor_bundle.cc` and `TensorSliceSet` in
`tensorflow/core/util/tensor_slice_set.cc`: pieces must not overlap, and must cover what is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from anyhub.savedmodel.bundle.slices import Box, box_shape, box_volume, intersection

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Piece:
    """A stored part of a tensor.

    Attributes:
        box: Which part it is.
        read: Reads its values.
    """

    box: Box
    read: Callable[[], NDArray[Any]]


def assemble(target: Box, pieces: Sequence[Piece], numpy_dtype: Any) -> NDArray[Any]:
    """Read a part of a tensor from pieces that may overlap with it.

    Raises:
        ValueError: The pieces overlap, or do not cover the part.
    """
    check_cover(target, [piece.box for piece in pieces])
    result = np.empty(box_shape(target), numpy_dtype)
    for piece in pieces:
        common = intersection(target, piece.box)
        if common is not None:
            result[_index(common, target)] = piece.read()[_index(common, piece.box)]
    return result


def check_cover(target: Box, boxes: Sequence[Box]) -> None:
    """Check that parts of a tensor make up a part of it, without overlapping.

    Raises:
        ValueError: They do not.
    """
    _check_disjoint(boxes)
    common = [intersection(target, box) for box in boxes]
    covered = sum(box_volume(box) for box in common if box is not None)
    if covered != box_volume(target):
        expected = box_volume(target)
        raise ValueError(f"its slices hold {covered:,} of the {expected:,} elements to read")


def _check_disjoint(boxes: Sequence[Box]) -> None:
    filled = [box for box in boxes if box and box_volume(box)]
    if not filled:
        return
    # Sorted along the dimension that is cut most often, few parts can overlap with each one.
    cuts = [len({box[axis].start for box in filled}) for axis in range(len(filled[0]))]
    axis = int(np.argmax(cuts))
    filled.sort(key=lambda box: box[axis].start)
    starts = np.array([[extent.start for extent in box] for box in filled], np.int64)
    stops = np.array([[extent.stop for extent in box] for box in filled], np.int64)
    reach = np.searchsorted(starts[:, axis], stops[:, axis])
    for number, last in enumerate(reach):
        later = slice(number + 1, last)
        apart = (starts[later] >= stops[number]) | (stops[later] <= starts[number])
        if not np.all(np.any(apart, axis=1)):
            raise ValueError(f"its slices overlap at {[extent.start for extent in filled[number]]}")


def _index(part: Box, box: Box) -> tuple[slice, ...]:
    """Where a part lies in an array that holds a larger part."""
    pairs = zip(part, box, strict=True)
    return tuple(slice(e.start - whole.start, e.stop - whole.start) for e, whole in pairs)
