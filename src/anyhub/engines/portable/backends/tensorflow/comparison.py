"""Comparison, logic and choice, on TensorFlow: its own ops."""

from __future__ import annotations

from anyhub.engines.portable.backends.tensorflow._raw import raw, raws

_X_Y = "Equal Greater GreaterEqual Less LessEqual LogicalAnd LogicalOr NotEqual"

FUNCTIONS = {
    **raws(_X_Y, ["x", "y"]),
    "LogicalNot": raw("LogicalNot", "x"),
    "SelectV2": raw("SelectV2", "condition", "t", "e"),
}
"""Functions of tensors, by op."""
