"""Running sums, products and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.registry import lower, lower_host

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute, Factory
    from anyhub.graph.const_call import Array

_backend = primitives("reducing")


def _accumulation(accumulate: Compute) -> Factory:
    def build(node: NodeView) -> Compute:
        exclusive, reverse = node.boolean("exclusive"), node.boolean("reverse")

        def run(x: Any, axis: Array) -> Any:
            return accumulate(x, int(axis.item()), exclusive, reverse)

        return run

    return build


def _accumulate_on_host(function: Any, start: int) -> Compute:
    def run(x: Array, axis: int, exclusive: bool, reverse: bool) -> Array:
        x = np.flip(x, axis) if reverse else x
        with np.errstate(all="ignore"):
            found = function(x, axis=axis, dtype=x.dtype)
        if exclusive and x.shape[axis]:
            edge = np.full_like(np.take(x, [0], axis), start)
            found = np.concatenate([edge, np.delete(found, -1, axis)], axis)
        return np.flip(found, axis) if reverse else found

    return run


lower("Cumsum", host=(1,))(_accumulation(_backend.cumsum))
lower_host("Cumsum")(_accumulation(_accumulate_on_host(np.cumsum, 0)))
lower(
    "Cumprod",
    host=(1,),
    limits="derivatives by elements that are zero are the true ones, where TensorFlow gives zero",
)(_accumulation(_backend.cumprod))
lower_host("Cumprod")(_accumulation(_accumulate_on_host(np.cumprod, 1)))
lower("CumulativeLogsumexp", host=(1,))(_accumulation(_backend.cumlogsumexp))
