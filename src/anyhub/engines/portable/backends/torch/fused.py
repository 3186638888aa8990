"""Functions of torch that stand for groups of ops."""

from __future__ import annotations

from typing import Any

import torch

IS_WORTH_IT = True
"""Whether groups are to be looked for: ops run one by one here."""


def layer_normalization(x: Any, gamma: Any, beta: Any, epsilon: float) -> Any:
    """Normalization over the last axis."""
    size = x.shape[-1]
    if gamma.numel() == beta.numel() == size:
        flat = gamma.reshape(size), beta.reshape(size)
        return torch.nn.functional.layer_norm(x, (size,), *flat, epsilon)
    return torch.nn.functional.layer_norm(x, (size,), eps=epsilon) * gamma + beta


def swish(x: Any) -> Any:
    """The sigmoid linear unit."""
    return torch.nn.functional.silu(x)


def gelu(x: Any) -> Any:
    """The exact Gaussian error linear unit."""
    return torch.nn.functional.gelu(x)
