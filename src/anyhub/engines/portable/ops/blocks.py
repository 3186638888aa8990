"""Blocks of space to the batch or the depth and back, and patches of images."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.ops.padding import pairs_of
from anyhub.engines.portable.registry import lower
from anyhub.engines.portable.values import shape_of, to_device

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute

_move = primitives("indexing")


@lower("SpaceToBatchND", host=(1, 2))
def space_to_batch_nd(_: NodeView) -> Compute:
    return lambda x, blocks, paddings: _to_batch(x, blocks.tolist(), pairs_of(paddings))


@lower("SpaceToBatch", host=(1,))
def space_to_batch(node: NodeView) -> Compute:
    size = node.integer("block_size")
    return lambda x, paddings: _to_batch(x, [size, size], pairs_of(paddings))


def _to_batch(x: Any, blocks: list[int], pairs: Sequence[tuple[int, int]]) -> Any:
    count, rank = len(blocks), len(x.shape)
    if any(pair != (0, 0) for pair in pairs):
        x = _move.pad(x, ((0, 0), *pairs, *[(0, 0)] * (rank - count - 1)))
    batch, *space = shape_of(x)[: count + 1]
    tail = shape_of(x)[count + 1 :]
    if any(size % block for size, block in zip(space, blocks, strict=True)):
        raise ValueError(f"padded sizes {space} are no multiples of the blocks {blocks}")
    parts = [size // block for size, block in zip(space, blocks, strict=True)]
    split = [n for pair in zip(parts, blocks, strict=True) for n in pair]
    x = _move.reshape(x, (batch, *split, *tail))
    inner = [2 * i + 2 for i in range(count)]
    outer = [2 * i + 1 for i in range(count)]
    x = _move.transpose(x, (*inner, 0, *outer, *range(2 * count + 1, len(x.shape))))
    return _move.reshape(x, (math.prod(blocks) * batch, *parts, *tail))


@lower("BatchToSpaceND", host=(1, 2))
def batch_to_space_nd(_: NodeView) -> Compute:
    return lambda x, blocks, crops: _from_batch(x, blocks.tolist(), pairs_of(crops))


@lower("BatchToSpace", host=(1,))
def batch_to_space(node: NodeView) -> Compute:
    size = node.integer("block_size")
    return lambda x, crops: _from_batch(x, [size, size], pairs_of(crops))


def _from_batch(x: Any, blocks: list[int], crops: Sequence[tuple[int, int]]) -> Any:
    count = len(blocks)
    batch, *space = shape_of(x)[: count + 1]
    tail = shape_of(x)[count + 1 :]
    images, rest = divmod(batch, math.prod(blocks))
    if rest:
        raise ValueError(f"a batch of {batch} for the blocks {blocks}")
    x = _move.reshape(x, (*blocks, images, *space, *tail))
    pairs = [axis for i in range(count) for axis in (count + 1 + i, i)]
    x = _move.transpose(x, (count, *pairs, *range(2 * count + 1, len(x.shape))))
    whole = [size * block for size, block in zip(space, blocks, strict=True)]
    x = _move.reshape(x, (images, *whole, *tail))
    if all(pair == (0, 0) for pair in crops):
        return x
    lows = (0, *(before for before, _ in crops), *(0 for _ in tail))
    ends = [size - after for size, (_, after) in zip(whole, crops, strict=True)]
    highs = (images, *ends, *tail)
    sizes = tuple(high - low for low, high in zip(lows, highs, strict=True))
    if min(sizes) < 0:
        raise ValueError(f"crops {crops} of an image of {whole}")
    return _move.window(x, (lows, highs, (1,) * len(lows), (), sizes))


@lower("SpaceToDepth", limits="The data format NCHW_VECT_C.")
def space_to_depth(node: NodeView) -> Compute:
    block, is_first = node.integer("block_size"), _is_channels_first(node)

    def run(x: Any) -> Any:
        batch, height, width, depth = _sizes(x, is_first)
        h, w = height // block, width // block
        if (h * block, w * block) != (height, width):
            raise ValueError(f"an image of {height} x {width} in blocks of {block}")
        if is_first:
            x = _move.reshape(x, (batch, depth, h, block, w, block))
            x = _move.transpose(x, (0, 3, 5, 1, 2, 4))
            return _move.reshape(x, (batch, block * block * depth, h, w))
        x = _move.reshape(x, (batch, h, block, w, block, depth))
        x = _move.transpose(x, (0, 1, 3, 2, 4, 5))
        return _move.reshape(x, (batch, h, w, block * block * depth))

    return run


@lower("DepthToSpace", limits="The data format NCHW_VECT_C.")
def depth_to_space(node: NodeView) -> Compute:
    block, is_first = node.integer("block_size"), _is_channels_first(node)

    def run(x: Any) -> Any:
        batch, h, w, depth = _sizes(x, is_first)
        thin, rest = divmod(depth, block * block)
        if rest:
            raise ValueError(f"a depth of {depth} for blocks of {block}")
        if is_first:
            x = _move.reshape(x, (batch, block, block, thin, h, w))
            x = _move.transpose(x, (0, 3, 4, 1, 5, 2))
            return _move.reshape(x, (batch, thin, h * block, w * block))
        x = _move.reshape(x, (batch, h, w, block, block, thin))
        x = _move.transpose(x, (0, 1, 3, 2, 4, 5))
        return _move.reshape(x, (batch, h * block, w * block, thin))

    return run


def _is_channels_first(node: NodeView) -> bool:
    return node.text("data_format", "NHWC", "NCHW") == "NCHW"


def _sizes(x: Any, is_first: bool) -> tuple[int, int, int, int]:
    a, b, c, d = shape_of(x)
    return (a, c, d, b) if is_first else (a, b, c, d)


@lower("ExtractImagePatches")
def extract_image_patches(node: NodeView) -> Compute:
    return _patches(node, node.integers("rates"))


@lower("ExtractVolumePatches")
def extract_volume_patches(node: NodeView) -> Compute:
    return _patches(node, (1,) * 5)


def _patches(node: NodeView, rates: tuple[int, ...]) -> Compute:
    kernel, strides = node.integers("ksizes"), node.integers("strides")
    is_same = node.text("padding", "SAME", "VALID") == "SAME"
    if any(sizes[0] != 1 or sizes[-1] != 1 for sizes in (kernel, strides, rates)):
        node.unsupported("patches along the batch or the depth")
    space = range(1, len(kernel) - 1)

    def run(x: Any) -> Any:
        batch, *_, depth = shape_of(x)
        counts = []
        for axis in space:
            span = (kernel[axis] - 1) * rates[axis] + 1
            x, count = _padded(x, axis, span, strides[axis], is_same)
            places = np.arange(count)[:, None] * strides[axis]
            places = places + np.arange(kernel[axis]) * rates[axis]
            x = _taken(x, places.ravel().astype(np.int32), axis)
            counts.append(count)
        split = [
            n for axis, count in zip(space, counts, strict=True) for n in (count, kernel[axis])
        ]
        x = _move.reshape(x, (batch, *split, depth))
        rank = len(split) + 2
        x = _move.transpose(x, (0, *range(1, rank - 1, 2), *range(2, rank - 1, 2), rank - 1))
        return _move.reshape(x, (batch, *counts, math.prod(kernel) * depth))

    return run


def _padded(x: Any, axis: int, span: int, stride: int, is_same: bool) -> tuple[Any, int]:
    """An image with zeros at its edges along an axis, and how many patches there are."""
    size = x.shape[axis]
    if not is_same:
        return x, max((size - span) // stride + 1, 0)
    count = -(-size // stride)
    missing = max((count - 1) * stride + span - size, 0)
    if not missing:
        return x, count
    pairs = [(0, 0)] * len(x.shape)
    pairs[axis] = (missing // 2, missing - missing // 2)
    return _move.pad(x, tuple(pairs)), count


def _taken(x: Any, places: Any, axis: int) -> Any:
    if len(places) == x.shape[axis] and np.array_equal(places, np.arange(len(places))):
        return x
    return _move.take(x, to_device(places), axis)
