"""Work on bits, on torch."""

from __future__ import annotations

from typing import Any

import torch

from anyhub.engines.portable.backends.torch._unsigned import wide
from anyhub.engines.portable.backends.torch.core import torch_dtype

_COUNTS = [value.bit_count() for value in range(256)]


def _left_shift(x: Any, y: Any) -> Any:
    return wide(torch.bitwise_left_shift)(x, _distance(x, y))


def _right_shift(x: Any, y: Any) -> Any:
    if x.dtype == torch.uint64:
        return _logical_shift(x.to(torch.int64), _distance(x, y).to(torch.int64)).to(x.dtype)
    return wide(torch.bitwise_right_shift)(x, _distance(x, y))


def _distance(x: Any, y: Any) -> Any:
    bits = x.dtype.itemsize * 8
    if not x.dtype.is_signed:
        # A distance beyond the bits is negative in no other type.
        distance = y.to(torch.int64)
        return torch.where(distance < 0, bits - 1, distance.clamp(max=bits - 1)).to(y.dtype)
    return y.clamp(0, bits - 1)


def _logical_shift(x: Any, distance: Any) -> Any:
    halved = (x >> 1) & (2**63 - 1)
    return torch.where(distance > 0, halved >> (distance - 1).clamp(min=0), x)


def _population_count(x: Any) -> Any:
    counts = torch.tensor(_COUNTS, dtype=torch.uint8, device=x.device)
    data = x.contiguous().unsqueeze(-1).view(torch.uint8)
    return counts[data.to(torch.int64)].sum(-1, dtype=torch.uint8)


def bitcast(x: Any, dtype: str) -> Any:
    """The bytes of a tensor as another element type; the last dimension makes up for its size."""
    target = torch_dtype(dtype)
    if target.itemsize < x.dtype.itemsize:
        x = x.unsqueeze(-1)
    found = x.contiguous().view(target)
    return found.squeeze(-1) if target.itemsize > x.dtype.itemsize else found


def to_integer(x: Any, dtype: str) -> Any:
    """Floating-point numbers as integers; narrow types get the low bits of a wider integer."""
    target = torch_dtype(dtype)
    if target in {torch.int32, torch.int64}:
        return x.to(target)
    return x.to(torch.int32 if target.itemsize <= 2 else torch.int64).to(target)


FUNCTIONS = {
    "BitwiseAnd": wide(torch.bitwise_and),
    "BitwiseOr": wide(torch.bitwise_or),
    "BitwiseXor": wide(torch.bitwise_xor),
    "Invert": wide(torch.bitwise_not),
    "LeftShift": _left_shift,
    "PopulationCount": _population_count,
    "RightShift": _right_shift,
}
"""Functions of tensors, by op."""
