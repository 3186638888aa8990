"""Work on bits, on TensorFlow: its own ops."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from anyhub.engines.portable.backends.tensorflow._raw import raws


def bitcast(x: Any, dtype: str) -> Any:
    """The bytes of a tensor as another element type; the last dimension makes up for its size."""
    return tf.bitcast(x, dtype)


def to_integer(x: Any, dtype: str) -> Any:
    """Floating-point numbers as integers."""
    return tf.cast(x, dtype)


FUNCTIONS = {
    **raws("BitwiseAnd BitwiseOr BitwiseXor LeftShift RightShift", ["x", "y"]),
    **raws("Invert PopulationCount", ["x"]),
}
"""Functions of tensors, by op."""
