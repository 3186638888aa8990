"""Moving elements with TensorFlow.

Sizes and axes are tuples and integers, axes count from the front, and indices that are out of range
raise on the CPU.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

broadcast_to = tf.broadcast_to
concat = tf.concat
conj = tf.math.conj
expand_dims = tf.expand_dims
flip = tf.reverse
reshape = tf.reshape
split = tf.split
squeeze = tf.squeeze
stack = tf.stack
tile = tf.tile
where = tf.where
zeros = tf.zeros
roll = tf.roll
dynamic_window = tf.slice
gather_nd = tf.gather_nd


def transpose(x: Any, axes: Any) -> Any:
    """Reorder dimensions."""
    return tf.transpose(x, axes)


def unstack(x: Any, axis: int, count: int) -> Any:
    """The parts along an axis, without it."""
    return tf.unstack(x, count, axis)


def window(x: Any, cut: Any) -> Any:
    """A part: cut out with positive steps, then reversed along some axes, then reshaped."""
    lows, highs, steps, flips, shape = cut
    x = tf.strided_slice(x, lows, highs, steps) if lows else x
    return tf.reshape(tf.reverse(x, flips) if flips else x, shape)


def write_window(x: Any, value: Any, cut: Any) -> Any:
    """A tensor where the part that `window` gives is another."""
    lows, highs, steps, flips, shape = cut
    sizes = [len(range(*bounds)) for bounds in zip(lows, highs, steps, strict=True)]
    part = tf.reshape(tf.broadcast_to(value, shape), sizes)
    part = tf.reverse(part, flips) if flips else part
    if not sizes:
        return part
    return tf.raw_ops.TensorStridedSliceUpdate(
        input=x, begin=lows, end=highs, strides=steps, value=part
    )


def pad(x: Any, pairs: Any, value: Any = None) -> Any:
    """Add elements before and after, along each axis."""
    if not pairs:
        return x
    return tf.pad(x, pairs, constant_values=0 if value is None else value)


def take(x: Any, indices: Any, axis: int) -> Any:
    """Parts along an axis."""
    return tf.gather(x, indices, axis=axis)


def take_along(x: Any, indices: Any, axis: int) -> Any:
    """Elements along an axis; indices are in range and have x's shape, or 1, elsewhere."""
    order = [*(i for i in range(x.shape.rank) if i != axis), axis]
    back = [order.index(i) for i in range(x.shape.rank)]
    shape = [size if i == axis else x.shape[i] for i, size in enumerate(indices.shape)]
    indices = tf.transpose(tf.broadcast_to(indices, shape), order)
    found = tf.gather(tf.transpose(x, order), indices, batch_dims=x.shape.rank - 1)
    return tf.transpose(found, back)


def scatter(x: Any, indices: Any, updates: Any, how: str) -> Any:
    """Put updates at indices along the first dimensions: set, add, sub, max or min."""
    if how == "add" and x.dtype == tf.bool:
        return tf.logical_or(x, tf.scatter_nd(indices, updates, x.shape))
    return _SCATTERS[how](x, indices, updates)


_SCATTERS = {
    "set": tf.tensor_scatter_nd_update,
    "add": tf.tensor_scatter_nd_add,
    "sub": tf.tensor_scatter_nd_sub,
    "max": tf.tensor_scatter_nd_max,
    "min": tf.tensor_scatter_nd_min,
}


def search_sorted(rows: Any, values: Any, side: str) -> Any:
    """Where values would go in sorted rows, as int32."""
    search = tf.raw_ops.LowerBound if side == "left" else tf.raw_ops.UpperBound
    return search(sorted_inputs=rows, values=values)


def arange(count: int) -> Any:
    """The numbers from 0 on, as int32."""
    return tf.range(count)
