"""What a comparison counted and where it found a difference."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class Report:
    """The result for one model or for many.

    Attributes:
        counts: How many things were compared, by what they are.
        differences: Where we and TensorFlow disagree.
        refused: Models that we refuse, with the message.
        not_loaded: Models that TensorFlow refuses, with the first line of its message.
        without_values: Models with variables but without a checkpoint, with our message.
    """

    counts: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    not_loaded: dict[str, str] = field(default_factory=dict)
    without_values: dict[str, str] = field(default_factory=dict)

    def add(self, other: Report) -> None:
        """Sum up."""
        self.counts += other.counts
        self.differences += other.differences
        self.refused |= other.refused
        self.not_loaded |= other.not_loaded
        self.without_values |= other.without_values

    def check(self, what: str, place: str, found: Any, expected: Any) -> None:
        """Count a comparison, and note the first difference."""
        self.counts[what] += 1
        problem = difference(found, expected)
        if problem:
            self.differences.append(f"{place}: {what}: {problem}")


def difference(found: Any, expected: Any, place: str = "") -> str:
    """The first place where two trees of values differ, "" if they are the same bit for bit."""
    here = f"at {place or 'the top'}: "
    if isinstance(expected, np.ndarray) and isinstance(found, np.ndarray):
        problem = _array_difference(found, expected)
        return here + problem if problem else ""
    if type(found) is not type(expected):
        return f"{here}{found!r} is a {type(found).__name__}, expected {expected!r}"
    if isinstance(expected, dict):
        if sorted(found) != sorted(expected):
            return f"{here}keys {sorted(found)}, expected {sorted(expected)}"
        pairs = [(key, found[key], expected[key]) for key in expected]
    elif isinstance(expected, list | tuple):
        if len(found) != len(expected):
            return f"{here}{found!r} has {len(found)} parts, expected {len(expected)}: {expected!r}"
        pairs = [(i, *both) for i, both in enumerate(zip(found, expected, strict=True))]
    elif hasattr(expected, "__dataclass_fields__"):
        names = expected.__dataclass_fields__
        pairs = [(name, getattr(found, name), getattr(expected, name)) for name in names]
    else:
        # repr tells -0.0 from 0.0 and finds NaN equal to itself.
        return "" if repr(found) == repr(expected) else f"{here}{found!r}, expected {expected!r}"
    problems = (difference(a, b, f"{place}.{key}" if place else str(key)) for key, a, b in pairs)
    return next(filter(None, problems), "")


def _array_difference(found: np.ndarray[Any, Any], expected: np.ndarray[Any, Any]) -> str:
    if (found.dtype, found.shape) != (expected.dtype, expected.shape):
        return (
            f"array {found.dtype} {found.shape}, expected array {expected.dtype} {expected.shape}"
        )
    if expected.dtype == object:
        same = found.tolist() == expected.tolist()
    else:
        same = found.tobytes() == expected.tobytes()
    return "" if same else "the arrays' elements differ"
