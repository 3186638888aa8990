"""Figures of how far arrays are from those that TensorFlow computed."""

from __future__ import annotations

from typing import Any

import numpy as np

# Some derivatives are zero but for rounding, e.g. those of a bias that a normalization takes away.
# What is below this share of the model's largest derivative is therefore measured against it.
_FLOOR = 1e-2


def worst(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> float:
    """The largest absolute deviation."""
    if set(found) != set(wanted):
        raise ValueError(f"outputs {sorted(found)}, TensorFlow {sorted(wanted)}")
    return max((_distance(found[name], wanted[name]) for name in wanted), default=0.0)


def _distance(found: np.ndarray, wanted: np.ndarray) -> float:
    if found.shape != wanted.shape:
        raise ValueError(f"shape {found.shape}, TensorFlow {wanted.shape}")
    distance = np.abs(found.astype(np.float64) - wanted).max(initial=0.0)
    return float(distance) if np.isfinite(distance) else float("inf")


def worst_gradient(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> list[Any]:
    """The largest deviation relative to the weight's largest derivative, and the weight."""
    pairs = list(zip(wanted, found.values(), wanted.values(), strict=True))
    floor = _FLOOR * max(float(np.abs(g).max(initial=0.0)) for g in wanted.values())
    errors = [
        (_distance(ours, theirs) / max(float(np.abs(theirs).max(initial=0.0)), floor), name)
        for name, ours, theirs in pairs
    ]
    return list(max(errors))


def worst_relative(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> float:
    """The largest deviation relative to the array's largest value, or to 1 where that is less."""
    theirs = _by_index(wanted)
    return max(
        _distance(array, theirs[index]) / max(1.0, float(np.abs(theirs[index]).max(initial=0)))
        for index, array in _by_index(found).items()
    )


def _by_index(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    # Engines have other names for variables; a later array of an index wins.
    return {name.partition(" ")[0]: array for name, array in arrays.items()}
