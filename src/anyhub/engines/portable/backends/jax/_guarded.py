"""Derivatives that are zero where the incoming one is, even if the slope is infinite, on JAX.

So that of `where(x > 0, sqrt(x), 0)` is zero at zero, as TensorFlow's `SqrtGrad` and the like have
it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax import lax

if TYPE_CHECKING:
    from collections.abc import Callable


def _scaled(tangent: Any, slope: Any) -> Any:
    """A tangent times a slope of its shape; zero where the tangent is."""

    def product(_: Any, given: Any) -> Any:
        return jnp.where(given == 0, 0, given * slope)

    # For JAX a choice by the tangent is not linear, and has no transpose; a solution is.
    return lax.custom_linear_solve(
        lambda value: value / slope, tangent, product, product, symmetric=True
    )


def guarded(function: Callable[[Any], Any], slope: Callable[[Any], Any]) -> Any:
    """A function with such a derivative.

    Args:
        function: Of each element.
        slope: Its derivative, computed from its result.
    """

    def tangent(primals: Any, tangents: Any) -> Any:
        result = wrapped(*primals)
        return result, _scaled(tangents[0], slope(result))

    wrapped = jax.custom_jvp(function)
    wrapped.defjvp(tangent)
    return jax.jit(wrapped)
