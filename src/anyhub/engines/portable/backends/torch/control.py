"""Branches, loops, lists and custom gradients on torch, which computes op by op.

Shape inference runs on tensors without data, of device "meta": there any branch stands for all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.autograd.forward_ad import unpack_dual

from anyhub.engines.portable.backends.torch.core import cast
from anyhub.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Step = Callable[..., list[Any]]

TRACING_ERRORS: tuple[type[Exception], ...] = ()
"""What is raised where Python needs a value that is not known yet: the engine's own error."""


def is_compiling() -> bool:
    """Whether ops are taken down now instead of computed: never."""
    return False


def is_tensor(value: Any) -> bool:
    """Whether a value is a tensor of torch."""
    return isinstance(value, torch.Tensor)


def stage(function: Step, tensors: Sequence[Any]) -> tuple[Step, list[Any]]:
    """Take down what a function computes.

    Returns:
        A function that computes it, and what has the outputs' shapes and types.
    """
    return function, function(*tensors)


def of_form(tensor: Any, dtype: str, shape: Any) -> Any:  # noqa: ARG001 - always known
    """A tensor as branches and loops need it: of a type, and of no more than known sizes."""
    return cast(tensor, dtype)


def switch(index: Any, functions: Sequence[Step]) -> list[Any]:  # noqa: ARG001 - not known
    """What has the shapes of all of several functions' results."""
    return list(functions[0]())


def repeat(count: int, step: Step, tensors: Sequence[Any]) -> list[Any]:
    """Apply a function a number of times."""
    found = list(tensors)
    for _ in range(count):
        found = step(*found)
    return found


def loop(test: Callable[..., Any], step: Step, tensors: Sequence[Any]) -> list[Any]:  # noqa: ARG001
    """What has the shapes of a loop's results."""
    return list(step(*tensors))


def nonzero(tensor: Any) -> Any:
    """Whether a number is not zero."""
    return tensor if tensor.dtype == torch.bool else tensor != 0


def element(buffer: Any, index: Any) -> Any:
    """A slice along the first axis."""
    # Where the place is not known no data is either, so that any will do.
    return buffer[index if isinstance(index, int) else 0]


def parts(buffer: Any) -> Sequence[Any] | None:
    """All slices along the first axis.

    The derivative of one of them alone would have zeros for all others.
    """
    return list(torch.unbind(buffer)) if buffer.device.type != "meta" else None


def with_element(buffer: Any, index: Any, value: Any) -> Any:
    """A tensor with another slice at a place of the first axis."""
    place = index if isinstance(index, int) else 0
    return torch.cat([buffer[:place], value[None], buffer[place + 1 :]])


def stack(tensors: Sequence[Any]) -> Any:
    """Tensors along a new first axis."""
    return torch.stack(list(tensors))


def with_gradient(
    tensors: Sequence[Any],
    saved: Sequence[Any],
    backward: Callable[[Sequence[Any], Sequence[Any]], Sequence[Any]],
) -> list[Any]:
    """The same tensors, whose derivatives a function gives.

    Args:
        tensors: The tensors.
        saved: What the function needs besides.
        backward: Gets the derivatives of the results and what was saved; gives derivatives of the
            tensors, None for zero.
    """
    if any(unpack_dual(tensor).tangent is not None for tensor in tensors):
        raise EngineError(
            "derivatives are computed forward (torch.func.jvp) through a custom gradient, which "
            "says only how to compute them backward; use torch.func.grad, vjp or jacrev"
        )
    if not (torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)):
        return list(tensors)
    return list(_WithGradient.apply(backward, len(tensors), *tensors, *saved))


class _WithGradient(torch.autograd.Function):  # type: ignore[misc]
    generate_vmap_rule = True

    @staticmethod
    def forward(_backward: Any, count: int, *tensors: Any) -> Any:
        return tuple(tensor.view_as(tensor) for tensor in tensors[:count])

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:  # noqa: ARG004 - torch's
        ctx.derive, ctx.count, *tensors = inputs
        ctx.total = len(tensors)
        ctx.save_for_backward(*tensors[ctx.count :])

    @staticmethod
    def backward(ctx: Any, *upstream: Any) -> Any:
        found = ctx.derive(upstream, ctx.saved_tensors)
        return (None, None, *found, *[None] * (ctx.total - ctx.count))
