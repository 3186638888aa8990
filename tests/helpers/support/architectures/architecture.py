"""What the comparison knows of an architecture, and inputs for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

BATCH = 4


@dataclass(frozen=True)
class Architecture:
    """A model with random weights.

    Attributes:
        build: Makes the Keras model.
        inputs: Makes its inputs from a random generator, in the structure that it takes.
        is_random: Whether it keeps its dropout, so that only inference can be compared.
        is_kinked: Whether it has so many ReLUs and pools that for any inputs some are a rounding
            error of float32 away from a kink, where two right derivatives differ. Derivatives are
            then compared in float64.
    """

    build: Callable[[], Any]
    inputs: Callable[[np.random.Generator], Any]
    is_random: bool = False
    is_kinked: bool = False


def images(size: int, scale: float = 1.0, batch: int = BATCH) -> Callable[..., np.ndarray]:
    """Images that differ in colour, coarse pattern and contrast: noise alone pools to a constant.

    Args:
        size: Height and width.
        scale: 1 for values around -1 to 1; 255 for values from 0 to 255.
        batch: The number of images.
    """

    def make(rng: np.random.Generator) -> np.ndarray:
        cells = rng.uniform(-1, 1, (batch, 4, 4, 3))
        tiles = -(-size // 4)
        coarse = cells.repeat(tiles, axis=1).repeat(tiles, axis=2)[:, :size, :size]
        colour = rng.uniform(-0.6, 0.6, (batch, 1, 1, 3))
        fine = rng.normal(0, 0.3, coarse.shape) * rng.uniform(0.5, 1.5, (batch, 1, 1, 1))
        # No clipping: neighbours that are equal would be ties under the windows of pools.
        found = np.tanh(0.5 * coarse + colour + fine)
        return (found if scale == 1 else (found + 1) / 2 * scale).astype(np.float32)

    return make


def noise(*shape: int) -> Callable[..., np.ndarray]:
    """Normal values, each example with its own mean and spread."""

    def make(rng: np.random.Generator) -> np.ndarray:
        ones = (BATCH,) + (1,) * len(shape)
        spread = rng.uniform(0.3, 1.5, ones)
        found = rng.normal(0, 1, (BATCH, *shape)) * spread + rng.normal(0, 0.5, ones)
        return found.astype(np.float32)

    return make


def padded_noise(length: int, features: int) -> Callable[..., np.ndarray]:
    """Sequences of different lengths; the steps after their ends are zero."""

    def make(rng: np.random.Generator) -> np.ndarray:
        found = noise(length, features)(rng)
        return found * padding_mask(length)[..., None].astype(np.float32)

    return make


def tokens(length: int, vocabulary: int, *, padded: bool = False) -> Callable[..., np.ndarray]:
    """Numbers of words from 1; 0 after the ends of sequences if `padded`."""

    def make(rng: np.random.Generator) -> np.ndarray:
        found = rng.integers(1, vocabulary, (BATCH, length)).astype(np.int32)
        return found * padding_mask(length) if padded else found

    return make


def padding_mask(length: int) -> np.ndarray:
    """1 up to the end of each sequence, then 0; the ends differ, and the first has no padding."""
    lengths = length - np.arange(BATCH) * max(1, length // (BATCH + 1))
    return (np.arange(length) < lengths[:, None]).astype(np.int32)
