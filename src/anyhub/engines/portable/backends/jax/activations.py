"""Activations with TensorFlow's derivatives at their kinks, on JAX."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

_SCALE, _SCALE_ALPHA = 1.0507009873554804934193349852946, 1.7580993408473768599402175208123


def _relu6(x: Any) -> Any:
    # At both kinks the derivative is zero.
    return jnp.where((x > 0) & (x < 6), x, lax.stop_gradient(jnp.clip(x, 0, 6)))


def _elu(x: Any) -> Any:
    return jnp.where(x < 0, jnp.expm1(jnp.where(x < 0, x, 0)), x)


def _selu(x: Any) -> Any:
    return jnp.where(x < 0, _SCALE_ALPHA * jnp.expm1(jnp.where(x < 0, x, 0)), _SCALE * x)


def _leaky_relu(x: Any, alpha: float) -> Any:
    return jnp.where(x > 0, x, x * alpha)


leaky_relu = jax.jit(_leaky_relu)
"""Numbers, times a slope if they are not positive."""

FUNCTIONS = {
    "Elu": jax.jit(_elu),
    "LogSoftmax": jax.nn.log_softmax,
    "Relu": jax.nn.relu,
    "Relu6": jax.jit(_relu6),
    "Selu": jax.jit(_selu),
    "Softmax": jax.nn.softmax,
    "Softplus": jax.nn.softplus,
    "Softsign": jax.nn.soft_sign,
}
"""Functions of tensors, by op."""
