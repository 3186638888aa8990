"""Division, powers, bits and rounding on known values: where integers and floats part ways.

Division by zero and the one quotient that overflows (the least integer by -1, which stops
TensorFlow's process) are refused.

Source: TensorFlow 2.21, `tensorflow/core/kernels/cwise_ops.h`, functors of these names.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from anyhub.graph.const_call import as_array

if TYPE_CHECKING:
    from collections.abc import Callable

    from anyhub.graph.const_call import Array, Call, Evaluators


def _operands(call: Call) -> tuple[Array, Array, Any]:
    x, y = call.take(2)
    dtype = call.same_dtypes(x, y)
    call.broadcast(x.shape, y.shape)
    return x, y, dtype


def _divided(integer: Callable[..., Any], real: Callable[..., Any], call: Call) -> list[Array]:
    x, y, dtype = _operands(call)
    if dtype.kind in "iu":
        _check_divisor(call, x, y)
        return [as_array(integer(x, y), dtype)]
    if dtype.kind != "f" and dtype.name != "bfloat16":
        call.fail(f"element type {dtype} is not divided")
    return [as_array(real(x, y), dtype)]


def _check_divisor(call: Call, x: Array, y: Array) -> None:
    # Of no elements TensorFlow sees no zero either.
    if x.size and y.size and np.any(y == 0):
        call.fail("division by zero")
    if x.dtype.kind == "i" and np.any((x == np.iinfo(x.dtype).min) & (y == -1)):
        call.fail("the quotient overflows")


def _truncated(x: Array, y: Array) -> Any:
    quotient = np.floor_divide(x, y)
    # Floor and truncation differ where the signs do and something remains.
    return quotient + ((np.remainder(x, y) != 0) & ((x < 0) != (y < 0))).astype(quotient.dtype)


def _floor_mod(x: Array, y: Array) -> Array:
    remainder = np.fmod(x, y)
    return np.where((remainder != 0) & ((y < 0) != (remainder < 0)), remainder + y, remainder)


def _refuse(_x: Array, _y: Array) -> Array:
    raise TypeError("TensorFlow has no such division of floats")


def _pow(call: Call) -> list[Array]:
    x, y, dtype = _operands(call)
    if dtype.kind not in "iu":
        call.fail("powers of floats differ between libraries")
    if dtype.kind == "i" and np.any(y < 0):
        call.fail("negative power of an integer")
    return [as_array(np.power(x, y), dtype)]


def _bits(function: Callable[..., Any], call: Call) -> list[Array]:
    x, y, dtype = _operands(call)
    if dtype.kind not in "iu":
        call.fail(f"element type {dtype} has no bits to work on")
    return [as_array(function(x, y), dtype)]


def _invert(call: Call) -> list[Array]:
    (x,) = call.take(1)
    if x.dtype.kind not in "iu":
        call.fail(f"element type {x.dtype} has no bits to work on")
    return [as_array(np.invert(x), x.dtype)]


def _shift(function: Callable[..., Any], call: Call) -> list[Array]:
    x, y, dtype = _operands(call)
    if dtype.kind not in "iu":
        call.fail(f"element type {dtype} has no bits to work on")
    # TensorFlow clamps the distance, because the language leaves the rest undefined.
    distance = np.clip(y, 0, dtype.itemsize * 8 - 1).astype(dtype)
    return [as_array(function(x, distance), dtype)]


def _sign(call: Call) -> list[Array]:
    (x,) = call.take(1)
    if x.dtype.kind not in "iuf" and x.dtype.name != "bfloat16":
        call.fail(f"element type {x.dtype} has no sign")
    # Zero, also where NumPy keeps the sign of a negative one.
    return [as_array(np.where(x == 0, np.zeros((), x.dtype), np.sign(x)), x.dtype)]


def _round(call: Call) -> list[Array]:
    (x,) = call.take(1)
    # Of integers TensorFlow 2.21 gives zeros.
    if x.dtype.kind != "f" and x.dtype.name != "bfloat16":
        call.fail(f"element type {x.dtype} is not rounded")
    return [as_array(np.rint(x), x.dtype)]


EVALUATORS: Evaluators = {
    "Div": partial(_divided, _truncated, np.true_divide),
    "TruncateDiv": partial(_divided, _truncated, _refuse),
    "FloorDiv": partial(_divided, np.floor_divide, lambda x, y: np.floor(np.true_divide(x, y))),
    "FloorMod": partial(_divided, np.remainder, _floor_mod),
    "Mod": partial(_divided, np.fmod, np.fmod),
    "TruncateMod": partial(_divided, np.fmod, np.fmod),
    "Pow": _pow,
    "BitwiseAnd": partial(_bits, np.bitwise_and),
    "BitwiseOr": partial(_bits, np.bitwise_or),
    "BitwiseXor": partial(_bits, np.bitwise_xor),
    "Invert": _invert,
    "LeftShift": partial(_shift, np.left_shift),
    "RightShift": partial(_shift, np.right_shift),
    "Round": _round,
    "Sign": _sign,
}
