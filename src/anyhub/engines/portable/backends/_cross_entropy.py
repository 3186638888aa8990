"""Losses with TensorFlow's derivatives, for backends that lack them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

if TYPE_CHECKING:
    from collections.abc import Callable


def l2_loss(x: Any) -> Any:
    """Half of the sum of squares."""
    return K.sum(x * x) / 2


def cross_entropy(logits: Any, labels: Any, log_softmax: Callable[[Any], Any]) -> tuple[Any, Any]:
    """The loss of each row, and its derivative by the logits.

    Args:
        logits: Logarithms of probabilities, up to a summand for each row.
        labels: Probabilities.
        log_softmax: Gives the logarithms.
    """
    shape = np.broadcast_shapes(tuple(logits.shape), tuple(labels.shape))
    logits, labels = K.broadcast_to(logits, shape), K.broadcast_to(labels, shape)
    log_p = log_softmax(logits)
    loss = -K.sum(labels * log_p, axis=-1)
    # TensorFlow's derivative is what it is for labels that sum to one, whatever they sum to.
    missing = 1 - K.stop_gradient(K.sum(labels, axis=-1))
    size = logits[..., 0] - log_p[..., 0]
    size = size - K.stop_gradient(size)
    loss = loss + missing * K.where(K.isfinite(size), size, 0)
    return loss, K.exp(log_p) - K.stop_gradient(labels)


def sparse_cross_entropy(
    logits: Any, is_label: Any, log_softmax: Callable[[Any], Any]
) -> tuple[Any, Any]:
    """The same where a row has one label, or none: then it gives NaN.

    Args:
        logits: Logarithms of probabilities, up to a summand for each row.
        is_label: Which of them belong to labels.
        log_softmax: Gives the logarithms.
    """
    log_p = log_softmax(logits)
    is_known = K.any(is_label, axis=-1)
    loss = K.sum(K.where(is_label, -log_p, 0), axis=-1)
    backprop = K.where(is_label, K.exp(log_p) - 1, K.exp(log_p))
    return K.where(is_known, loss, np.nan), K.where(is_known[..., None], backprop, np.nan)
