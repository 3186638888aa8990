"""Comparison, logic, and the choice between two tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable import values
from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.registry import lower, lower_plain

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute

_FUNCTIONS = primitives("comparison").FUNCTIONS
_WITH_ATTRIBUTES = ("Equal", "NotEqual", "SelectV2")
_HANDLES = ("resource", "variant")

lower_plain({op: _FUNCTIONS[op] for op in _FUNCTIONS if op not in _WITH_ATTRIBUTES})


@lower("Equal", "NotEqual")
def equality(node: NodeView) -> Compute:
    compare: Compute = _FUNCTIONS[node.op]
    if node.boolean("incompatible_shape_error"):
        return compare
    differs = node.op == "NotEqual"

    def run(x: Any, y: Any) -> Any:
        return (
            compare(x, y)
            if _fit(values.open_shape(x), values.open_shape(y))
            else np.asarray(differs)
        )

    return run


def _fit(*shapes: Any) -> bool:
    try:
        # What is not known is taken to fit.
        np.broadcast_shapes(*[[size or 1 for size in shape] for shape in shapes])
    except ValueError:
        return False
    return True


@lower("SelectV2", limits="strings only where the condition is on the host as well")
def select_v2(node: NodeView) -> Compute:
    if node.dtype("T") in _HANDLES:
        return lambda condition, x, y: x if bool(values.to_host(condition)) else y
    choose: Compute = _FUNCTIONS["SelectV2"]
    return choose


@lower("Select", limits="strings only where the condition is on the host as well")
def select(node: NodeView) -> Compute:
    if node.dtype("T") in _HANDLES:
        return lambda condition, x, y: x if bool(values.to_host(condition)) else y
    choose: Compute = _FUNCTIONS["SelectV2"]

    def run(condition: Any, x: Any, y: Any) -> Any:
        shape, found = values.open_shape(x), values.open_shape(condition)
        _check_same(shape, values.open_shape(y))
        if len(found) == 1 and len(shape) > 1:
            _check_same(shape[:1], found)
            # A vector chooses rows.
            condition = K.reshape(condition, (-1, *[1] * (len(shape) - 1)))
        elif found:
            _check_same(shape, found)
        return choose(condition, x, y)

    return run


def _check_same(shape: Any, other: Any) -> None:
    """Refuse shapes that differ, as far as they are known."""
    pairs = zip(shape, other, strict=False)
    if len(shape) != len(other) or any(None not in pair and pair[0] != pair[1] for pair in pairs):
        raise ValueError(f"a choice between tensors of shape {shape} has one of shape {other}")
