"""The regularized incomplete beta function, on torch."""

from __future__ import annotations

from typing import Any

import torch

_TINY, _PRECISION, _MAX_TERMS = 1e-300, 1e-15, 2000


def _log_beta(a: Any, b: Any) -> Any:
    return torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b)


def _fraction(a: Any, b: Any, x: Any) -> Any:
    """The continued fraction, evaluated from the front by Lentz's method."""

    def guarded(value: Any) -> Any:
        return torch.where(value.abs() < _TINY, _TINY, value)

    c = torch.ones_like(x)
    d = 1 / guarded(1 - (a + b) * x / (a + 1))
    found = d
    for m in range(1, _MAX_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        change = torch.ones_like(x)
        for term in (even, odd):
            d = 1 / guarded(1 + term * d)
            c = guarded(1 + term / c)
            change = change * c * d
        found = found * change
        if bool(((change - 1).abs() < _PRECISION).all()):
            break
    return found


def _compute(a: Any, b: Any, x: Any) -> Any:
    is_valid = (a > 0) & (b > 0) & (x >= 0) & (x <= 1)
    is_inner = is_valid & (x > 0) & (x < 1)
    # Outside the fraction would never end.
    a, b = torch.where(is_inner, a, 1), torch.where(is_inner, b, 1)
    inner = torch.where(is_inner, x, 0.5)
    # It converges fast on one side of the mean only.
    is_swapped = inner > (a + 1) / (a + b + 2)
    p, q = torch.where(is_swapped, b, a), torch.where(is_swapped, a, b)
    t = torch.where(is_swapped, 1 - inner, inner)
    front = torch.exp(p * torch.log(t) + q * torch.log1p(-t) - _log_beta(p, q)) / p
    found = front * _fraction(p, q, t)
    found = torch.where(is_swapped, 1 - found, found)
    found = torch.where(is_inner, found, (x == 1).to(x.dtype))
    return torch.where(is_valid, found, torch.nan)


class _Betainc(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(ctx: Any, a: Any, b: Any, x: Any) -> Any:
        ctx.save_for_backward(a, b, x)
        wide = [value.to(torch.float64) for value in torch.broadcast_tensors(a, b, x)]
        return _compute(*wide).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        a, b, x = ctx.saved_tensors
        log = torch.special.xlog1py(b - 1, -x) + torch.special.xlogy(a - 1, x)
        by_x = torch.exp(log - _log_beta(a, b))
        # By `a` and `b` TensorFlow has no derivative either.
        return None, None, (gradients[0] * by_x).sum_to_size(x.shape)


def betainc(a: Any, b: Any, x: Any) -> Any:
    """The function at `x`."""
    return _Betainc.apply(a, b, x)
