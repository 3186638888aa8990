"""Philox4x32-10 by NumPy: the random numbers of TensorFlow's CPU kernels, bit for bit.

A stream is six 32-bit words: two of the key, four of the counter, each low word first. A block is
the four words that a value of the counter gives.

Source: "Parallel Random Numbers: As Easy as 1, 2, 3" (Salmon et al., 2011), and TensorFlow's
`core/lib/random/{philox_random,random_distributions}.h`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anyhub.graph.const_call import Array

ROUNDS = 10
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
SEED_KEY = (0x3EC8F720, 0x02461E29)
MASK = 0xFFFFFFFF

# TensorFlow's: u must not be 0 in log(u); numbers beyond are drawn anew.
SMALLEST_UNIFORM = 1e-7
TRUNCATION = 2.0

# TensorFlow draws truncated numbers one after the other until a group is full, from blocks that
# are the group's own: 256 words for each number. So many blocks are drawn at once that the chance
# of a group that needs more is below 1e-13.
TRUNCATED_BLOCKS = {"float64": 6}
TRUNCATED_BLOCKS_DEFAULT = 4
WORDS_PER_NUMBER = 256

# Small enough for the processor's cache.
_CHUNK = 1 << 14


def block(words: Sequence[int]) -> tuple[int, int, int, int]:
    """The block of a stream's counter, by Python's integers."""
    k0, k1, c0, c1, c2, c3 = (int(word) for word in words)
    for _ in range(ROUNDS):
        p0, p1 = c0 * MULTIPLIERS[0], c2 * MULTIPLIERS[1]
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & MASK, (p0 >> 32) ^ c3 ^ k1, p0 & MASK
        k0, k1 = k0 + WEYL[0] & MASK, k1 + WEYL[1] & MASK
    return c0, c1, c2, c3


def stream(key: int, counter: Sequence[int]) -> Array:
    """A stream from a 64-bit key and the two 64-bit halves of a counter."""
    numbers = (key, *counter)
    words = [word for number in numbers for word in (number & MASK, number >> 32 & MASK)]
    return np.asarray(words, np.uint32)


def numbers_of(words: Array) -> tuple[int, int, int]:
    """The 64-bit key of a stream and the two 64-bit halves of its counter."""
    k0, k1, c0, c1, c2, c3 = (int(word) for word in words)
    return k0 | k1 << 32, c0 | c1 << 32, c2 | c3 << 32


def seeded(first: int, second: int) -> Array:
    """The stream of a seed: two integers, of which 64 bits are taken.

    TensorFlow runs the seed through the generator, so that similar seeds give unlike streams.
    """
    k0, k1, c2, c3 = block(
        (*SEED_KEY, first & MASK, first >> 32 & MASK, second & MASK, second >> 32 & MASK)
    )
    return np.asarray((k0, k1, 0, 0, c2, c3), np.uint32)


def skipped(words: Array, count: int) -> Array:
    """A stream that starts some blocks later."""
    key, low, high = numbers_of(words)
    counter = (high << 64 | low) + count
    return stream(key, (counter & (1 << 64) - 1, counter >> 64 & (1 << 64) - 1))


def blocks(words: Array, count: int) -> Array:
    """That many blocks of a stream, [count, 4]."""
    found = np.empty((count, 4), np.uint32)
    for start in range(0, count, _CHUNK):
        part = found[start : start + _CHUNK]
        _fill(part, words, np.arange(start, start + len(part), dtype=np.uint64))
    return found


def spread_blocks(words: Array, groups: int, stride: int, each: int) -> Array:
    """Some blocks for each group, [groups, each, 4]; groups start `stride` blocks apart."""
    found = np.empty((groups, each, 4), np.uint32)
    step = max(1, _CHUNK // each)
    own = np.arange(each, dtype=np.uint64)
    for start in range(0, groups, step):
        part = found[start : start + step]
        group = np.arange(start, start + len(part), dtype=np.uint64) * np.uint64(stride)
        _fill(part.reshape(-1, 4), words, (group[:, None] + own).ravel())
    return found


def _fill(out: Array, words: Array, offsets: Array) -> None:
    """Write the blocks at offsets from a stream's counter."""
    shift, mask = np.uint64(32), np.uint64(MASK)
    m0, m1 = map(np.uint64, MULTIPLIERS)
    k0, k1 = int(words[0]), int(words[1])
    c0, c1, c2, c3 = _counters(words, offsets)
    p0, p1 = np.empty_like(c0), np.empty_like(c0)
    for _ in range(ROUNDS):
        np.multiply(c0, m0, out=p0)
        np.multiply(c2, m1, out=p1)
        # c1 and c3 may have bits above 32: they are only combined with what is masked then.
        for target, product, other, key in ((c0, p1, c1, k0), (c2, p0, c3, k1)):
            np.right_shift(product, shift, out=target)
            np.bitwise_xor(target, other, out=target)
            np.bitwise_xor(target, np.uint64(key), out=target)
            np.bitwise_and(target, mask, out=target)
        c1, p1, c3, p0 = p1, c1, p0, c3
        k0, k1 = k0 + WEYL[0] & MASK, k1 + WEYL[1] & MASK
    for lane, word in enumerate((c0, c1, c2, c3)):
        out[:, lane] = word


def _counters(words: Array, offsets: Array) -> tuple[Array, Array, Array, Array]:
    """The four words of the counter at offsets, 64 bits wide."""
    _, start, high = numbers_of(words)
    low = offsets + np.uint64(start)
    wrapped = np.where(low < offsets, np.uint64(1), np.uint64(0)) + np.uint64(high)
    shift, mask = np.uint64(32), np.uint64(MASK)
    return low & mask, low >> shift, wrapped & mask, wrapped >> shift


def uniform(words: Array, shape: tuple[int, ...], dtype: str) -> Array:
    """Floats in [0, 1)."""
    size = math.prod(shape)
    if dtype == "float64":
        return _doubles(blocks(words, -(-size // 2))).ravel()[:size].reshape(shape)
    return _floats(blocks(words, -(-size // 4)).ravel()[:size], dtype).reshape(shape)


def _floats(bits: Array, dtype: str) -> Array:
    """Floats in [0, 1) from words, whose low bits become the mantissa."""
    if dtype == "float32":
        found = (bits & np.uint32(0x7FFFFF) | np.uint32(0x3F800000)).view(np.float32)
        found -= np.float32(1)
        return found
    mantissa = 10 if dtype == "float16" else 7
    exact = (bits & np.uint32((1 << mantissa) - 1)).astype(np.float32) * np.float32(2**-mantissa)
    return exact.astype(np_dtype(dtype))


def _doubles(bits: Array) -> Array:
    """Doubles in [0, 1), half as many as words along the last axis."""
    high = (bits[..., 0::2] & np.uint32(0xFFFFF) | np.uint32(0x3FF00000)).astype(np.uint64)
    return (high << np.uint64(32) | bits[..., 1::2]).view(np.float64) - 1.0


def np_dtype(name: str) -> Any:
    """NumPy's type of a name."""
    return np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)


def normal(words: Array, shape: tuple[int, ...], dtype: str) -> Array:
    """Floats of the standard normal distribution."""
    size = math.prod(shape)
    count = -(-size // (2 if dtype == "float64" else 4))
    return _normals(blocks(words, count), dtype).ravel()[:size].reshape(shape)


def _normals(bits: Array, dtype: str) -> Array:
    """Box and Muller's transformation of blocks; for all but double it is of single precision."""
    if dtype == "float64":
        numbers = _doubles(bits)
        u, angle = numbers[..., :1], 2.0 * np.pi * numbers[..., 1:]
    else:
        numbers = _floats(bits, "float32")
        u = numbers[..., 0::2]
        angle = (2.0 * np.pi * numbers[..., 1::2].astype(np.float64)).astype(np.float32)
    found = np.empty(numbers.shape, numbers.dtype)
    radius = np.sqrt(-2 * np.log(np.maximum(u, numbers.dtype.type(SMALLEST_UNIFORM))))
    found[..., 0::2], found[..., 1::2] = np.sin(angle) * radius, np.cos(angle) * radius
    return found.astype(np_dtype(dtype), copy=False)


def truncated_normal(words: Array, shape: tuple[int, ...], dtype: str) -> Array:
    """Floats of the standard normal distribution, those beyond 2 drawn anew."""
    size = math.prod(shape)
    group, stride, each = truncated_layout(dtype)
    precise = "float64" if dtype == "float64" else "float32"
    drawn = _normals(spread_blocks(words, -(-size // group), stride, each), precise)
    drawn = drawn.reshape(-1, each * group)
    # Those to keep come first, in their order.
    order = np.argsort(np.abs(drawn) >= TRUNCATION, axis=1, kind="stable")[:, :group]
    found = np.take_along_axis(drawn, order, 1).ravel()[:size].reshape(shape)
    return found.astype(np_dtype(dtype), copy=False)


def truncated_layout(dtype: str) -> tuple[int, int, int]:
    """How many truncated numbers make a group, its blocks, and how many of these are drawn."""
    group = 2 if dtype == "float64" else 4
    each = TRUNCATED_BLOCKS.get(dtype, TRUNCATED_BLOCKS_DEFAULT)
    return group, group * WORDS_PER_NUMBER // 4, each


def full_int(words: Array, shape: tuple[int, ...], dtype: str) -> Array:
    """Integers of all values that the type has."""
    size = math.prod(shape)
    if np.dtype(dtype).itemsize == 4:
        return blocks(words, -(-size // 4)).ravel()[:size].reshape(shape).view(dtype)
    bits = blocks(words, -(-size // 2)).reshape(-1, 2).astype(np.uint64)
    found = bits[:size, 0] | bits[:size, 1] << np.uint64(32)
    return found.reshape(shape).view(dtype)


def uniform_int(words: Array, shape: tuple[int, ...], dtype: str, low: Any, high: Any) -> Array:
    """Integers from low up to, but not including, high."""
    unsigned = np.dtype(f"u{dtype}")
    span = (int(high) - int(low)) % (1 << 8 * unsigned.itemsize)
    with np.errstate(over="ignore"):
        start = np.asarray(low, dtype).view(unsigned)
        found = full_int(words, shape, unsigned.name) % unsigned.type(span) + start
    return np.asarray(found, unsigned).view(dtype)


def permutation(words: Array, size: int) -> Array:
    """Fisher and Yates' shuffle of the numbers below size, by TensorFlow's draws."""
    order = list(range(size))
    left = np.arange(size, 0, -1, dtype=np.uint32)
    others = np.arange(size) + full_int(words, (size,), "uint32") % left
    for i, j in enumerate(others.tolist()):
        order[i], order[j] = order[j], order[i]
    return np.asarray(order, np.int32)
