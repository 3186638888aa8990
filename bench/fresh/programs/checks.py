"""What the programs say when something is not as it should be."""

from __future__ import annotations

from typing import Any

import numpy as np

TOLERANCE = 1e-5


class UnexpectedError(Exception):
    """The library did something, but not what it should."""


def check(condition: Any, message: str) -> None:
    """Raise unless the condition holds; `assert` could be switched off."""
    if not condition:
        raise UnexpectedError(message)


def check_close(found: Any, known: np.ndarray, what: str) -> None:
    """Check that arrays agree."""
    found = np.asarray(found)
    check(found.shape == known.shape, f"{what} gives shape {found.shape}, not {known.shape}")
    difference = float(np.abs(found - known).max())
    # Written so that NaN fails.
    check(difference <= TOLERANCE, f"{what} is off by {difference:.3g}")


def first_line(error: BaseException) -> str:
    """Say what went wrong in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # Keras puts a line of its own before what happened.
    if len(lines) > 1 and lines[0].startswith("Exception encountered when calling"):
        del lines[0]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
