"""Activations with TensorFlow's derivatives at their kinks, on torch."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812 - as everywhere in the torch world

from anyhub.engines.portable.backends.torch._unsigned import wide

_SCALE, _SCALE_ALPHA = 1.0507009873554804934193349852946, 1.7580993408473768599402175208123


def _selu(x: Any) -> Any:
    # torch's own has another derivative at zero.
    if not (x.requires_grad and torch.is_grad_enabled()):
        return F.selu(x)
    is_negative = x < 0
    below = _SCALE_ALPHA * torch.expm1(torch.where(is_negative, x, 0))
    return torch.where(is_negative, below, _SCALE * x)


def _relu6(x: Any) -> Any:
    return F.relu6(x) if x.is_floating_point() else torch.clamp(x, 0, 6)


def leaky_relu(x: Any, alpha: float) -> Any:
    """Numbers that are not positive, times a slope."""
    return F.leaky_relu(x, alpha)


FUNCTIONS = {
    "Elu": F.elu,
    "LogSoftmax": partial(torch.log_softmax, dim=-1),
    "Relu": wide(torch.relu),
    "Relu6": wide(_relu6),
    "Selu": _selu,
    "Softmax": partial(torch.softmax, dim=-1),
    # Beyond the threshold it is the identity; at 20, as torch has it, float64 would show it.
    "Softplus": partial(F.softplus, threshold=40),
    "Softsign": F.softsign,
}
"""Functions of tensors, by op."""
