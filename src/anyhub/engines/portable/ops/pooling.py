"""Pooling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.ops.patches import at, patches, positions
from anyhub.engines.portable.ops.windows import channels_last, read_windows
from anyhub.engines.portable.registry import lower
from anyhub.engines.portable.values import cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.ops.windows import Sizes, Windows
    from anyhub.engines.portable.registry import Compute

_pool = primitives("pool")
_NANS = "a window with a NaN gives NaN on JAX and torch, where TensorFlow may leave it out"
_TIES = (
    "the derivative of MaxPool3D goes to the first of equal elements, where TensorFlow on CPUs "
    "gives it to all of them"
)


def windows_of(node: NodeView) -> tuple[Sizes, Windows]:
    """The spatial sizes of a node's windows, and where they lie."""
    window, windows = node.integers("ksize"), read_windows(node)
    return _spatial(node, window, windows), windows


def _spatial(node: NodeView, window: Sizes, windows: Windows) -> Sizes:
    if window != windows.full(windows.spatial(window)):
        node.unsupported(f"windows {window} over the batch or the channels")
    return windows.spatial(window)


@lower("MaxPool", limits=_NANS)
def max_pool(node: NodeView) -> Compute:
    window = node.integers("ksize")
    if channels_last(node) and window[-1] > 1:
        return _max_pool_channels(node, window)
    return max_pool_spatial(node)


@lower("MaxPool3D", limits=f"{_TIES}; {_NANS}")
def max_pool_spatial(node: NodeView) -> Compute:
    window, windows = windows_of(node)
    pool = _pool.max_pool
    return lambda x: pool(x, window, windows)


def _max_pool_channels(node: NodeView, window: Sizes) -> Compute:
    size = window[-1]
    if window != (1, 1, 1, size) or node.integers("strides") != window:
        node.unsupported(f"windows {window} with strides {node.integers('strides')}")
    return lambda x: K.max(K.reshape(x, (*x.shape[:-1], -1, size)), axis=-1)


@lower("MaxPoolV2", host=(1, 2), limits=_NANS)
def max_pool_v2(node: NodeView) -> Compute:
    pool = _pool.max_pool

    def run(x: Any, window: Any, strides: Any) -> Any:
        windows = read_windows(node, strides.tolist())
        return pool(x, _spatial(node, tuple(window.tolist()), windows), windows)

    return run


@lower("AvgPool", "AvgPool3D")
def average_pool(node: NodeView) -> Compute:
    window, windows = windows_of(node)
    pool = _pool.average_pool
    return lambda x: pool(x, window, windows)


@lower("MaxPoolWithArgmax", limits="what the index of a window of NaNs is differs")
def max_pool_with_argmax(node: NodeView) -> Compute:
    window, windows = windows_of(node)
    dtype, with_batch = node.dtype("Targmax"), node.boolean("include_batch_in_index")

    def run(x: Any) -> tuple[Any, Any]:
        seen = patches(x, window, windows)
        best = K.argmax(seen, axis=0)
        index = positions(best, x.shape, window, windows)
        if not with_batch:
            index = index % _count(x.shape[1:])
        return at(seen, best), cast(index, dtype)

    return run


def _count(sizes: Sequence[int]) -> int:
    found = 1
    for size in sizes:
        found *= size
    return found
