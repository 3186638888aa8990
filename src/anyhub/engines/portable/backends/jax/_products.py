"""Einstein sums of two tensors as one product, in the order that leaves the least to transpose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
from jax import lax

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def as_product(equation: str) -> Callable[[Any, Any], Any] | None:
    """A function that computes an equation, None if it is more than a product.

    `jnp.einsum` may take the operands the other way round; then XLA copies the result.
    """
    inputs, _, output = equation.partition("->")
    operands = inputs.split(",")
    if len(operands) != 2 or "." in equation:
        return None
    x, y = operands
    contracted = [label for label in x if label in y and label not in output]
    is_product = all(_is_plain(own, other, output) for own, other in ((x, y), (y, x)))
    if not contracted or not is_product or not {*output} <= {*x, *y}:
        return None
    if _first(y, x, output) < _first(x, y, output):
        multiply = _product(y, x, contracted, output)
        return lambda a, b: multiply(b, a)
    return _product(x, y, contracted, output)


def _is_plain(own: str, other: str, output: str) -> bool:
    """Whether no label comes twice, and none is summed over in one tensor alone."""
    return len({*own}) == len(own) and all(label in other or label in output for label in own)


def _first(own: str, other: str, output: str) -> int:
    """Where the output has the first label that only one tensor has."""
    places = [output.index(label) for label in own if label not in other]
    return min(places, default=len(output))


def _product(
    left: str, right: str, contracted: Sequence[str], output: str
) -> Callable[[Any, Any], Any]:
    batch = [label for label in output if label in left and label in right]
    free = [label for labels in (left, right) for label in labels if label in output]
    given = [*batch, *(label for label in free if label not in batch)]
    axes = tuple(
        tuple(tuple(map(labels.index, group)) for labels in (left, right))
        for group in (contracted, batch)
    )
    order = [given.index(label) for label in output]

    def run(a: Any, b: Any) -> Any:
        if (a.ndim, b.ndim) != (len(left), len(right)):
            raise ValueError(f"tensors of shapes {a.shape} and {b.shape} for {left},{right}")
        return jnp.transpose(lax.dot_general(a, b, axes), order)

    return run
