"""Functions that stand for groups of ops; the compiler joins ops itself here."""

from __future__ import annotations

from typing import Any

import keras

IS_WORTH_IT = False
"""Whether groups are to be looked for."""


def layer_normalization(x: Any, gamma: Any, beta: Any, epsilon: float) -> Any:
    """Normalization over the last axis."""
    mean, variance = keras.ops.moments(x, axes=[-1], keepdims=True)
    return (x - mean) * keras.ops.rsqrt(variance + epsilon) * gamma + beta


def swish(x: Any) -> Any:
    """The sigmoid linear unit."""
    return keras.ops.silu(x)


def gelu(x: Any) -> Any:
    """The exact Gaussian error linear unit."""
    return keras.ops.gelu(x, approximate=False)
