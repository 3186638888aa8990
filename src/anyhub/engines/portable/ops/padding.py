"""Elements around tensors: zeros, a value, or a mirror image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.registry import lower, lower_host
from anyhub.engines.portable.values import shape_of

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute

_move = primitives("indexing")


@lower("Pad", host=(1,))
def pad(_: NodeView) -> Compute:
    return lambda x, paddings: _move.pad(x, pairs_of(paddings))


@lower("PadV2", host=(1,))
def pad_v2(_: NodeView) -> Compute:
    def run(x: Any, paddings: Any, value: Any) -> Any:
        # TensorFlow gives no derivative by the value.
        return _move.pad(x, pairs_of(paddings), K.stop_gradient(value))

    return run


def pairs_of(paddings: Any) -> tuple[tuple[int, int], ...]:
    """How many elements to add before and after, for each dimension.

    Raises:
        ValueError: Some are negative.
    """
    pairs = tuple([(before, after) for before, after in paddings.tolist()])
    if any(before < 0 or after < 0 for before, after in pairs):
        raise ValueError(f"negative paddings: {pairs}")
    return pairs


@lower("MirrorPad", host=(1,))
def mirror_pad(node: NodeView) -> Compute:
    skipped = _skipped(node)

    def run(x: Any, paddings: Any) -> Any:
        for axis, (before, after) in enumerate(pairs_of(paddings)):
            size = x.shape[axis]
            if max(before, after) > size - skipped and (before or after):
                raise ValueError(f"paddings {(before, after)} for a dimension of size {size}")
            first = _reversed_part(x, axis, skipped, skipped + before)
            last = _reversed_part(x, axis, size - skipped - after, size - skipped)
            x = _move.concat((first, x, last), axis) if before or after else x
        return x

    return run


def _skipped(node: NodeView) -> int:
    """How many elements at the edge are not repeated."""
    return 1 if node.text("mode", "REFLECT", "SYMMETRIC") == "REFLECT" else 0


def _part(x: Any, axis: int, low: int, high: int, flips: tuple[int, ...] = ()) -> Any:
    shape = shape_of(x)
    lows = tuple([low if i == axis else 0 for i in range(len(shape))])
    highs = tuple([high if i == axis else size for i, size in enumerate(shape)])
    sizes = tuple([b - a for a, b in zip(lows, highs, strict=True)])
    return _move.window(x, (lows, highs, (1,) * len(shape), flips, sizes))


def _reversed_part(x: Any, axis: int, low: int, high: int) -> Any:
    return _part(x, axis, low, high, (axis,))


@lower_host("MirrorPad")
def mirror_pad_on_host(node: NodeView) -> Compute:
    mode: Any = "reflect" if _skipped(node) else "symmetric"
    return lambda x, paddings: np.pad(x, pairs_of(paddings), mode)


@lower("MirrorPadGrad", host=(1,))
def mirror_pad_grad(node: NodeView) -> Compute:
    skipped = _skipped(node)

    def run(dy: Any, paddings: Any) -> Any:
        for axis, (before, after) in enumerate(pairs_of(paddings)):
            size = dy.shape[axis] - before - after
            first = _reversed_part(dy, axis, 0, before)
            last = _reversed_part(dy, axis, before + size, before + size + after)
            dy = _part(dy, axis, before, before + size)
            dy = dy + _placed(first, axis, skipped, size)
            dy = dy + _placed(last, axis, size - after - skipped, size)
        return dy

    return run


def _placed(x: Any, axis: int, low: int, size: int) -> Any:
    """A part with zeros around it."""
    after = size - low - x.shape[axis]
    return _move.pad(x, tuple((low, after) if i == axis else (0, 0) for i in range(len(x.shape))))
