"""Activations, on TensorFlow: its own ops."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from anyhub.engines.portable.backends.tensorflow._raw import raws


def leaky_relu(x: Any, alpha: float) -> Any:
    """Numbers that are not positive, times a slope."""
    return tf.raw_ops.LeakyRelu(features=x, alpha=alpha)


FUNCTIONS = {
    **raws("Elu Relu Relu6 Selu Softplus Softsign", ["features"]),
    **raws("LogSoftmax Softmax", ["logits"]),
}
"""Functions of tensors, by op."""
