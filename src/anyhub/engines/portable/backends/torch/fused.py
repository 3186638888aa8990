"""Functions of torch that stand for groups of ops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.autograd.forward_ad import unpack_dual

from anyhub.engines.portable.backends.torch.core import is_transformed

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def can_join_turns(tensors: Sequence[Any]) -> bool:
    """Whether `lstm` and `gru` compute with these tensors and all their derivatives."""
    if tensors[0].device.type == "meta":
        return False
    # Torch computes neither derivatives forward nor over a further axis of batches.
    return not is_transformed() and all(unpack_dual(tensor).tangent is None for tensor in tensors)


def lstm(
    x: Any, h: Any, c: Any, *, kernel: Any, recurrent: Any, bias: Any = None
) -> tuple[Any, Any, Any]:
    """All outputs of an LSTM, time first, and its last states; gates are i, f, c and o."""
    weights = _weights(kernel, recurrent, bias, None)
    found, h, c = torch.lstm(
        x, (h[None].contiguous(), c[None].contiguous()), weights, *_how(bias is not None)
    )
    return found, h[0], c[0]


def gru(
    x: Any, h: Any, *, kernel: Any, recurrent: Any, bias: Any = None, recurrent_bias: Any = None
) -> tuple[Any, Any]:
    """All outputs of a GRU, time first, and its last state; gates are z, r and the new state."""
    has_bias = bias is not None or recurrent_bias is not None
    # Torch has the first two in the other order.
    tensors = (kernel, recurrent, bias, recurrent_bias)
    weights = _weights(*(None if tensor is None else _swapped(tensor) for tensor in tensors))
    found, h = torch.gru(x, h[None].contiguous(), weights, *_how(has_bias))
    return found, h[0]


# cuDNN takes states and weights that are contiguous only.
def _weights(kernel: Any, recurrent: Any, bias: Any, recurrent_bias: Any) -> list[Any]:
    found = [kernel.t().contiguous(), recurrent.t().contiguous()]
    if bias is None and recurrent_bias is None:
        return found
    zeros = kernel.new_zeros(kernel.shape[1])
    return [*found, *(zeros if each is None else each for each in (bias, recurrent_bias))]


def _swapped(tensor: Any) -> Any:
    z, r, new = tensor.chunk(3, -1)
    return torch.cat((r, z, new), -1)


def _how(has_bias: bool) -> tuple[Any, ...]:
    """One layer without dropout, in one direction, time first; ready for derivatives or not."""
    return has_bias, 1, 0.0, torch.is_grad_enabled(), False, False
