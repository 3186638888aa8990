"""Reductions, cumulative ops, segments and sorting: TensorFlow's.

Axes are tuples of integers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Callable

_ops = tf.raw_ops


def _reduction(op: Callable[..., Any]) -> Callable[..., Any]:
    def run(x: Any, axes: tuple[int, ...], keep: bool) -> Any:
        # An empty list would be one of floats.
        return op(input=x, axis=axes or _NO_AXES, keep_dims=keep)

    return run


_NO_AXES = np.zeros(0, np.int32)

sum_ = _reduction(_ops.Sum)
prod = _reduction(_ops.Prod)
mean = _reduction(_ops.Mean)
max_ = _reduction(_ops.Max)
min_ = _reduction(_ops.Min)
all_ = _reduction(_ops.All)
any_ = _reduction(_ops.Any)


def conj(x: Any) -> Any:
    """The complex conjugates."""
    return tf.math.conj(x)


def truncated(x: Any, divisor: Any) -> Any:
    """Integers divided and rounded toward zero."""
    return _ops.TruncateDiv(x=x, y=divisor)


def argmax(x: Any, axis: int) -> Any:
    """Where the first greatest is; NaN and what is beyond finite numbers count as the least."""
    return _ops.ArgMax(input=x, dimension=axis)


def argmin(x: Any, axis: int) -> Any:
    """Where the first least is; NaN and what is beyond finite numbers count as the greatest."""
    return _ops.ArgMin(input=x, dimension=axis)


def _accumulation(op: Callable[..., Any]) -> Callable[..., Any]:
    def run(x: Any, axis: int, exclusive: bool, reverse: bool) -> Any:
        return op(x=x, axis=axis, exclusive=exclusive, reverse=reverse)

    return run


cumsum = _accumulation(_ops.Cumsum)
cumprod = _accumulation(_ops.Cumprod)
cumlogsumexp = _accumulation(_ops.CumulativeLogsumexp)


def _by_segment(op: Callable[..., Any]) -> Callable[..., Any]:
    def run(data: Any, ids: Any, count: int) -> Any:
        return op(data=data, segment_ids=ids, num_segments=count)

    return run


segment_sum = _by_segment(_ops.UnsortedSegmentSum)
segment_max = _by_segment(_ops.UnsortedSegmentMax)
segment_min = _by_segment(_ops.UnsortedSegmentMin)
segment_prod = _by_segment(_ops.UnsortedSegmentProd)


def without(x: Any, places: Any) -> Any:
    """Zeros at some places."""
    return tf.where(places, tf.zeros_like(x), x)


def top_k(x: Any, k: int) -> tuple[Any, Any]:
    """The k greatest of each row and where they are, the first of equals first."""
    values, indices = _ops.TopKV2(input=x, k=k)
    return values, indices


def sort(x: Any) -> Any:
    """Each row in ascending order."""
    return _ops.TopKV2(input=x, k=x.shape[-1])[0][..., ::-1]
