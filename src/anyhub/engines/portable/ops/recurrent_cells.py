"""Recurrent cells, one step of them or all, as single ops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.registry import lower

if TYPE_CHECKING:
    from collections.abc import Callable

    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute

_recurrent = primitives("recurrent")
# Where the input gate, the new value, the forget gate and the output gate are among the columns.
_GATES = {"LSTMBlockCell": (0, 1, 2, 3), "BlockLSTM": (0, 1, 2, 3), "BlockLSTMV2": (0, 2, 1, 3)}
_LIMITS = (
    "derivatives are those of the cell's state and of its output alone; those of BlockLSTMV2 are "
    "right, where TensorFlow confuses its gates with those of BlockLSTM"
)


@lower("LSTMBlockCell")
def lstm_block_cell(node: NodeView) -> Compute:
    cell = _lstm_cell(node)

    def run(x: Any, state: Any, h: Any, weights: Any, *rest: Any) -> tuple[Any, ...]:
        *peepholes, bias = rest
        gates = K.matmul(K.concatenate([x, h], axis=1), weights) + bias
        return cell(gates, state, peepholes)

    return run


@lower("BlockLSTM", "BlockLSTMV2", host=(0,), limits=_LIMITS)
def block_lstm(node: NodeView) -> Compute:
    cell = _lstm_cell(node)

    def steps(x: Any, state: Any, h: Any, weights: Any, *rest: Any) -> Any:
        *peepholes, bias = rest
        size = x.shape[-1]
        inputs, recurrent = K.matmul(x, weights[:size]) + bias, weights[size:]

        def step(before: Any, elements: Any) -> Any:
            return cell(elements[0] + K.matmul(before[6], recurrent), before[1], peepholes)

        first = tuple(h if index == 6 else state for index in range(7))
        return _recurrent.states(step, first, (inputs,))

    compiled = _recurrent.compiled(steps)

    def run(length: Any, x: Any, *values: Any) -> list[Any]:
        count = min(int(length), x.shape[0])
        if count == 0:
            zeros = K.zeros_like(x[..., :1]) * values[0]
            return [zeros] * 7
        missing = x.shape[0] - count
        found = [_longer(sequence, missing) for sequence in compiled(x[:count], *values)]
        return [v if i in (1, 6) else K.stop_gradient(v) for i, v in enumerate(found)]

    return run


def _longer(sequence: Any, missing: int) -> Any:
    return K.pad(sequence, ((0, missing), (0, 0), (0, 0))) if missing else sequence


def _lstm_cell(node: NodeView) -> Callable[..., tuple[Any, ...]]:
    order, clip = _GATES[node.op], node.number("cell_clip")
    forget_bias = 0.0 if node.op == "BlockLSTMV2" else node.number("forget_bias")
    has_peepholes = node.boolean("use_peephole")

    def cell(gates: Any, before: Any, peepholes: Any) -> tuple[Any, ...]:
        parts = K.split(gates, 4, axis=-1)
        i, ci, f, o = (parts[place] for place in order)
        f = f + forget_bias
        if has_peepholes:
            i, f = i + before * peepholes[0], f + before * peepholes[1]
        i, f, ci = K.sigmoid(i), K.sigmoid(f), K.tanh(ci)
        state = ci * i + before * f
        if clip > 0:
            state = K.clip(state, -clip, clip)
        o = K.sigmoid(o + state * peepholes[2] if has_peepholes else o)
        co = K.tanh(state)
        return i, state, f, o, ci, co, co * o

    return cell


@lower("GRUBlockCell")
def gru_block_cell(_: NodeView) -> Compute:
    def run(x: Any, h: Any, *weights: Any) -> tuple[Any, ...]:
        w_ru, w_c, b_ru, b_c = weights
        gates = K.sigmoid(K.matmul(K.concatenate([x, h], axis=1), w_ru) + b_ru)
        r, u = K.split(gates, 2, axis=1)
        c = K.tanh(K.matmul(K.concatenate([x, h * r], axis=1), w_c) + b_c)
        return r, u, c, u * h + (1 - u) * c

    return run
