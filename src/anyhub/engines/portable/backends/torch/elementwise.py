"""Arithmetic of each element as TensorFlow does it, on torch."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from anyhub.engines.portable.backends.torch._guarded import guarded, is_differentiated
from anyhub.engines.portable.backends.torch._unsigned import ordered, wide


def _is_inexact(x: Any) -> bool:
    return bool(x.is_floating_point() or x.is_complex())


def _sign(x: Any) -> Any:
    if not _is_inexact(x):
        return torch.sign(x)
    return torch.sgn(x) if x.is_complex() else torch.where(torch.isnan(x), x, torch.sign(x))


def _expm1(x: Any) -> Any:
    return torch.exp(x) - 1 if x.is_complex() else torch.expm1(x)


def _div(x: Any, y: Any) -> Any:
    return x / y if _is_inexact(x) else torch.div(x, y, rounding_mode="trunc")


def _floor_div(x: Any, y: Any) -> Any:
    if not _is_inexact(x):
        return torch.div(x, y, rounding_mode="floor")
    # TensorFlow has no derivative; that of the quotient would make NaN of torch's zero.
    return torch.floor(x.detach() / y.detach())


def _div_no_nan(x: Any, y: Any) -> Any:
    is_zero = y == 0
    return torch.where(is_zero, 0, x / torch.where(is_zero, 1, y))


def _mul_no_nan(x: Any, y: Any) -> Any:
    # The derivative by a `y` of zero is `x`, as in TensorFlow.
    return torch.where((y == 0) & ~torch.isfinite(x), 0, x) * y


def _xdivy(x: Any, y: Any) -> Any:
    is_zero = x == 0
    return torch.where(is_zero, 0, x / torch.where(is_zero, 1, y))


def _xlogy(x: Any, y: Any) -> Any:
    is_zero = x == 0
    return torch.where(is_zero, 0, x * torch.log(torch.where(is_zero, 1, y)))


def _xlog1py(x: Any, y: Any) -> Any:
    is_zero = x == 0
    return torch.where(is_zero, 0, x * torch.log1p(torch.where(is_zero, 1, y)))


def _maximum(x: Any, y: Any) -> Any:
    if not is_differentiated(x, y):
        return torch.maximum(x, y)
    # Where both are the same, the first one gets the whole derivative.
    return torch.where((x >= y) | torch.isnan(x), x, y)


def _minimum(x: Any, y: Any) -> Any:
    if not is_differentiated(x, y):
        return torch.minimum(x, y)
    return torch.where((x <= y) | torch.isnan(x), x, y)


def _clip_by_value(x: Any, low: Any, high: Any) -> Any:
    if not is_differentiated(x, low, high):
        return torch.maximum(torch.minimum(x, high), low)
    # At a limit the derivative is that of `x`; crossed limits give the lower one.
    high = torch.where(high < low, low, high)
    return torch.where(x < low, low, torch.where(x > high, high, x))


def _squared_difference(x: Any, y: Any) -> Any:
    difference = x - y
    return difference * difference.conj() if x.is_complex() else difference * difference


def _pow(x: Any, y: Any) -> Any:
    if not is_differentiated(y):
        return torch.pow(x, y)
    # By the exponent of what has no logarithm the derivative is zero.
    has_log = x != 0 if x.is_complex() else x > 0
    power = torch.pow(torch.where(has_log, x, 1), y)
    return torch.where(has_log, power, torch.pow(x, y.detach()))


def _cross(x: Any, y: Any) -> Any:
    return torch.linalg.cross(x, y, dim=-1)


class _NextAfter(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        ctx.shape = x.shape
        return torch.nextafter(x, y)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return gradients[0].sum_to_size(ctx.shape), None


_reciprocal = guarded(torch.reciprocal, lambda y: -y * y)

FUNCTIONS = {
    "Abs": torch.abs,
    "Acos": torch.acos,
    "Acosh": torch.acosh,
    "Add": wide(torch.add),
    "AddV2": wide(torch.add),
    "Asin": torch.asin,
    "Asinh": torch.asinh,
    "Atan": torch.atan,
    "Atan2": torch.atan2,
    "Atanh": torch.atanh,
    "Ceil": torch.ceil,
    "ClipByValue": ordered(_clip_by_value),
    "Cos": torch.cos,
    "Cosh": torch.cosh,
    "Cross": wide(_cross),
    "Div": wide(_div),
    "DivNoNan": _div_no_nan,
    "Exp": torch.exp,
    "Expm1": _expm1,
    "Floor": torch.floor,
    "FloorDiv": wide(_floor_div),
    "FloorMod": wide(torch.remainder),
    "Inv": _reciprocal,
    "IsFinite": torch.isfinite,
    "IsInf": torch.isinf,
    "IsNan": torch.isnan,
    "Log": torch.log,
    "Log1p": torch.log1p,
    "Maximum": ordered(_maximum),
    "Minimum": ordered(_minimum),
    "Mod": torch.fmod,
    "Mul": wide(torch.mul),
    "MulNoNan": _mul_no_nan,
    "Neg": torch.neg,
    "NextAfter": _NextAfter.apply,
    "OnesLike": torch.ones_like,
    "Pow": _pow,
    "RealDiv": torch.div,
    "Reciprocal": _reciprocal,
    "Rint": torch.round,
    "Round": torch.round,
    "Rsqrt": guarded(torch.rsqrt, lambda y: -0.5 * y * y * y),
    "Sigmoid": torch.sigmoid,
    "Sign": _sign,
    "Sin": torch.sin,
    "Sinh": torch.sinh,
    "Sqrt": guarded(torch.sqrt, lambda y: 0.5 / y),
    "Square": wide(torch.square),
    "SquaredDifference": _squared_difference,
    "Sub": wide(torch.sub),
    "Tan": torch.tan,
    "Tanh": torch.tanh,
    "TruncateDiv": wide(partial(torch.div, rounding_mode="trunc")),
    "TruncateMod": torch.fmod,
    "Xdivy": _xdivy,
    "Xlog1py": _xlog1py,
    "Xlogy": _xlogy,
    "ZerosLike": torch.zeros_like,
}
"""Functions of tensors, by op."""
