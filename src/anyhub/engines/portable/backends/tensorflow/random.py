"""TensorFlow's random numbers on TensorFlow: its own ops."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from anyhub.engines.portable import philox
from anyhub.engines.portable.backends.tensorflow.core import is_traced

_PHILOX = 1


def uniform(words: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """Floats in [0, 1)."""
    return _drawn(tf.raw_ops.StatelessRandomUniformV2, words, shape, dtype=tf.as_dtype(dtype))


def normal(words: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """Floats of the standard normal distribution."""
    return _drawn(tf.raw_ops.StatelessRandomNormalV2, words, shape, dtype=tf.as_dtype(dtype))


def truncated_normal(words: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """Floats of the standard normal distribution, those beyond 2 drawn anew."""
    return _drawn(tf.raw_ops.StatelessTruncatedNormalV2, words, shape, dtype=tf.as_dtype(dtype))


def full_int(words: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """Integers of all values that the type has."""
    op = tf.raw_ops.StatelessRandomUniformFullIntV2
    return _drawn(op, words, shape, dtype=tf.as_dtype(dtype))


def uniform_int(words: Any, shape: tuple[int, ...], dtype: str, low: Any, high: Any) -> Any:
    """Integers from low up to, but not including, high."""
    minval, maxval = (tf.convert_to_tensor(value, dtype) for value in (low, high))
    op = tf.raw_ops.StatelessRandomUniformIntV2
    return _drawn(op, words, shape, minval=minval, maxval=maxval)


def permutation(words: Any, size: int) -> Any:
    """Fisher and Yates' shuffle of the numbers below size."""
    key, counter = numbers_of(words)
    value = tf.range(size, dtype=tf.int32)
    return tf.raw_ops.StatelessShuffle(value=value, key=key, counter=counter, alg=_PHILOX)


def seeded(seed: Any) -> Any:
    """The stream of a seed of two integers."""
    return stream(*tf.raw_ops.StatelessRandomGetKeyCounter(seed=seed))


def stream(key: Any, counter: Any) -> Any:
    """The stream of a key and a counter."""
    numbers = tf.concat([key[:1], counter[:2]], 0)
    return tf.reshape(tf.bitcast(numbers, tf.uint32), (6,))


def combined(words: Any, own: Any) -> Any:
    """A stream whose words are changed by other words."""
    return tf.bitwise.bitwise_xor(words, tf.constant(own))


def numbers_of(words: Any) -> tuple[Any, Any]:
    """The key of a stream and its counter."""
    if not is_traced(words):
        key, *counter = philox.numbers_of(np.asarray(words))
        return tf.constant([key], tf.uint64), tf.constant(counter, tf.uint64)
    numbers = tf.bitcast(tf.reshape(words, (3, 2)), tf.uint64)
    return numbers[:1], numbers[1:]


def _drawn(op: Any, words: Any, shape: tuple[int, ...], **arguments: Any) -> Any:
    key, counter = numbers_of(words)
    size = tf.constant(shape, tf.int32)
    return op(shape=size, key=key, counter=counter, alg=_PHILOX, **arguments)


def stream_of_state(state: Any) -> Any:
    """The stream of a generator's state: the two halves of its counter, its key."""
    return tf.reshape(tf.bitcast(tf.gather(state, [2, 0, 1]), tf.uint32), (6,))


def skipped(state: Any, count: int) -> Any:
    """A generator's state after some blocks."""
    low, high = (tf.bitcast(state[i], tf.uint64) for i in (0, 1))
    total = low + tf.constant(count, tf.uint64)
    upper = high + tf.cast(total < low, tf.uint64)
    return tf.stack([tf.bitcast(total, tf.int64), tf.bitcast(upper, tf.int64), state[2]])
