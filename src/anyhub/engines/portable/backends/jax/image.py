"""Resampling of images, on JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def kernel(
    op: str,  # noqa: ARG001 - other backends look at them
    inputs: tuple[str, ...],  # noqa: ARG001
    attrs: Mapping[str, Any],  # noqa: ARG001
) -> Callable[..., Any] | None:
    """What the backend has for an op: nothing that computes as TensorFlow does."""
    return None


def compiled(function: Callable[..., Any], static: tuple[int, ...]) -> Callable[..., Any]:
    """A function of many small ops, compiled; arguments at some positions are hashable values."""
    found: Callable[..., Any] = jax.jit(function, static_argnums=static)
    return found


def take(images: Any, indices: Any, axis: int) -> Any:
    """Slices along an axis by an array of NumPy that is in range."""
    return jnp.take(images, indices, axis=axis, mode="clip")


def take_rows(rows: Any, indices: Any) -> Any:
    """Rows of a matrix by a tensor that is in range."""
    return rows.at[indices].get(mode="promise_in_bounds")


def contract(images: Any, matrix: Any, axis: int) -> Any:
    """Multiply an axis by a matrix [new size, size]."""
    product = jnp.tensordot(images, matrix, axes=(axis, 1), precision=jax.lax.Precision.HIGHEST)
    return jnp.moveaxis(product, -1, axis)


def pullback(function: Callable[[Any], Any], argument: Any, grads: Any) -> Any:
    """Derivatives by the argument of a function's result times `grads`."""
    return jax.vjp(function, argument)[1](grads)[0]


def rounded(product: Any) -> Any:
    """A product that is rounded before it is added to; XLA fuses the two if nothing is between."""
    return jnp.maximum(product, -3e38)


def divided(tensor: Any, by: float) -> Any:
    """A quotient; XLA multiplies by the inverse of what it knows, or knows to be a scalar."""
    return tensor / jax.lax.optimization_barrier(jnp.full_like(tensor, by))
