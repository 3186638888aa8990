"""The incomplete gamma function with derivatives by both of its arguments, on torch."""

from __future__ import annotations

from typing import Any

import torch


def _by_a(a: Any, x: Any) -> Any:
    """The derivative of the lower function by `a`: torch has none, so by differences."""
    a, x = a.to(torch.float64), x.to(torch.float64)
    step = a * 1e-3
    lower = torch.special.gammainc
    near = lower(a + step, x) - lower(a - step, x)
    far = lower(a + 2 * step, x) - lower(a - 2 * step, x)
    return (8 * near - far) / (12 * step)


def _by_x(a: Any, x: Any) -> Any:
    return torch.exp((a - 1) * torch.log(x) - x - torch.lgamma(a))


class _Lower(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(ctx: Any, a: Any, x: Any) -> Any:
        ctx.save_for_backward(a, x)
        return torch.special.gammainc(a, x)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        a, x = ctx.saved_tensors
        by_a = (gradients[0] * _by_a(a, x).to(a.dtype)).sum_to_size(a.shape)
        return by_a, (gradients[0] * _by_x(a, x)).sum_to_size(x.shape)


class _Upper(_Lower):
    @staticmethod
    def forward(ctx: Any, a: Any, x: Any) -> Any:
        ctx.save_for_backward(a, x)
        return torch.special.gammaincc(a, x)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        by_a, by_x = _Lower.backward(ctx, *gradients)
        return -by_a, -by_x


def igamma(a: Any, x: Any) -> Any:
    """The lower regularized function."""
    return _Lower.apply(a, x)


def igammac(a: Any, x: Any) -> Any:
    """The upper regularized function."""
    return _Upper.apply(a, x)


def igamma_grad_a(a: Any, x: Any) -> Any:
    """The derivative of the lower one by `a`."""
    return _by_a(a, x).to(a.dtype)
