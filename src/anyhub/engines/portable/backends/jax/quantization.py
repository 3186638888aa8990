"""Fake quantization, on JAX."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax.numpy as jnp
from jax import lax

from anyhub.engines.portable.backends import _fake_quant


def _divide(x: Any, by: Any) -> Any:
    # The compiler would multiply by the reciprocal of a number that it knows or repeats.
    return x / lax.optimization_barrier(jnp.broadcast_to(jnp.asarray(by, x.dtype), x.shape))


def _multiply(x: Any, y: Any) -> Any:
    # The compiler would add to the product before it is rounded, also beyond a barrier; not so
    # to a maximum, which here is always the product.
    return jnp.maximum(x * y, jnp.finfo(x.dtype).min)


fake_quant = partial(_fake_quant.fake_quant, divide=_divide, multiply=_multiply)
fake_quant_grad = partial(_fake_quant.fake_quant_grad, divide=_divide, multiply=_multiply)
