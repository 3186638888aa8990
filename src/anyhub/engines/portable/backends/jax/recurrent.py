"""What loops over time need of JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax

if TYPE_CHECKING:
    from collections.abc import Callable


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function with a loop that is compiled once, not in each call."""
    found: Callable[..., Any] = jax.jit(function)
    return found


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

    def both(state: Any, elements: Any) -> Any:
        following = step(state, elements)
        return following, following

    return jax.lax.scan(both, state, sequences, reverse=is_reverse)[1]
