"""Reductions of known values.

Sums and products of floats are left out where they could depend on the order of elements, zeros
without the order of their signs included.

Source: TensorFlow 2.21, `tensorflow/core/kernels/reduction_ops*`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from anyhub.graph.const_call import Array, Call, Evaluators, as_array

if TYPE_CHECKING:
    from collections.abc import Callable

# Integers up to here are exact, so that no order of additions rounds.
_EXACT = {"float16": 2**11, "bfloat16": 2**8, "float32": 2**24, "float64": 2**53}


def _axes(call: Call, x: Array, indices: Array) -> tuple[int, ...]:
    axes = tuple(call.axis(axis, x.ndim) for axis in call.integers(indices))
    if len(set(axes)) != len(axes):
        call.fail(f"axes {axes} repeat")
    return axes


def _reduce(function: Callable[..., Any], bools: bool, call: Call) -> list[Array]:
    x, indices = call.take(2)
    if (x.dtype == np.bool_) is not bools or x.dtype == object:
        call.fail(f"element type {x.dtype} is not reduced like this")
    result = function(call, x, _axes(call, x, indices), bool(call.integer_attribute("keep_dims")))
    return [as_array(result, x.dtype)]


def _accumulate(
    function: Callable[..., Any], call: Call, x: Array, axes: tuple[int, ...], keep: bool
) -> Any:
    if x.dtype.kind not in "iu":
        if all(x.shape[axis] == 1 for axis in axes):
            return x if keep else np.squeeze(x, axes)
        _check_exact(function, call, x)
    return function(x, axis=axes, keepdims=keep, dtype=x.dtype)


def _check_exact(function: Callable[..., Any], call: Call, x: Array) -> None:
    limit = _EXACT.get(x.dtype.name, 0)
    sizes = np.abs(x).astype(np.float64)
    most = np.sum(sizes) if function is np.sum else np.prod(np.maximum(sizes, 1))
    # A zero may come with either sign.
    if not (most <= limit and np.all(sizes == np.rint(sizes)) and np.all((x > 0) | (sizes > 0))):
        call.fail("the result depends on the order of elements")


def _extreme(
    function: Callable[..., Any], call: Call, x: Array, axes: tuple[int, ...], keep: bool
) -> Any:
    sign = 1 if function is np.max else -1
    if x.dtype.kind in "iu":
        limits = np.iinfo(x.dtype)
        initial: Any = limits.min if sign > 0 else limits.max
        return function(x, axis=axes, keepdims=keep, initial=initial)
    if x.dtype.kind == "c" or np.any(np.isnan(x)):
        call.fail("complex numbers and NaN have no order")
    return function(x, axis=axes, keepdims=keep, initial=x.dtype.type(-sign * np.inf))


def _logical(
    function: Callable[..., Any], _call: Call, x: Array, axes: tuple[int, ...], keep: bool
) -> Any:
    return function(x, axis=axes, keepdims=keep)


EVALUATORS: Evaluators = {
    "Sum": partial(_reduce, partial(_accumulate, np.sum), False),
    "Prod": partial(_reduce, partial(_accumulate, np.prod), False),
    "Max": partial(_reduce, partial(_extreme, np.max), False),
    "Min": partial(_reduce, partial(_extreme, np.min), False),
    "All": partial(_reduce, partial(_logical, np.all), True),
    "Any": partial(_reduce, partial(_logical, np.any), True),
}
