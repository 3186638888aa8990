"""Changing parts of variables with torch."""

from __future__ import annotations

import warnings
from typing import Any

import torch

_WIDE = {torch.uint16: torch.int64, torch.uint32: torch.int64, torch.uint64: torch.int64}


def scatter_product(like: Any, rows: Any, updates: Any) -> Any:
    """For each row of a tensor the product of its updates, 1 where it has none."""
    count, tail = like.shape[0], like.shape[1:]
    dtype = _WIDE.get(like.dtype, like.dtype)
    rows = rows.reshape(-1).long()
    # One more row takes what is out of range.
    rows = torch.where((rows >= 0) & (rows < count), rows, count)
    ones = torch.ones((count + 1, *tail), dtype=dtype, device=like.device)
    updates = updates.to(dtype).reshape(rows.shape[0], *tail)
    with warnings.catch_warnings():
        # That the function is "in beta" is of no interest to users.
        warnings.simplefilter("ignore", UserWarning)
        return ones.index_reduce(0, rows, updates, "prod")[:count].to(like.dtype)


def divide(a: Any, b: Any) -> Any:
    """Divide; integers are rounded towards zero."""
    if a.is_floating_point() or a.is_complex():
        return a / b
    dtype = _WIDE.get(a.dtype, a.dtype)
    return torch.div(a.to(dtype), b.to(dtype), rounding_mode="trunc").to(a.dtype)
