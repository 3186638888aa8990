"""Fake quantization, on TensorFlow: its own ops.

Where a range is symmetric zero lies just between two steps, and graph optimization, which turns
divisions into products, would move it.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def fake_quant(x: Any, low: Any, high: Any, steps: tuple[int, int]) -> Any:
    """Numbers rounded to the steps of a range."""
    op = "FakeQuantWithMinMaxVars" + _kind(low)
    return getattr(tf.raw_ops, op)(inputs=x, min=low, max=high, **_attributes(steps))


def fake_quant_grad(
    gradient: Any, x: Any, low: Any, high: Any, steps: tuple[int, int]
) -> tuple[Any, Any, Any]:
    """The derivatives of `fake_quant` by its first three inputs, times a gradient."""
    op = f"FakeQuantWithMinMaxVars{_kind(low)}Gradient"
    function = getattr(tf.raw_ops, op)
    by_x, by_low, by_high = function(
        gradients=gradient, inputs=x, min=low, max=high, **_attributes(steps)
    )
    return by_x, by_low, by_high


def _kind(low: Any) -> str:
    return "PerChannel" if len(low.shape) else ""


def _attributes(steps: tuple[int, int]) -> dict[str, Any]:
    first, last = steps
    return {"num_bits": last.bit_length(), "narrow_range": first == 1}
