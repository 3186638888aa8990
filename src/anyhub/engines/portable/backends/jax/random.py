"""TensorFlow's random numbers on JAX: `philox`, compiled, from 32-bit arithmetic alone.

Each number is computed by itself, with the whole block that it is a part of: XLA makes one loop
of that, which is faster than blocks whose words have to be interleaved.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from anyhub.engines.portable import philox
from anyhub.engines.portable.backends.jax.core import device_dtype, to_device

_U = np.uint32
_TURN = np.float32(2 * np.pi)
# The turn's upper 12 bits, its other bits, and what single precision leaves out of it.
_TURN_HIGH = (_TURN.view(_U) & _U(0xFFFFF000)).view(np.float32)
_TURN_LOW = _TURN - _TURN_HIGH
_TURN_REST = np.float32(2 * np.pi - float(_TURN))


def _multiply(a: Any, b: int) -> tuple[Any, Any]:
    """The upper and lower word of a product of words, by way of half words."""
    high, low = _U(b >> 16), _U(b & 0xFFFF)
    a_high, a_low = a >> _U(16), a & _U(0xFFFF)
    middle = a_high * low + (a_low * low >> _U(16))
    other = (middle & _U(0xFFFF)) + a_low * high
    return a_high * high + (middle >> _U(16)) + (other >> _U(16)), a * _U(b)


def _rounds(key: Any, counter: Any) -> tuple[Any, ...]:
    (k0, k1), (c0, c1, c2, c3) = key, counter
    for index in range(philox.ROUNDS):
        h0, l0 = _multiply(c0, philox.MULTIPLIERS[0])
        h1, l1 = _multiply(c2, philox.MULTIPLIERS[1])
        step0, step1 = (_U(index * weyl & philox.MASK) for weyl in philox.WEYL)
        c0, c1, c2, c3 = h1 ^ c1 ^ (k0 + step0), l1, h0 ^ c3 ^ (k1 + step1), l0
    return c0, c1, c2, c3


def _plus(words: Any, low: Any, high: Any) -> tuple[Any, ...]:
    """The words of a counter plus a number of 64 bits."""
    found, carry = [], _U(0)
    for word, add in zip(words, (low, high, _U(0), _U(0)), strict=True):
        total = word + add
        carried = total + carry
        carry = (total < word).astype(_U) | (carried < total).astype(_U)
        found.append(carried)
    return tuple(found)


def _blocks(words: Any, low: Any, high: Any = 0) -> tuple[Any, ...]:
    """The blocks at some offsets from a stream's counter."""
    return _rounds(words[:2], _plus(tuple(words[2:]), low, jnp.uint32(high)))


def _pick(bits: tuple[Any, ...], lane: Any) -> Any:
    first, second = (jnp.where((lane & _U(1)) == 0, bits[i], bits[i + 1]) for i in (0, 2))
    return jnp.where(lane < 2, first, second)


def _words(words: Any, size: int) -> Any:
    """The first words of a stream."""
    index = lax.iota(jnp.uint32, size)
    return _pick(_blocks(words, index >> _U(2)), index & _U(3))


def _pairs(words: Any, size: int) -> tuple[Any, Any]:
    """The first pairs of words of a stream."""
    index = lax.iota(jnp.uint32, size)
    bits = _blocks(words, index >> _U(1))
    is_first = (index & _U(1)) == 0
    return jnp.where(is_first, bits[0], bits[2]), jnp.where(is_first, bits[1], bits[3])


def _float(bits: Any) -> Any:
    return lax.bitcast_convert_type(bits & _U(0x7FFFFF) | _U(0x3F800000), jnp.float32) - 1


def _double(high: Any, low: Any) -> Any:
    """A double from two words; without 64-bit types the 24 bits of it that a float holds."""
    if device_dtype("float64") == "float32":
        return (high << _U(4) & _U(0xFFFFFF) | low >> _U(28)).astype(jnp.float32) * 2.0**-24
    return lax.bitcast_convert_type(_long(high & _U(0xFFFFF) | _U(0x3FF00000), low), "float64") - 1


def _long(high: Any, low: Any) -> Any:
    return high.astype("uint64") << np.uint64(32) | low.astype("uint64")


@partial(jax.jit, static_argnums=(1, 2))
def uniform(words: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """Floats in [0, 1)."""
    size = math.prod(shape)
    if dtype == "float64":
        found = _double(*_pairs(words, size))
    elif dtype == "float32":
        found = _float(_words(words, size))
    else:
        mantissa = 10 if dtype == "float16" else 7
        bits = _words(words, size) & _U((1 << mantissa) - 1)
        found = (bits.astype(jnp.float32) * 2.0**-mantissa).astype(dtype)
    return found.reshape(shape)


@partial(jax.jit, static_argnums=(1, 2))
def normal(words: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """Floats of the standard normal distribution."""
    index = lax.iota(jnp.uint32, math.prod(shape))
    shift, mask = (_U(1), _U(1)) if dtype == "float64" else (_U(2), _U(3))
    found = _normals(_blocks(words, index >> shift), index & mask, dtype)
    return found.astype(device_dtype(dtype)).reshape(shape)


def _normals(bits: tuple[Any, ...], lane: Any, dtype: str) -> Any:
    """One of the normal numbers that a block gives: four, or two doubles."""
    if dtype == "float64":
        u, part = _double(bits[0], bits[1]), _double(bits[2], bits[3])
    else:
        is_first = lane < 2
        u, part = (_float(jnp.where(is_first, bits[i], bits[i + 2])) for i in (0, 1))
    angle = part * (2 * np.pi) if part.dtype == "float64" else _angle(part)
    radius = jnp.sqrt(-2 * jnp.log(jnp.maximum(u, philox.SMALLEST_UNIFORM)))
    return radius * jnp.where((lane & _U(1)) == 0, jnp.sin(angle), jnp.cos(angle))


def _angle(part: Any) -> Any:
    """A part of a turn in radians, rounded once, as if computed in double precision."""
    product = _TURN * part
    bits = lax.bitcast_convert_type(part, jnp.uint32) & _U(0xFFFFF000)
    high = lax.bitcast_convert_type(bits, jnp.float32)
    low = part - high
    error = ((_TURN_HIGH * high - product) + _TURN_HIGH * low + _TURN_LOW * high) + _TURN_LOW * low
    return product + (error + _TURN_REST * part)


@partial(jax.jit, static_argnums=(1, 2))
def truncated_normal(words: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """Floats of the standard normal distribution, those beyond 2 drawn anew."""
    size = math.prod(shape)
    group, stride, each = philox.truncated_layout(dtype)
    high, low = _multiply(lax.iota(jnp.uint32, -(-size // group))[:, None], stride)
    position = lax.iota(jnp.uint32, each * group)
    # A group's blocks start at a multiple of the stride: adding to the lower word never carries.
    bits = _blocks(words, low + position // _U(group), high)
    # Else XLA computes them once more for each place where they are used.
    drawn = lax.optimization_barrier(_normals(bits, position % _U(group), dtype))
    keep = jnp.abs(drawn) < philox.TRUNCATION
    rank = jnp.cumsum(keep, axis=1)
    kept = [jnp.sum(jnp.where(keep & (rank == i + 1), drawn, 0), axis=1) for i in range(group)]
    found = jnp.stack(kept, axis=1).ravel()[:size].reshape(shape)
    return found.astype(device_dtype(dtype))


@partial(jax.jit, static_argnums=(1, 2))
def full_int(words: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """Integers of all values that the type has; where that has become narrower, lower words."""
    size = math.prod(shape)
    if np.dtype(dtype).itemsize == 4:
        return lax.bitcast_convert_type(_words(words, size), dtype).reshape(shape)
    low, high = _pairs(words, size)
    bits = low if device_dtype(dtype) != dtype else _long(high, low)
    return lax.bitcast_convert_type(bits, device_dtype(dtype)).reshape(shape)


def uniform_int(words: Any, shape: tuple[int, ...], dtype: str, low: Any, high: Any) -> Any:
    """Integers from low up to, but not including, high."""
    low, high = (to_device(v) if isinstance(v, np.ndarray) else v for v in (low, high))
    return _uniform_int(words, shape, dtype, low, high)


@partial(jax.jit, static_argnums=(1, 2))
def _uniform_int(words: Any, shape: tuple[int, ...], dtype: str, low: Any, high: Any) -> Any:
    size, wanted = math.prod(shape), device_dtype(dtype)
    unsigned = f"u{wanted}"
    start, end = (lax.bitcast_convert_type(v, unsigned) for v in (low, high))
    span = end - start
    if dtype == "int32":
        rest = _words(words, size) % span
    elif wanted == "int64":
        second, first = _pairs(words, size)
        rest = _long(first, second) % span
    else:
        second, first = _pairs(words, size)
        rest = _long_remainder(first, second, span)
    return lax.bitcast_convert_type(rest + start, wanted).reshape(shape)


def _long_remainder(high: Any, low: Any, span: Any) -> Any:
    """The remainder of 64-bit numbers by a 32-bit one, from 32-bit arithmetic."""

    def plus(a: Any, b: Any) -> Any:
        # Both are below the span, their sum may not fit.
        return jnp.where(a >= span - b, a - (span - b), a + b)

    rest = high % span
    for _ in range(32):
        rest = plus(rest, rest)
    return plus(rest, low % span)


@partial(jax.jit, static_argnums=1)
def permutation(words: Any, size: int) -> Any:
    """Fisher and Yates' shuffle of the numbers below size, by TensorFlow's draws."""
    if size < 2:
        return lax.iota(jnp.int32, size)
    index = lax.iota(jnp.uint32, size)
    other = (index + _words(words, size) % (_U(size) - index)).astype(jnp.int32)

    def swap(i: Any, found: Any) -> Any:
        j = other[i]
        return found.at[i].set(found[j]).at[j].set(found[i])

    return lax.fori_loop(0, size - 1, swap, lax.iota(jnp.int32, size))


@partial(jax.jit)
def seeded(seed: Any) -> Any:
    """The stream of a seed of two integers."""
    words = [word for value in (seed[0], seed[1]) for word in _split(value)]
    k0, k1, c2, c3 = _rounds(map(jnp.uint32, philox.SEED_KEY), words)
    zero = jnp.zeros_like(k0)
    return jnp.stack([k0, k1, zero, zero, c2, c3])


def _split(value: Any) -> tuple[Any, Any]:
    """The lower and upper word of an integer, as if it had 64 bits."""
    if value.dtype.itemsize == 8:
        bits = lax.bitcast_convert_type(value, "uint64")
        return bits.astype(jnp.uint32), (bits >> np.uint64(32)).astype(jnp.uint32)
    low = lax.bitcast_convert_type(value, jnp.uint32)
    is_negative = value < 0
    return low, jnp.where(is_negative, _U(philox.MASK), _U(0))


def stream(key: Any, counter: Any) -> Any:
    """The stream of a key and a counter.

    Without 64-bit types a key of two words and a counter of four are halves, as `numbers_of`
    gives them; fewer are numbers whose upper halves were lost.
    """
    return jnp.concatenate([_halves(key, 1), _halves(counter, 2)])


def _halves(values: Any, count: int) -> Any:
    if isinstance(values, np.ndarray):
        return jnp.asarray(np.ascontiguousarray(values[:count]).view(_U))
    if values.dtype.itemsize == 4 and values.shape[0] >= 2 * count:
        return values[: 2 * count]
    return jnp.stack([word for i in range(count) for word in _split(values[i])])


def numbers_of(words: Any) -> tuple[Any, Any]:
    """The key of a stream and its counter; without 64-bit types their halves."""
    if device_dtype("uint64") != "uint64":
        return words[:2], words[2:]
    numbers = _long(words[1::2], words[0::2])
    return numbers[:1], numbers[1:]


def combined(words: Any, own: Any) -> Any:
    """A stream whose words are changed by other words."""
    return words ^ own


def stream_of_state(state: Any) -> Any:
    """The stream of a generator's state: the two halves of its counter, its key."""
    words = [word for value in (state[2], state[0], state[1]) for word in _unsigned(value)]
    return jnp.stack(words)


def _unsigned(value: Any) -> tuple[Any, Any]:
    low, high = _split(value)
    return low, high if value.dtype.itemsize == 8 else jnp.zeros_like(low)


def skipped(state: Any, count: int) -> Any:
    """A generator's state after some blocks.

    Without 64-bit types the counter is of two words, of which the lower carries into the upper.
    """
    if state.dtype.itemsize == 4:
        low, high = (lax.bitcast_convert_type(state[i], jnp.uint32) for i in (0, 1))
        parts: Any = (_U(count & philox.MASK), _U(count >> 32 & philox.MASK))
    else:
        low, high = (lax.bitcast_convert_type(state[i], "uint64") for i in (0, 1))
        parts = (np.uint64(count), np.uint64(0))
    total = low + parts[0]
    upper = high + parts[1] + (total < low).astype(high.dtype)
    counter = [lax.bitcast_convert_type(v, state.dtype) for v in (total, upper)]
    return jnp.stack([*counter, state[2]])
