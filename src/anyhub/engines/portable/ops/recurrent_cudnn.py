"""Recurrent layers as cuDNN has them: all weights in one vector."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.registry import lower

if TYPE_CHECKING:
    from collections.abc import Callable

    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute

_recurrent = primitives("recurrent")


@lower(
    "CudnnRNN",
    "CudnnRNNV2",
    "CudnnRNNV3",
    limits="only rnn_mode 'lstm' and 'gru' with input_mode 'linear_input', without projections, "
    "and without dropout between layers",
)
def cudnn_rnn(node: NodeView) -> Compute:
    has_lengths = node.op == "CudnnRNNV3"
    is_time_major = not has_lengths or node.boolean("time_major")
    compute = _recurrent.compiled(_layers(node, is_time_major=is_time_major))
    is_lstm, has_dropout = node.text("rnn_mode") == "lstm", _has_dropout(node)
    host_reserved = () if node.op == "CudnnRNN" else (np.zeros(0, np.int8),)

    def run(x: Any, h: Any, c: Any, params: Any, *lengths: Any) -> tuple[Any, ...]:
        layers = h.shape[0 if is_time_major else 1]
        if has_dropout and layers > (2 if node.text("direction") == "bidirectional" else 1):
            raise ValueError("dropout between layers is not supported")
        y, h, c = compute(x, h, c if is_lstm else h, params, *lengths)
        nothing = params[:0]
        return y, h, c if is_lstm else K.sum(nothing), nothing, *host_reserved

    return run


def _has_dropout(node: NodeView) -> bool:
    return node.boolean("is_training") and node.number("dropout") > 0


def _layers(node: NodeView, *, is_time_major: bool) -> Callable[..., Any]:
    mode = node.text("rnn_mode", "lstm", "gru")
    node.text("input_mode", "linear_input")
    if node.op == "CudnnRNNV3" and node.integer("num_proj"):
        node.unsupported(f"num_proj {node.integer('num_proj')}")
    directions = 2 if node.text("direction", "unidirectional", "bidirectional")[0] == "b" else 1
    gates, cell = (4, _lstm) if mode == "lstm" else (3, _gru)

    def compute(x: Any, h: Any, c: Any, params: Any, *lengths: Any) -> tuple[Any, Any, Any]:
        x, h, c = (v if is_time_major else K.swapaxes(v, 0, 1) for v in (x, h, c))
        weights = _unpacked(params, gates, x.shape[-1], h.shape, directions)
        mask = _mask(x, *lengths) if lengths else None
        states = []
        for layer in range(h.shape[0] // directions):
            found = []
            for direction in range(directions):
                index = layer * directions + direction
                outputs, state = _sweep(
                    cell, x, (h[index], c[index]), weights[index], mask, is_reverse=direction == 1
                )
                found.append(outputs)
                states.append(state)
            x = K.concatenate(found, axis=-1) if directions == 2 else found[0]
        h, c = (K.stack(values) for values in zip(*states, strict=True))
        return tuple(v if is_time_major else K.swapaxes(v, 0, 1) for v in (x, h, c))

    return compute


def _mask(x: Any, lengths: Any) -> Any:
    steps = K.reshape(K.arange(x.shape[0], dtype="int32"), (-1, 1, 1))
    return steps < K.reshape(lengths, (1, -1, 1))


def _sweep(
    cell: Callable[..., Any],
    x: Any,
    state: Any,
    weights: tuple[Any, ...],
    mask: Any,
    *,
    is_reverse: bool,
) -> tuple[Any, Any]:
    kernel, recurrent, bias, recurrent_bias = weights
    inputs = K.matmul(x, kernel) + bias

    def step(before: Any, elements: Any) -> Any:
        h, c = before[:2]
        new, state = cell(elements[0], K.matmul(h, recurrent) + recurrent_bias, h, c)
        if mask is None:
            return new, state
        is_inside = elements[1]
        kept = K.where(is_inside, new, h), K.where(is_inside, state, c)
        return *kept, K.where(is_inside, new, K.zeros_like(new))

    if mask is None:
        found = _recurrent.states(step, state, (inputs,), is_reverse=is_reverse)
    else:
        found = _recurrent.states(step, (*state, state[0]), (inputs, mask), is_reverse=is_reverse)
    last = 0 if is_reverse else -1
    return found[0 if mask is None else 2], (found[0][last], found[1][last])


def _lstm(x: Any, recurrent: Any, _h: Any, c: Any) -> tuple[Any, Any]:
    i, f, new, o = K.split(x + recurrent, 4, axis=-1)
    c = K.sigmoid(f) * c + K.sigmoid(i) * K.tanh(new)
    return K.sigmoid(o) * K.tanh(c), c


def _gru(x: Any, recurrent: Any, h: Any, _c: Any) -> tuple[Any, Any]:
    size = h.shape[-1]
    r, z = K.split(K.sigmoid(x[..., : 2 * size] + recurrent[..., : 2 * size]), 2, axis=-1)
    new = K.tanh(x[..., 2 * size :] + r * recurrent[..., 2 * size :])
    h = z * h + (1 - z) * new
    return h, h


def _unpacked(
    params: Any, gates: int, inputs: int, states: Any, directions: int
) -> list[tuple[Any, ...]]:
    """Kernel, recurrent kernel and their biases of each layer and direction."""
    count, units = states[0], states[-1]
    rows = gates * units
    sizes = [
        size
        for index in range(count)
        for size in (rows * (inputs if index < directions else directions * units), rows * units)
    ] + [rows] * (2 * count)
    ends = [*itertools.accumulate(sizes)]
    if params.shape[0] != ends[-1]:
        raise ValueError(f"{params.shape[0]} weights where the layers have {ends[-1]}")
    parts = [params[end - size : end] for size, end in zip(sizes, ends, strict=True)]
    matrices = [K.transpose(K.reshape(part, (rows, -1))) for part in parts[: 2 * count]]
    biases = parts[2 * count :]
    return [
        (*matrices[2 * index : 2 * index + 2], *biases[2 * index : 2 * index + 2])
        for index in range(count)
    ]
