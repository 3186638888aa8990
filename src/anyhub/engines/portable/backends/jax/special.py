"""Special functions, on JAX."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.scipy import special


def _betainc(a: Any, b: Any, x: Any) -> Any:
    # By `a` and `b` TensorFlow has no derivative either.
    return special.betainc(lax.stop_gradient(a), lax.stop_gradient(b), x)


def _zeta(x: Any, q: Any) -> Any:
    return special.zeta(lax.stop_gradient(x), q)


def _polygamma(order: Any, x: Any) -> Any:
    return lax.polygamma(*jnp.broadcast_arrays(lax.stop_gradient(order), x))


def _igamma_grad_a(a: Any, x: Any) -> Any:
    return lax.igamma_grad_a(*jnp.broadcast_arrays(a, x))


FUNCTIONS = {
    "BesselI0": special.i0,
    "BesselI0e": special.i0e,
    "BesselI1": special.i1,
    "BesselI1e": special.i1e,
    "Betainc": jax.jit(_betainc),
    "Digamma": lax.digamma,
    "Erf": lax.erf,
    "Erfc": lax.erfc,
    "Erfinv": lax.erf_inv,
    "Igamma": special.gammainc,
    "Igammac": special.gammaincc,
    "IgammaGradA": jax.jit(_igamma_grad_a),
    "Lgamma": lax.lgamma,
    "Ndtri": special.ndtri,
    "Polygamma": jax.jit(_polygamma),
    "Zeta": jax.jit(_zeta),
}
"""Functions of tensors, by op."""
