"""Inputs for single ops: small, always the same, of any element type."""

from __future__ import annotations

import zlib
from typing import Any

import ml_dtypes
import numpy as np

FLOATS = ("float32", "float64", "float16", "bfloat16")
SIGNED = ("int32", "int64", "int8", "int16")
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
INTEGERS = SIGNED + UNSIGNED
COMPLEX = ("complex64", "complex128")


def dtype_of(name: str) -> Any:
    return np.dtype(getattr(ml_dtypes, name)) if name == "bfloat16" else np.dtype(name)


def draw(
    dtype: str, shape: tuple[int, ...] = (2, 3), low: float = -3, high: float = 3, seed: int = 0
) -> np.ndarray:
    """Numbers between two limits; those of unsigned types from zero on."""
    rng = np.random.default_rng([seed, zlib.crc32(dtype.encode()), *shape])
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype in INTEGERS:
        low = max(low, 0) if dtype in UNSIGNED else low
        return rng.integers(int(low), int(high) + 1, shape).astype(dtype)
    if dtype in COMPLEX:
        return np.asarray(rng.uniform(low, high, shape) + 1j * rng.uniform(low, high, shape), dtype)
    return np.asarray(rng.uniform(low, high, shape), dtype_of(dtype))


def row(dtype: str, *values: Any) -> np.ndarray:
    """A vector of given numbers."""
    return np.asarray(values).astype(dtype_of(dtype))
