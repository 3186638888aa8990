"""What loops over time need of torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function with a loop: it is run as it is."""
    return function


def states(
    step: Callable[..., Any], state: tuple[Any, ...], sequences: Any, *, is_reverse: bool = False
) -> Any:
    """All states of a loop over time.

    Args:
        step: From the state before and an element of each sequence to the next state, a tuple.
        state: The first state.
        sequences: Tensors whose first axis is time.
        is_reverse: Whether to go backwards; the states stand where their elements do.
    """
    count = sequences[0].shape[0]
    found: list[Any] = [None] * count
    for index in reversed(range(count)) if is_reverse else range(count):
        state = found[index] = step(state, [sequence[index] for sequence in sequences])
    return [torch.stack(parts) for parts in zip(*found, strict=True)]
