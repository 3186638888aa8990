"""Arithmetic on single numbers of the host: the counters of loops, without NumPy's ceremony."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from anyhub.graph.const_call import Array

    ScalarFunction = Callable[[Array, Array], Array | None]

_INTEGERS = frozenset({np.dtype(np.int32), np.dtype(np.int64)})
_BOOL = np.dtype(bool)
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "Add": operator.add,
    "AddV2": operator.add,
    "Sub": operator.sub,
    "Mul": operator.mul,
    "Maximum": max,
    "Minimum": min,
}
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "Less": operator.lt,
    "LessEqual": operator.le,
    "Greater": operator.gt,
    "GreaterEqual": operator.ge,
}


def scalar_function(op: str) -> ScalarFunction | None:
    """A function for two scalars, which gives None for what it is not made for.

    Args:
        op: The op; the result is None for one that has no such function.
    """
    if op in _ARITHMETIC:
        return _on_integers(_ARITHMETIC[op], None)
    if op in _COMPARISONS:
        return _on_integers(_COMPARISONS[op], _BOOL)
    return _both if op == "LogicalAnd" else None


def _both(x: Array, y: Array) -> Array | None:
    if x.ndim or y.ndim or not x.dtype == y.dtype == _BOOL:
        return None
    return np.array(x.item() and y.item())


def _on_integers(function: Callable[[Any, Any], Any], result: Any) -> ScalarFunction:
    def run(x: Array, y: Array) -> Array | None:
        dtype = x.dtype
        if x.ndim or y.ndim or dtype != y.dtype or dtype not in _INTEGERS:
            return None
        try:
            return np.array(function(x.item(), y.item()), result or dtype)
        except OverflowError:
            # TensorFlow's result has the lower bits.
            return None

    return run
