"""TensorFlow's random numbers on torch: by NumPy for the CPU, by integer kernels for CUDA."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from keras.src.backend.torch.core import get_device

from anyhub.engines.portable import philox
from anyhub.engines.portable.backends.torch.core import is_traced, to_device, to_host, torch_dtype


def uniform(words: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """Floats in [0, 1)."""
    return _drawn("uniform", words, shape, dtype)


def normal(words: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """Floats of the standard normal distribution."""
    return _drawn("normal", words, shape, dtype)


def truncated_normal(words: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """Floats of the standard normal distribution, those beyond 2 drawn anew."""
    return _drawn("truncated_normal", words, shape, dtype)


def full_int(words: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """Integers of all values that the type has."""
    return _drawn("full_int", words, shape, dtype)


def uniform_int(words: Any, shape: tuple[int, ...], dtype: str, low: Any, high: Any) -> Any:
    """Integers from low up to, but not including, high."""
    if any(is_traced(value) for value in (words, low, high)):
        return torch.empty(shape, dtype=torch_dtype(dtype), device="meta")
    bounds = [value if isinstance(value, np.ndarray) else to_host(value) for value in (low, high)]
    return to_device(philox.uniform_int(words, shape, dtype, *bounds))


def permutation(words: Any, size: int) -> Any:
    """Fisher and Yates' shuffle of the numbers below size, by TensorFlow's draws."""
    if is_traced(words):
        return torch.empty((size,), dtype=torch.int32, device="meta")
    return to_device(philox.permutation(words, size))


def seeded(seed: Any) -> Any:
    """The stream of a seed of two integers that have no values."""
    return torch.empty((6,), dtype=torch.uint32, device=seed.device)


def stream(key: Any, counter: Any) -> Any:
    """The stream of a key and a counter that have no values."""
    device = key.device if is_traced(key) else counter.device
    return torch.empty((6,), dtype=torch.uint32, device=device)


def combined(words: Any, own: Any) -> Any:  # noqa: ARG001 - other backends compute with it
    """A stream that has no values."""
    return words


def numbers_of(words: Any) -> tuple[Any, Any]:
    """The key of a stream and its counter, which have no values."""
    key, counter = (torch.empty((n,), dtype=torch.uint64, device=words.device) for n in (1, 2))
    return key, counter


def _drawn(name: str, words: Any, shape: tuple[int, ...], dtype: str) -> Any:
    if is_traced(words):
        return torch.empty(shape, dtype=torch_dtype(dtype), device="meta")
    if name in BY_KERNELS and str(get_device()).startswith("cuda") and dtype != "float64":
        return BY_KERNELS[name](words, shape).to(torch_dtype(dtype))
    return to_device(getattr(philox, name)(words, shape, dtype))


def _words(words: Any, size: int) -> Any:
    """The first words of a stream, in 64 bits each."""
    key, start, high = philox.numbers_of(words)
    count = -(-size // 4)
    if start + count > 1 << 63:
        return to_device(philox.blocks(words, count).ravel()[:size].astype(np.int64))
    place = torch.arange(start, start + count, device=get_device())
    bits = _rounds(place, high, key & philox.MASK, key >> 32)
    return torch.stack(bits, -1).ravel()[:size]


def _rounds(place: Any, high: int, k0: int, k1: int) -> tuple[Any, ...]:
    mask = philox.MASK
    c0, c1 = place & mask, place >> 32
    c2, c3 = (torch.full_like(place, word) for word in (high & mask, high >> 32))
    for _ in range(philox.ROUNDS):
        # The shift copies the sign into the upper half, which the mask then clears.
        p0, p1 = c0 * philox.MULTIPLIERS[0], c2 * philox.MULTIPLIERS[1]
        c0, c1 = (p1 >> 32 ^ c1 ^ k0) & mask, p1
        c2, c3 = (p0 >> 32 ^ c3 ^ k1) & mask, p0
        k0, k1 = k0 + philox.WEYL[0] & mask, k1 + philox.WEYL[1] & mask
    return c0, c1 & mask, c2, c3 & mask


def _floats(bits: Any) -> Any:
    return (bits & 0x7FFFFF).float() * 2.0**-23


def _kernel_uniform(words: Any, shape: tuple[int, ...]) -> Any:
    return _floats(_words(words, math.prod(shape))).reshape(shape)


def _kernel_normal(words: Any, shape: tuple[int, ...]) -> Any:
    size = math.prod(shape)
    numbers = _floats(_words(words, size + 3 & -4)).reshape(-1, 2)
    radius = (-2 * numbers[:, 0].clamp(min=philox.SMALLEST_UNIFORM).log()).sqrt()
    angle = (numbers[:, 1].double() * (2 * math.pi)).float()
    found = torch.stack([angle.sin() * radius, angle.cos() * radius], -1)
    return found.ravel()[:size].reshape(shape)


BY_KERNELS = {"normal": _kernel_normal, "uniform": _kernel_uniform}
"""What is drawn on CUDA by torch's integer kernels, in single precision."""


def stream_of_state(state: Any) -> Any:
    """The stream of a generator's state that has no value."""
    return torch.empty((6,), dtype=torch.uint32, device=state.device)


def skipped(state: Any, count: int) -> Any:  # noqa: ARG001 - other backends compute with it
    """A generator's state, which has no value."""
    return state
