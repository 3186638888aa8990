"""Comparison, logic and choice, on torch."""

from __future__ import annotations

import torch

from anyhub.engines.portable.backends.torch._unsigned import ordered

FUNCTIONS = {
    "Equal": torch.eq,
    "Greater": ordered(torch.gt),
    "GreaterEqual": ordered(torch.ge),
    "Less": ordered(torch.lt),
    "LessEqual": ordered(torch.le),
    "LogicalAnd": torch.logical_and,
    "LogicalNot": torch.logical_not,
    "LogicalOr": torch.logical_or,
    "NotEqual": torch.ne,
    "SelectV2": torch.where,
}
"""Functions of tensors, by op."""
