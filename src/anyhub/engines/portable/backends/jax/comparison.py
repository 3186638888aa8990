"""Comparison, logic and choice, on JAX."""

from __future__ import annotations

import jax.numpy as jnp

FUNCTIONS = {
    "Equal": jnp.equal,
    "Greater": jnp.greater,
    "GreaterEqual": jnp.greater_equal,
    "Less": jnp.less,
    "LessEqual": jnp.less_equal,
    "LogicalAnd": jnp.logical_and,
    "LogicalNot": jnp.logical_not,
    "LogicalOr": jnp.logical_or,
    "NotEqual": jnp.not_equal,
    "SelectV2": jnp.where,
}
"""Functions of tensors, by op."""
