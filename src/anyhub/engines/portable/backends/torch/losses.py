"""Losses, on torch."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from anyhub.engines.portable.backends import _cross_entropy

_log_softmax = partial(torch.log_softmax, dim=-1)


def _cross_entropy_of(logits: Any, labels: Any) -> tuple[Any, Any]:
    return _cross_entropy.cross_entropy(logits, labels, _log_softmax)


def _sparse_cross_entropy(logits: Any, labels: Any) -> tuple[Any, Any]:
    classes = torch.arange(logits.shape[-1], dtype=labels.dtype, device=labels.device)
    is_label = labels[..., None] == classes
    return _cross_entropy.sparse_cross_entropy(logits, is_label, _log_softmax)


FUNCTIONS = {
    "L2Loss": _cross_entropy.l2_loss,
    "SoftmaxCrossEntropyWithLogits": _cross_entropy_of,
    "SparseSoftmaxCrossEntropyWithLogits": _sparse_cross_entropy,
}
"""Functions of tensors, by op."""
