"""Derivatives that are zero where the incoming one is, even if the slope is infinite, on torch.

So that of `where(x > 0, sqrt(x), 0)` is zero at zero, as TensorFlow's `SqrtGrad` and the like have
it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable


def is_differentiated(*inputs: Any) -> bool:
    """Whether derivatives by any of these will be asked for."""
    return torch.is_grad_enabled() and any(x.requires_grad for x in inputs)


def guarded(function: Callable[[Any], Any], slope: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function with such a derivative.

    Args:
        function: Of each element.
        slope: Its derivative, computed from its result.
    """

    def scaled(gradient: Any, result: Any) -> Any:
        is_zero = gradient == 0
        factor = slope(torch.where(is_zero, 1, result))
        return torch.where(is_zero, 0, gradient * factor)

    class Guarded(torch.autograd.Function):  # type: ignore[misc]
        generate_vmap_rule = True

        @staticmethod
        def forward(x: Any) -> Any:
            return function(x)

        @staticmethod
        def setup_context(ctx: Any, _: Any, output: Any) -> None:
            ctx.save_for_backward(output)
            ctx.save_for_forward(output)

        @staticmethod
        def backward(ctx: Any, *gradients: Any) -> Any:
            return scaled(gradients[0], ctx.saved_tensors[0].conj())

        @staticmethod
        def jvp(ctx: Any, *tangents: Any) -> Any:
            return scaled(tangents[0], ctx.saved_tensors[0])

    return lambda x: Guarded.apply(x) if is_differentiated(x) else function(x)
