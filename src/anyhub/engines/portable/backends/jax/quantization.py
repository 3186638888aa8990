"""Fake quantization, on JAX."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax.numpy as jnp
from jax import lax

from anyhub.engines.portable.backends import _fake_quant


def _divide(x: Any, number: int) -> Any:
    # The compiler would multiply by the reciprocal of a number that it knows or repeats.
    return x / lax.optimization_barrier(jnp.full(x.shape, number, x.dtype))


fake_quant = partial(_fake_quant.fake_quant, divide=_divide)
fake_quant_grad = partial(_fake_quant.fake_quant_grad, divide=_divide)
