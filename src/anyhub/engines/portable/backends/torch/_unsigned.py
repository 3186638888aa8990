"""The unsigned integers that torch has few functions for: they pass through wider ones."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

# 64 bits pass through as they are: sums, products and bits come out the same.
_CARRIERS = {torch.uint16: torch.int32, torch.uint32: torch.int64, torch.uint64: torch.int64}
_TOP = -(2**63)


def wide(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose result has the type of its inputs, for unsigned types as well."""

    @wraps(function)
    def run(*inputs: Any) -> Any:
        dtype = inputs[0].dtype
        carrier = _CARRIERS.get(dtype)
        if carrier is None:
            return function(*inputs)
        return function(*[x.to(carrier) for x in inputs]).to(dtype)

    return run


def ordered(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same for functions that look at the order; results that are bool stay so."""

    @wraps(function)
    def run(*inputs: Any) -> Any:
        dtype = inputs[0].dtype
        carrier = _CARRIERS.get(dtype)
        if carrier is None:
            return function(*inputs)
        # Half of the 64-bit ones are negative in the carrier: the top bit swaps the halves.
        is_widest = dtype == torch.uint64
        result = function(*[_flip(x.to(carrier)) if is_widest else x.to(carrier) for x in inputs])
        if result.dtype == torch.bool:
            return result
        return (_flip(result) if is_widest else result).to(dtype)

    return run


def _flip(x: Any) -> Any:
    return x ^ _TOP
