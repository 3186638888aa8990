"""What groups of nodes look like in exports of Keras 3 and tf.keras; see `matching`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from anyhub.graph.const_call import Array


@dataclass(frozen=True)
class Fusion:
    """A group of nodes.

    Attributes:
        op: What the group is called here; lowered in `ops/fused.py`.
        inputs: The names of the pattern that it takes.
        pattern: What it looks like.
        constants: Names that have to be constants, and which are accepted.
    """

    op: str
    inputs: tuple[str, ...]
    pattern: Any
    constants: Mapping[str, Callable[[Array], bool]]


def near(value: float) -> Callable[[Array], bool]:
    """Accepts a number, but for rounding."""
    return lambda array: array.size == 1 and math.isclose(float(array.item()), value, rel_tol=1e-6)


def _is_last_axis(array: Array) -> bool:
    return bool(np.array_equal(array.ravel(), [-1]))


_ADD = ("AddV2", "Add")
_MEAN = ("Mean", "x", "axes")
_SPREAD = ("Mean", ("SquaredDifference", "x", ("StopGradient", _MEAN)), "axes_of_variance")
_SCALE = ("Mul", ("Rsqrt", (_ADD, _SPREAD, "epsilon")), "gamma")
_SCALED = ("Mul", "x", _SCALE)
_AXES = {
    "axes": _is_last_axis,
    "axes_of_variance": _is_last_axis,
    "epsilon": lambda array: array.size == 1,
}
_NORMALIZATION = ("x", "gamma", "beta", "epsilon")

FUSIONS = (
    # Keras 3
    Fusion(
        "_LayerNormalization",
        _NORMALIZATION,
        (_ADD, _SCALED, (_ADD, ("Mul", ("Neg", _MEAN), _SCALE), "beta")),
        _AXES,
    ),
    # tf.nn.batch_normalization, which tf.keras uses
    Fusion(
        "_LayerNormalization",
        _NORMALIZATION,
        (_ADD, _SCALED, ("Sub", "beta", ("Mul", _MEAN, _SCALE))),
        _AXES,
    ),
    # The Gaussian error linear unit of Keras 3: x / 2 erfc(-x / sqrt(2))
    Fusion(
        "_Gelu",
        ("x",),
        ("Mul", ("Mul", "half", "x"), ("Erfc", ("Mul", ("Neg", "x"), "root"))),
        {"half": near(0.5), "root": near(math.sqrt(0.5))},
    ),
    # That of tf.nn: x / 2 (1 + erf(x / sqrt(2)))
    Fusion(
        "_Gelu",
        ("x",),
        (
            "Mul",
            ("Mul", "half", "x"),
            (_ADD, "one", ("Erf", ("RealDiv", "x", "root"))),
        ),
        {"half": near(0.5), "one": near(1.0), "root": near(math.sqrt(2))},
    ),
)
