"""Fake quantization with TensorFlow's derivatives, for backends that lack it.

Source: TensorFlow, `tensorflow/core/kernels/fake_quant_ops_functor.h`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

Divide: TypeAlias = Callable[[Any, Any], Any]
Multiply: TypeAlias = Callable[[Any, Any], Any]


class _Range(NamedTuple):
    """The range that is quantized, moved so that zero is one of its steps.

    Attributes:
        low: Its lower end.
        high: Its upper end.
        scale: The size of a step.
        is_empty: Whether both ends were zero: then all results are zero.
    """

    low: Any
    high: Any
    scale: Any
    is_empty: Any


def _nudged(
    low: Any, high: Any, steps: tuple[int, int], divide: Divide, multiply: Multiply
) -> _Range:
    first, last = steps
    low, high = K.stop_gradient(low), K.stop_gradient(high)
    is_empty = (low == 0) & (high == 0)
    scale = K.where(is_empty, 1, divide(high - low, last - first))
    zero_point = K.floor(K.clip(first - divide(low, scale), first, last) + 0.5)
    low, high = multiply(first - zero_point, scale), multiply(last - zero_point, scale)
    return _Range(low, high, scale, is_empty)


def fake_quant(
    x: Any, low: Any, high: Any, steps: tuple[int, int], *, divide: Divide, multiply: Multiply
) -> Any:
    """Numbers rounded to the steps of a range.

    Args:
        x: The numbers.
        low: The lower end, or one for each slice of the last dimension.
        high: The upper end.
        steps: The integers that stand for both ends.
        divide: Divides a tensor by a tensor or number, and not by way of its reciprocal: in a
            symmetric range zero lies just between two steps, and the last bit decides.
        multiply: Multiplies two tensors, and rounds before anything is added: the upper end lies
            between two steps as well.
    """
    found = _nudged(low, high, steps, divide, multiply)
    inverse = 1 / found.scale
    zero = K.floor(0.5 - multiply(found.low, inverse))
    shifted = K.minimum(K.maximum(K.stop_gradient(x), found.low), found.high) - found.low
    rounded = K.floor(multiply(shifted, inverse) - zero + 0.5) * found.scale
    # Of value zero; it has the derivatives: by `x` inside of the range, by an end beyond it.
    carrier = K.where(x < found.low, low, K.where(x > found.high, high, x))
    carrier = K.where(found.is_empty, x, carrier)
    return K.where(found.is_empty, 0, rounded) + (carrier - K.stop_gradient(carrier))


def fake_quant_grad(
    gradient: Any,
    x: Any,
    low: Any,
    high: Any,
    steps: tuple[int, int],
    *,
    divide: Divide,
    multiply: Multiply,
) -> tuple[Any, Any, Any]:
    """The derivatives of `fake_quant` by its first three inputs, times a gradient."""
    found = _nudged(low, high, steps, divide, multiply)
    is_below, is_above = (x < found.low) & ~found.is_empty, (x > found.high) & ~found.is_empty
    by_x = K.where(is_below | is_above, 0, gradient)
    axes = tuple(range(len(x.shape) - len(low.shape)))
    by_low = K.sum(K.where(is_below, gradient, 0), axis=axes)
    return by_x, by_low, K.sum(K.where(is_above, gradient, 0), axis=axes)
