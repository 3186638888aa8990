"""Changing parts of variables with TensorFlow."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def scatter_product(like: Any, rows: Any, updates: Any) -> Any:
    """For each row of a tensor the product of its updates, 1 where it has none."""
    return tf.math.unsorted_segment_prod(updates, rows, like.shape[0])


def divide(a: Any, b: Any) -> Any:
    """Divide; integers are rounded towards zero."""
    return tf.raw_ops.Div(x=a, y=b) if a.dtype.is_floating else tf.truncatediv(a, b)
