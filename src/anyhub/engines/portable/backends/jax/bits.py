"""Work on bits, on JAX."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax


def _distance(x: Any, y: Any) -> Any:
    return jnp.clip(y, 0, jnp.iinfo(x.dtype).bits - 1)


def _left_shift(x: Any, y: Any) -> Any:
    return jnp.left_shift(x, _distance(x, y))


def _right_shift(x: Any, y: Any) -> Any:
    return jnp.right_shift(x, _distance(x, y))


def _population_count(x: Any) -> Any:
    return lax.population_count(x).astype(jnp.uint8)


def _bitcast(x: Any, dtype: str) -> Any:
    target = jnp.dtype(dtype)
    if x.dtype == target:
        return x
    if not (jnp.iscomplexobj(x) or jnp.issubdtype(target, jnp.complexfloating)):
        return lax.bitcast_convert_type(x, target)
    data = _bytes(x)
    if target.itemsize > x.dtype.itemsize:
        data = data.reshape(*x.shape[:-1], target.itemsize)
    elif target.itemsize < x.dtype.itemsize:
        data = data.reshape(*x.shape, -1, target.itemsize)
    return _from_bytes(data, target)


def _bytes(x: Any) -> Any:
    shape, size = x.shape, x.dtype.itemsize
    if jnp.iscomplexobj(x):
        x = jnp.stack([jnp.real(x), jnp.imag(x)], axis=-1)
    return lax.bitcast_convert_type(x, jnp.uint8).reshape(*shape, size)


def _from_bytes(data: Any, target: Any) -> Any:
    if target.itemsize == 1:
        data = data[..., 0]
    if not jnp.issubdtype(target, jnp.complexfloating):
        return lax.bitcast_convert_type(data, target)
    half = target.itemsize // 2
    part = jnp.float32 if half == 4 else jnp.float64
    return lax.complex(
        lax.bitcast_convert_type(data[..., :half], part),
        lax.bitcast_convert_type(data[..., half:], part),
    )


def _to_integer(x: Any, dtype: str) -> Any:
    target = jnp.dtype(dtype)
    # Without 64-bit types those of 32 bits have no wider one to pass through.
    is_wide = target.itemsize == 8 or (dtype == "uint32" and jax.config.jax_enable_x64)
    if dtype in {"uint32", "uint64"} and not is_wide:
        return lax.convert_element_type(x, target)
    carrier = jnp.int64 if is_wide else jnp.int32
    limit = -float(jnp.iinfo(carrier).min)
    # float16 ends before it.
    limit = limit if limit < float(jnp.finfo(x.dtype).max) else float("inf")
    is_inside = (x >= -limit) & (x < limit)
    whole = lax.convert_element_type(jnp.where(is_inside, x, 0), carrier)
    return lax.convert_element_type(jnp.where(is_inside, whole, jnp.iinfo(carrier).min), target)


bitcast = jax.jit(_bitcast, static_argnums=1)
"""The bytes of a tensor as another element type; the last dimension makes up for its size."""

to_integer = jax.jit(_to_integer, static_argnums=1)
"""Floating-point numbers as integers, as TensorFlow converts them on a CPU.

Narrow types get the low bits of the 32-bit integer, and what is no integer of the width that is
computed with becomes its least one.
"""

FUNCTIONS = {
    "BitwiseAnd": jnp.bitwise_and,
    "BitwiseOr": jnp.bitwise_or,
    "BitwiseXor": jnp.bitwise_xor,
    "Invert": jnp.invert,
    "LeftShift": jax.jit(_left_shift),
    "PopulationCount": jax.jit(_population_count),
    "RightShift": jax.jit(_right_shift),
}
"""Functions of tensors, by op."""
