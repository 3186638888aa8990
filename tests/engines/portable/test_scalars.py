"""Arithmetic on single numbers of the host agrees with NumPy's, or is left to it."""

from __future__ import annotations

import numpy as np
import pytest

from anyhub.engines.portable.scalars import scalar_function

TOP = np.iinfo(np.int32).max
FUNCTIONS = {
    "Add": np.add, "AddV2": np.add, "Sub": np.subtract, "Mul": np.multiply, "Maximum": np.maximum,
    "Minimum": np.minimum, "Less": np.less, "LessEqual": np.less_equal, "Greater": np.greater,
    "GreaterEqual": np.greater_equal,
}  # fmt: skip


@pytest.mark.parametrize("op", FUNCTIONS)
@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_integers(op, dtype):
    for x, y in [(0, 0), (3, 5), (5, 3), (-7, 2)]:
        left, right = np.array(x, dtype), np.array(y, dtype)
        result = scalar_function(op)(left, right)
        expected = FUNCTIONS[op](left, right)
        assert (result.shape, result.dtype) == ((), expected.dtype)
        assert result == expected


def test_and():
    both = scalar_function("LogicalAnd")
    for x, y in np.ndindex(2, 2):
        assert both(np.array(bool(x)), np.array(bool(y))).item() is bool(x and y)


@pytest.mark.parametrize(
    ("op", "x", "y"),
    [
        ("AddV2", np.array(TOP), np.array([1])),
        ("AddV2", np.array(TOP, np.int32), np.array(1, np.int32)),
        ("AddV2", np.array(1, np.int32), np.array(1, np.int64)),
        ("AddV2", np.array(1.0), np.array(1.0)),
        ("Sub", np.array(1, np.uint8), np.array(2, np.uint8)),
        ("LogicalAnd", np.array([True]), np.array(True)),
        ("LogicalAnd", np.array(1), np.array(True)),
    ],
)
def test_what_is_left_to_others(op, x, y):
    assert scalar_function(op)(x, y) is None


def test_ops_without_such_a_function():
    assert scalar_function("FloorDiv") is None
