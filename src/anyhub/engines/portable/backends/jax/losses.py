"""Losses, on JAX."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from anyhub.engines.portable.backends import _cross_entropy


def _cross_entropy_of(logits: Any, labels: Any) -> tuple[Any, Any]:
    return _cross_entropy.cross_entropy(logits, labels, jax.nn.log_softmax)


def _sparse_cross_entropy(logits: Any, labels: Any) -> tuple[Any, Any]:
    is_label = labels[..., None] == jnp.arange(logits.shape[-1], dtype=labels.dtype)
    return _cross_entropy.sparse_cross_entropy(logits, is_label, jax.nn.log_softmax)


FUNCTIONS = {
    "L2Loss": jax.jit(_cross_entropy.l2_loss),
    "SoftmaxCrossEntropyWithLogits": jax.jit(_cross_entropy_of),
    "SparseSoftmaxCrossEntropyWithLogits": jax.jit(_sparse_cross_entropy),
}
"""Functions of tensors, by op."""
