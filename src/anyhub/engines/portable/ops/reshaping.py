"""The same elements in another shape or order, or repeated."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.registry import lower, lower_host, lower_plain
from anyhub.engines.portable.values import shape_of
from anyhub.errors import EngineError
from anyhub.graph.attributes import dtype_attribute
from anyhub.graph.const_ops import compute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute

_move = primitives("indexing")
# 16 GiB of float32: what is larger is not meant.
_MOST_ELEMENTS = 1 << 32


@lower("Reshape", host=(1,))
def reshape(_: NodeView) -> Compute:
    move = _move.reshape

    def run(x: Any, shape: Any) -> Any:
        sizes = tuple(shape.tolist())
        if 0 in x.shape:
            sizes = _with_missing_size(shape_of(x), sizes)
        return move(x, sizes)

    return run


def _with_missing_size(shape: tuple[int, ...], sizes: tuple[int, ...]) -> tuple[int, ...]:
    # Where a zero is asked for, zeros on both sides do not count: (0, 6) to (0, -1) is (0, 6).
    counted = math.prod(size for size in shape if size or 0 not in sizes)
    missing = counted // math.prod(size for size in sizes if size > 0)
    return tuple(missing if size == -1 else size for size in sizes)


@lower("Squeeze")
def squeeze(node: NodeView) -> Compute:
    asked = node.integers("squeeze_dims")

    def run(x: Any) -> Any:
        shape = x.shape
        if asked:
            return _move.squeeze(x, tuple(axis_of(axis, len(shape)) for axis in asked))
        axes = tuple(axis for axis, size in enumerate(shape) if size == 1)
        return _move.squeeze(x, axes) if axes else x

    return run


def axis_of(axis: int, rank: int) -> int:
    """An axis counted from the front.

    Raises:
        ValueError: There is no such axis.
    """
    if not -rank <= axis < rank:
        raise ValueError(f"axis {axis} of a tensor of rank {rank}")
    return axis % rank


def check_size(node: NodeView, shape: Sequence[int]) -> tuple[int, ...]:
    """A shape that a model asks for.

    Raises:
        EngineError: A tensor of it would be so large that no machine has room.
    """
    if math.prod(shape) > _MOST_ELEMENTS:
        raise EngineError(
            f"op {node.op!r} (node {node.node.name!r}) asks for a tensor of shape {list(shape)}: "
            f"more than {_MOST_ELEMENTS} elements"
        )
    return tuple(shape)


@lower("ExpandDims", host=(1,))
def expand_dims(_: NodeView) -> Compute:
    return lambda x, axis: _move.expand_dims(x, axis_of(axis.item(), len(x.shape) + 1))


@lower("Transpose", host=(1,))
def transpose(_: NodeView) -> Compute:
    return _transpose


def _transpose(x: Any, order: Any) -> Any:
    axes = order.tolist()
    return _move.transpose(x, tuple([axis_of(axis, len(axes)) for axis in axes]))


@lower("ConjugateTranspose", host=(1,))
def conjugate_transpose(node: NodeView) -> Compute:
    if "complex" not in node.dtype("T"):
        return _transpose
    return lambda x, order: _move.conj(_transpose(x, order))


@lower_host("ConjugateTranspose")
def conjugate_transpose_on_host(node: NodeView) -> Compute:
    if node.dtype("T") == "string":
        return np.transpose
    return lambda x, order: np.conj(np.transpose(x, order))


@lower("BroadcastTo", host=(1,))
def broadcast_to(node: NodeView) -> Compute:
    return lambda x, shape: _move.broadcast_to(x, check_size(node, shape.tolist()))


@lower_host("BroadcastArgs")
def broadcast_args(node: NodeView) -> Compute:
    return lambda *values: compute(node.node, values)[0]


@lower("Tile", host=(1,))
def tile(node: NodeView) -> Compute:
    def run(x: Any, multiples: Any) -> Any:
        if len(multiples) != len(x.shape):
            raise ValueError(f"multiples {multiples} for rank {len(x.shape)}")
        times = tuple(multiples.tolist())
        # A size that TensorFlow does not know until it runs is taken for one.
        sizes = [1 if size is None else size for size in x.shape]
        check_size(node, [n * size for n, size in zip(times, sizes, strict=True)])
        return _move.tile(x, times)

    return run


@lower("Fill", host=(0,))
def fill(node: NodeView) -> Compute:
    return lambda shape, value: _move.broadcast_to(
        _move.reshape(value, ()), check_size(node, shape.tolist())
    )


@lower_host("Empty", limits="The elements are zeros, also where the model does not ask for that.")
def empty(node: NodeView) -> Compute:
    if node.dtype("dtype") == "string":
        return lambda shape: np.full(shape, b"", object)
    dtype = dtype_attribute(node.node, "dtype").numpy
    return lambda shape: np.zeros(shape, dtype)


def _same(x: Any) -> Any:
    return x


# What has been computed is never written to, so that nothing needs a copy of its own.
lower_plain({"DeepCopy": _same})


@lower_host("DeepCopy")
def deep_copy_on_host(_: NodeView) -> Compute:
    return _same


@lower_host("BroadcastGradientArgs")
def broadcast_gradient_args(node: NodeView) -> Compute:
    dtype = node.dtype("T")

    def run(first: Any, second: Any) -> Any:
        a, b = first.tolist(), second.tolist()
        rank = max(len(a), len(b))
        pairs = list(zip([1] * (rank - len(a)) + a, [1] * (rank - len(b)) + b, strict=True))
        if any(x != y and 1 not in (x, y) for x, y in pairs):
            raise ValueError(f"shapes {a} and {b} do not broadcast")
        if a == b:
            pairs = []
        return [
            np.asarray([axis for axis, pair in enumerate(pairs) if pair[side] == 1], dtype)
            for side in (0, 1)
        ]

    return run
