"""Ops that arrange the elements of one known value anew.

Source: TensorFlow 2.21, `tensorflow/core/kernels/{reshape_op,transpose_op,tile_ops,reverse_op,
pad_op,identity_op}.*`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from anyhub.graph.const_call import Array, Call, Evaluators


def _identity(call: Call) -> list[Array]:
    return [*call.take(1)]


def _identity_n(call: Call) -> list[Array]:
    return [*call.inputs]


def _ensure_shape(call: Call) -> list[Array]:
    (x,) = call.take(1)
    shape = call.attribute("shape")
    if shape is not None and (
        len(shape) != x.ndim or any(s not in (None, n) for s, n in zip(shape, x.shape, strict=True))
    ):
        call.fail(f"shape {x.shape} is not {shape}")
    return [x]


def _reshape(call: Call) -> list[Array]:
    x, target = call.take(2)
    sizes = call.integers(target)
    if sizes.count(-1) > 1 or any(size < -1 for size in sizes):
        call.fail(f"no shape: {sizes}")
    if -1 in sizes:
        sizes[sizes.index(-1)] = _missing_size(x.shape, sizes)
    if math.prod(sizes) != x.size:
        call.fail(f"{x.size} elements do not make the shape {sizes}")
    return [x.reshape(sizes)]


def _missing_size(shape: tuple[int, ...], sizes: list[int]) -> int:
    # Where a zero is asked for, zeros on both sides do not count: (0, 6) to (0, -1) is (0, 6).
    counted = [size for size in shape if size or 0 not in sizes]
    return math.prod(counted) // math.prod(size for size in sizes if size > 0)


def _expand_dims(call: Call) -> list[Array]:
    x, axis = call.take(2)
    return [np.expand_dims(x, call.axis(call.integer(axis), x.ndim + 1))]


def _squeeze(call: Call) -> list[Array]:
    (x,) = call.take(1)
    asked = call.integers_attribute("squeeze_dims")
    axes = {call.axis(axis, x.ndim) for axis in asked}
    if not asked:
        axes = {axis for axis, size in enumerate(x.shape) if size == 1}
    return [np.squeeze(x, tuple(axes))]


def _transpose(call: Call) -> list[Array]:
    x, order = call.take(2)
    axes = [call.axis(axis, x.ndim) for axis in call.integers(order)]
    if sorted(axes) != list(range(x.ndim)):
        call.fail(f"{axes} is no permutation of {x.ndim} axes")
    return [np.transpose(x, axes)]


def _tile(call: Call) -> list[Array]:
    x, multiples = call.take(2)
    times = call.integers(multiples)
    if len(times) != x.ndim or any(count < 0 for count in times):
        call.fail(f"multiples {times} for rank {x.ndim}")
    call.check_size([size * count for size, count in zip(x.shape, times, strict=True)])
    return [np.tile(x, times)]


def _reverse(call: Call) -> list[Array]:
    x, axes_array = call.take(2)
    axes = tuple(call.axis(axis, x.ndim) for axis in call.integers(axes_array))
    if len(set(axes)) != len(axes):
        call.fail(f"axes {axes} repeat")
    return [np.flip(x, axes)]


def _pad(call: Call) -> list[Array]:
    x, paddings, *values = call.inputs
    if paddings.shape != (x.ndim, 2) or np.any(paddings < 0):
        call.fail(f"paddings of shape {paddings.shape} for rank {x.ndim}")
    pairs = [(int(before), int(after)) for before, after in paddings.tolist()]
    call.check_size([n + sum(pair) for n, pair in zip(x.shape, pairs, strict=True)])
    filler = values[0] if values else _zero(x)
    result = np.full([n + sum(p) for n, p in zip(x.shape, pairs, strict=True)], filler, x.dtype)
    result[tuple(slice(b, b + n) for (b, _), n in zip(pairs, x.shape, strict=True))] = x
    return [result]


def _zero(x: Array) -> Array:
    return np.full((), b"", object) if x.dtype == object else np.zeros((), x.dtype)


EVALUATORS: Evaluators = {
    "EnsureShape": _ensure_shape,
    "ExpandDims": _expand_dims,
    "Identity": _identity,
    "IdentityN": _identity_n,
    "Pad": _pad,
    "PadV2": _pad,
    # Its value unless fed; what is fed is an argument of the graph and no node any more.
    "PlaceholderWithDefault": _identity,
    "PreventGradient": _identity,
    "Reshape": _reshape,
    "ReverseV2": _reverse,
    "Snapshot": _identity,
    "Squeeze": _squeeze,
    "StopGradient": _identity,
    "Tile": _tile,
    "Transpose": _transpose,
}
