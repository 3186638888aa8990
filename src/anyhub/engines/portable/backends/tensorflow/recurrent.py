"""What loops over time need of TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

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
    return tf.scan(step, sequences, state, reverse=is_reverse)
