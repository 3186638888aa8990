"""Shapes of values: known on the host wherever the values are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from anyhub.engines.portable.registry import lower_raw
from anyhub.engines.portable.values import open_shape, shape_of

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute


@lower_raw("Shape")
def shape(node: NodeView) -> Compute:
    dtype = node.dtype("out_type")
    return lambda _run, value: np.asarray(shape_of(value), dtype)


@lower_raw("ShapeN")
def shape_n(node: NodeView) -> Compute:
    dtype = node.dtype("out_type")
    return lambda _run, *values: [np.asarray(shape_of(value), dtype) for value in values]


@lower_raw("Size")
def size(node: NodeView) -> Compute:
    dtype = node.dtype("out_type")
    return lambda _run, value: np.asarray(math.prod(shape_of(value)), dtype)


@lower_raw("Rank")
def rank(_: NodeView) -> Compute:
    def run(_run: Any, value: Any) -> Any:
        return np.asarray(len(open_shape(value)), np.int32)

    return run


@lower_raw("EnsureShape")
def ensure_shape(node: NodeView) -> Compute:
    wanted = node.shape("shape")

    def run(_run: Any, value: Any) -> Any:
        found = open_shape(value)
        if wanted is not None and (
            len(found) != len(wanted)
            or any(
                None not in (size, have) and size != have
                for size, have in zip(wanted, found, strict=True)
            )
        ):
            raise ValueError(f"a tensor of shape {found}, where the model demands {wanted}")
        return value

    return run
