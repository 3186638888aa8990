"""What windows see, one slice of a tensor for each of a window's elements."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable.values import cast, dtype_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anyhub.engines.portable.ops.windows import Windows


def patches(x: Any, window: Sequence[int], windows: Windows) -> Any:
    """A tensor (elements of a window, batch, *windows, channels).

    Args:
        x: A tensor with the channels last.
        window: Sizes of a window, without dilation.
        windows: Where the windows are; padding has the lowest value.
    """
    pads = windows.pads(x.shape[1:-1], window)
    if any(pad for pair in pads for pad in pair):
        x = K.pad(x, ((0, 0), *pads, (0, 0)), constant_values=_lowest(dtype_name(x)))
    steps = [
        range(0, size - (count - 1) * dilation, stride)
        for size, count, dilation, stride in zip(
            x.shape[1:-1], window, windows.dilations, windows.strides, strict=True
        )
    ]
    offsets = [
        range(0, count * dilation, dilation)
        for count, dilation in zip(window, windows.dilations, strict=True)
    ]
    found = []
    for first in itertools.product(*offsets):
        spatial = [
            slice(start, start + step.stop, step.step)
            for start, step in zip(first, steps, strict=True)
        ]
        found.append(x[(slice(None), *spatial)])
    return K.stack(found)


def at(values: Any, index: Any) -> Any:
    """The elements of the first axis that an index names."""
    return K.take_along_axis(values, index[None], axis=0)[0]


def positions(index: Any, sizes: Sequence[int], window: Sequence[int], windows: Windows) -> Any:
    """Where in the flat batch an element of each patch is, int32.

    Args:
        index: The element, (batch, *windows, channels).
        sizes: Sizes of all dimensions of the tensor that the windows lie in.
        window: Sizes of a window, without dilation.
        windows: Where the windows are.
    """
    rank = windows.rank
    index = cast(index, "int32")
    pads = windows.pads(sizes[1:-1], window)
    axes = [_arange(size, axis, rank + 2) for axis, size in enumerate(index.shape)]
    found = axes[0]
    for axis in range(rank):
        inner = int(np.prod(window[axis + 1 :]))
        offset = index // inner % window[axis] * windows.dilations[axis]
        place = axes[axis + 1] * windows.strides[axis] - pads[axis][0] + offset
        found = found * sizes[axis + 1] + place
    return found * sizes[-1] + axes[-1]


def _arange(size: int, axis: int, rank: int) -> Any:
    shape = [1] * rank
    shape[axis] = size
    return K.convert_to_tensor(np.arange(size, dtype=np.int32).reshape(shape))


def _lowest(dtype: str) -> float | int:
    if "float" in dtype:
        return -float("inf")
    return int(np.iinfo(dtype).min)
