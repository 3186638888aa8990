"""Complex numbers, on JAX."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax


def _complex(real: Any, imag: Any) -> Any:
    return lax.complex(*jnp.broadcast_arrays(real, imag))


FUNCTIONS = {
    "Angle": jnp.angle,
    "Complex": jax.jit(_complex),
    "ComplexAbs": jnp.abs,
    "Conj": jnp.conj,
    "Imag": jnp.imag,
    "Real": jnp.real,
}
"""Functions of tensors, by op."""
