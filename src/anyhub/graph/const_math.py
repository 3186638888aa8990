"""Elementwise arithmetic, comparison and logic on known values.

Source: TensorFlow 2.21, `tensorflow/core/kernels/cwise_ops.h`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from anyhub.graph.const_call import Array, Call, Evaluators, as_array

if TYPE_CHECKING:
    from collections.abc import Callable

_INTEGERS = frozenset(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
_FLOATS = frozenset({"float16", "bfloat16", "float32", "float64"})
_COMPLEX = frozenset({"complex64", "complex128"})
_REAL = _INTEGERS | _FLOATS
_NUMBERS = _REAL | _COMPLEX
_BOOL = frozenset({"bool"})
_STRING = frozenset({"object"})


def _check_dtype(call: Call, dtype: Any, accepted: frozenset[str]) -> None:
    if dtype.name not in accepted:
        call.fail(f"element type {dtype} is not computed with")


def _unary(
    function: Callable[..., Any], accepted: frozenset[str], result: Any, call: Call
) -> list[Array]:
    (x,) = call.take(1)
    _check_dtype(call, x.dtype, accepted)
    return [as_array(function(x), result or x.dtype)]


def _binary(
    function: Callable[..., Any], accepted: frozenset[str], result: Any, call: Call
) -> list[Array]:
    x, y = call.take(2)
    dtype = call.same_dtypes(x, y)
    _check_dtype(call, dtype, accepted)
    call.broadcast(x.shape, y.shape)
    return [as_array(function(x, y), result or dtype)]


def _equality(function: Callable[..., Any], differs: bool, call: Call) -> list[Array]:
    x, y = call.take(2)
    dtype = call.same_dtypes(x, y)
    _check_dtype(call, dtype, _NUMBERS | _BOOL | _STRING)
    if not call.integer_attribute("incompatible_shape_error") and not _fit(x, y):
        return [np.asarray(differs)]
    call.broadcast(x.shape, y.shape)
    return [as_array(function(x, y), np.bool_)]


def _fit(x: Array, y: Array) -> bool:
    try:
        np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        return False
    return True


def _squared_difference(x: Array, y: Array) -> Array:
    difference = np.subtract(x, y)
    return np.multiply(difference, np.conjugate(difference))


def _div_no_nan(x: Array, y: Array) -> Array:
    zero = np.equal(y, np.zeros((), y.dtype))
    divisor = np.where(zero, np.ones((), y.dtype), y)
    return np.where(zero, np.zeros((), x.dtype), np.true_divide(x, divisor))


def _mul_no_nan(x: Array, y: Array) -> Array:
    zero = np.zeros((), y.dtype)
    return np.where(np.equal(y, zero), zero, np.multiply(x, y))


def _xdivy(x: Array, y: Array) -> Array:
    zero = np.zeros((), x.dtype)
    return np.where(np.equal(x, zero), zero, np.true_divide(x, y))


def _select(call: Call) -> list[Array]:
    condition, x, y = call.take(3)
    dtype = call.same_dtypes(x, y)
    if condition.dtype != np.bool_ or x.shape != y.shape:
        call.fail("the condition is not bool, or the choices differ in shape")
    if condition.ndim == 1 and x.ndim > 1 and condition.shape[0] == x.shape[0]:
        condition = condition.reshape(-1, *[1] * (x.ndim - 1))
    elif condition.ndim and condition.shape != x.shape:
        call.fail(f"condition of shape {condition.shape} for choices of shape {x.shape}")
    return [as_array(np.where(condition, x, y), dtype)]


def _select_v2(call: Call) -> list[Array]:
    condition, x, y = call.take(3)
    dtype = call.same_dtypes(x, y)
    if condition.dtype != np.bool_:
        call.fail(f"condition of type {condition.dtype}")
    call.broadcast(condition.shape, x.shape, y.shape)
    return [as_array(np.where(condition, x, y), dtype)]


def _add_n(call: Call) -> list[Array]:
    dtype = call.same_dtypes(*call.inputs)
    _check_dtype(call, dtype, _NUMBERS)
    if len({x.shape for x in call.inputs}) != 1:
        call.fail("shapes differ")
    total = call.inputs[0]
    for x in call.inputs[1:]:
        total = np.add(total, x)
    return [as_array(total, dtype)]


# Op: function, element types, type of the result (None: as the inputs).
_UNARY: dict[str, tuple[Callable[..., Any], frozenset[str], Any]] = {
    "Abs": (np.abs, _REAL, None),
    "Ceil": (np.ceil, _FLOATS, None),
    "Floor": (np.floor, _FLOATS, None),
    "IsFinite": (np.isfinite, _FLOATS, np.bool_),
    "IsInf": (np.isinf, _FLOATS, np.bool_),
    "IsNan": (np.isnan, _FLOATS, np.bool_),
    "LogicalNot": (np.logical_not, _BOOL, None),
    "Neg": (np.negative, _NUMBERS, None),
    "Rint": (np.rint, _FLOATS, None),
    "Sqrt": (np.sqrt, _FLOATS, None),
    "Square": (lambda x: np.multiply(x, x), _NUMBERS, None),
}

_BINARY: dict[str, tuple[Callable[..., Any], frozenset[str], Any]] = {
    "Add": (np.add, _NUMBERS | _STRING, None),
    "AddV2": (np.add, _NUMBERS, None),
    "DivNoNan": (_div_no_nan, _FLOATS, None),
    "Greater": (np.greater, _REAL, np.bool_),
    "GreaterEqual": (np.greater_equal, _REAL, np.bool_),
    "Less": (np.less, _REAL, np.bool_),
    "LessEqual": (np.less_equal, _REAL, np.bool_),
    "LogicalAnd": (np.logical_and, _BOOL, None),
    "LogicalOr": (np.logical_or, _BOOL, None),
    "Maximum": (np.maximum, _REAL, None),
    "Minimum": (np.minimum, _REAL, None),
    "Mul": (np.multiply, _NUMBERS, None),
    "MulNoNan": (_mul_no_nan, _FLOATS, None),
    "RealDiv": (np.true_divide, _FLOATS | _COMPLEX, None),
    "SquaredDifference": (_squared_difference, _NUMBERS, None),
    "Sub": (np.subtract, _NUMBERS, None),
    "Xdivy": (_xdivy, _FLOATS, None),
}

EVALUATORS: Evaluators = {
    **{op: partial(_unary, *row) for op, row in _UNARY.items()},
    **{op: partial(_binary, *row) for op, row in _BINARY.items()},
    "Equal": partial(_equality, np.equal, False),
    "NotEqual": partial(_equality, np.not_equal, True),
    "AddN": _add_n,
    "Select": _select,
    "SelectV2": _select_v2,
}
