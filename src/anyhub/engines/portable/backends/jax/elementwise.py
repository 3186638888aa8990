"""Arithmetic of each element as TensorFlow does it, on JAX.

What takes several steps is compiled, so that outside of traces too it is one call.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from anyhub.engines.portable.backends.jax._guarded import guarded


def _is_inexact(x: Any) -> bool:
    return bool(jnp.issubdtype(x.dtype, jnp.inexact))


def _abs(x: Any) -> Any:
    # The derivative at zero is zero, as in TensorFlow.
    return jnp.sign(x) * x


def _div(x: Any, y: Any) -> Any:
    return x / y if _is_inexact(x) else lax.div(*jnp.broadcast_arrays(x, y))


def _truncate_div(x: Any, y: Any) -> Any:
    return jnp.trunc(x / y) if _is_inexact(x) else lax.div(*jnp.broadcast_arrays(x, y))


def _floor_div(x: Any, y: Any) -> Any:
    return jnp.floor(x / y) if _is_inexact(x) else jnp.floor_divide(x, y)


def _div_no_nan(x: Any, y: Any) -> Any:
    return jnp.where(y == 0, 0, x / jnp.where(y == 0, 1, y))


def _mul_no_nan(x: Any, y: Any) -> Any:
    # The derivative by a `y` of zero is `x`, as in TensorFlow.
    return jnp.where((y == 0) & ~jnp.isfinite(x), 0, x) * y


def _xdivy(x: Any, y: Any) -> Any:
    return jnp.where(x == 0, 0, x / jnp.where(x == 0, 1, y))


def _xlogy(x: Any, y: Any) -> Any:
    return jnp.where(x == 0, 0, x * jnp.log(jnp.where(x == 0, 1, y)))


def _xlog1py(x: Any, y: Any) -> Any:
    return jnp.where(x == 0, 0, x * jnp.log1p(jnp.where(x == 0, 1, y)))


def _maximum(x: Any, y: Any) -> Any:
    # Where both are the same, the first one gets the whole derivative.
    if not _is_inexact(x):
        return jnp.maximum(x, y)
    return jnp.where((x >= y) | jnp.isnan(x), x, y)


def _minimum(x: Any, y: Any) -> Any:
    if not _is_inexact(x):
        return jnp.minimum(x, y)
    return jnp.where((x <= y) | jnp.isnan(x), x, y)


def _clip_by_value(x: Any, low: Any, high: Any) -> Any:
    # At a limit the derivative is that of `x`; crossed limits give the lower one.
    high = jnp.where(high < low, low, high)
    return jnp.where(x < low, low, jnp.where(x > high, high, x))


def _squared_difference(x: Any, y: Any) -> Any:
    difference = x - y
    return difference * jnp.conj(difference)


def _pow_jvp(primals: Any, tangents: Any) -> Any:
    (x, y), (dx, dy) = primals, tangents
    power = _real_pow(x, y)
    # By the exponent of what has no logarithm the derivative is zero.
    has_log = x != 0 if jnp.iscomplexobj(x) else x > 0
    log = jnp.where(has_log, jnp.log(jnp.where(has_log, x, 1)), 0)
    return power, dx * y * _real_pow(x, y - 1) + dy * power * log


_real_pow = jax.custom_jvp(jnp.power)
_real_pow.defjvp(_pow_jvp)


def _pow(x: Any, y: Any) -> Any:
    return _real_pow(x, y) if _is_inexact(x) else jnp.power(x, y)


def _next_after_jvp(primals: Any, tangents: Any) -> Any:
    following = _next_after(*primals)
    return following, jnp.broadcast_to(tangents[0], following.shape)


_next_after = jax.custom_jvp(jnp.nextafter)
_next_after.defjvp(_next_after_jvp)

_sqrt = guarded(jnp.sqrt, lambda y: 0.5 / y)
_rsqrt = guarded(lax.rsqrt, lambda y: -0.5 * y * y * y)
_reciprocal = guarded(jnp.reciprocal, lambda y: -y * y)

FUNCTIONS = {
    "Abs": jax.jit(_abs),
    "Acos": jnp.arccos,
    "Acosh": jnp.arccosh,
    "Add": jnp.add,
    "AddV2": jnp.add,
    "Asin": jnp.arcsin,
    "Asinh": jnp.arcsinh,
    "Atan": jnp.arctan,
    "Atan2": jnp.arctan2,
    "Atanh": jnp.arctanh,
    "Ceil": jnp.ceil,
    "ClipByValue": jax.jit(_clip_by_value),
    "Cos": jnp.cos,
    "Cosh": jnp.cosh,
    "Cross": jnp.cross,
    "Div": jax.jit(_div),
    "DivNoNan": jax.jit(_div_no_nan),
    "Exp": jnp.exp,
    "Expm1": jnp.expm1,
    "Floor": jnp.floor,
    "FloorDiv": jax.jit(_floor_div),
    "FloorMod": jnp.remainder,
    "Inv": _reciprocal,
    "IsFinite": jnp.isfinite,
    "IsInf": jnp.isinf,
    "IsNan": jnp.isnan,
    "Log": jnp.log,
    "Log1p": jnp.log1p,
    "Maximum": jax.jit(_maximum),
    "Minimum": jax.jit(_minimum),
    "Mod": jnp.fmod,
    "Mul": jnp.multiply,
    "MulNoNan": jax.jit(_mul_no_nan),
    "Neg": jnp.negative,
    "NextAfter": jax.jit(_next_after),
    "OnesLike": jnp.ones_like,
    "Pow": jax.jit(_pow),
    "RealDiv": jnp.true_divide,
    "Reciprocal": _reciprocal,
    "Rint": jnp.rint,
    "Round": jnp.rint,
    "Rsqrt": _rsqrt,
    "Sigmoid": lax.logistic,
    "Sign": jnp.sign,
    "Sin": jnp.sin,
    "Sinh": jnp.sinh,
    "Sqrt": _sqrt,
    "Square": jnp.square,
    "SquaredDifference": jax.jit(_squared_difference),
    "Sub": jnp.subtract,
    "Tan": jnp.tan,
    "Tanh": jnp.tanh,
    "TruncateDiv": jax.jit(_truncate_div),
    "TruncateMod": jnp.fmod,
    "Xdivy": jax.jit(_xdivy),
    "Xlog1py": jax.jit(_xlog1py),
    "Xlogy": jax.jit(_xlogy),
    "ZerosLike": jnp.zeros_like,
}
"""Functions of tensors, by op."""
