"""Recurrent layers with cuDNN's weights, against those of Keras: TensorFlow has no kernel."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from anyhub.engines.portable import values
from anyhub.engines.portable.planner import Planner
from anyhub.engines.portable.run import Run
from anyhub.errors import EngineError
from anyhub.graph.ir import ARGUMENT, Graph, Node, Ref, attr_value

UNITS, FEATURES = 4, 3


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(np.float32)


def packed(layer: Any) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """A layer's matrices and biases as cuDNN has them."""
    kernel, recurrent, bias = (np.asarray(w) for w in layer.get_weights())
    if isinstance(layer, keras.layers.LSTM):
        order, biases = (0, 1, 2, 3), [np.zeros_like(bias), bias]
    else:
        # Keras has the update gate first, cuDNN the reset gate.
        order, biases = (1, 0, 2), [*bias]
    matrices = [
        np.concatenate([np.split(matrix, len(order), axis=1)[place].T.ravel() for place in order])
        for matrix in (kernel, recurrent)
    ]
    moved = [
        np.concatenate([np.split(vector, len(order))[place] for place in order])
        for vector in biases
    ]
    return matrices, moved


def run(op: str, inputs: list[np.ndarray], **attrs: Any) -> list[np.ndarray]:
    messages = {"T": attr_value(type=1)}
    for name, value in attrs.items():
        kind = {str: "s", bool: "b", int: "i", float: "f"}[type(value)]
        messages[name] = attr_value(**{kind: value.encode() if kind == "s" else value})
    names = [f"input_{index}" for index in range(len(inputs))]
    nodes = {name: Node(name, ARGUMENT, attrs={"T": attr_value(type=1)}) for name in names}
    nodes["it"] = Node("it", op, tuple(map(Ref, names)), attrs=messages)
    outputs = tuple(Ref("it", index) for index in range(3))
    plan = Planner({}).plan(Graph("single", nodes, tuple(names), outputs, ("y", "h", "c")))
    return [values.to_host(v) for v in plan(Run(), *[values.to_device(i) for i in inputs])]


def layer_of(mode: str, seed: int) -> Any:
    kind = keras.layers.LSTM if mode == "lstm" else keras.layers.GRU
    layer = kind(
        UNITS, return_sequences=True, return_state=True,
        kernel_initializer=keras.initializers.RandomNormal(seed=seed),
        recurrent_initializer=keras.initializers.RandomNormal(seed=seed + 1),
        bias_initializer=keras.initializers.RandomNormal(seed=seed + 2),
    )  # fmt: skip
    layer.build((None, None, FEATURES))
    return layer


def expected(layer: Any, x: np.ndarray, states: list[np.ndarray], mask: Any = None) -> list[Any]:
    initial = [values.to_device(state) for state in states]
    found = layer(values.to_device(x), initial_state=initial, mask=mask)
    return [values.to_host(value) for value in found]


def params_of(layers: list[Any]) -> np.ndarray:
    parts = [packed(layer) for layer in layers]
    return np.concatenate([m for ms, _ in parts for m in ms] + [b for _, bs in parts for b in bs])


@pytest.mark.parametrize("op", ["CudnnRNN", "CudnnRNNV2", "CudnnRNNV3"])
@pytest.mark.parametrize("mode", ["lstm", "gru"])
def test_one_direction(op: str, mode: str) -> None:
    layer, x = layer_of(mode, 0), random(5, 2, FEATURES)
    h, c = random(1, 2, UNITS), random(1, 2, UNITS, seed=1)
    lengths = [np.asarray([5, 5], np.int32)] if op == "CudnnRNNV3" else []
    found = run(op, [x, h, c, params_of([layer]), *lengths], rnn_mode=mode)
    states = [h[0], c[0]] if mode == "lstm" else [h[0]]
    wanted = expected(layer, x.swapaxes(0, 1), states)
    np.testing.assert_allclose(found[0].swapaxes(0, 1), wanted[0], rtol=1e-5, atol=1e-6)
    for value, state in zip(found[1:], wanted[1:], strict=False):
        np.testing.assert_allclose(value[0], state, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mode", ["lstm", "gru"])
def test_both_directions_with_lengths(mode: str) -> None:
    layers, x = [layer_of(mode, 0), layer_of(mode, 7)], random(3, 5, FEATURES)
    h, c = random(3, 2, UNITS), random(3, 2, UNITS, seed=1)
    lengths = np.asarray([5, 2, 4], np.int32)
    found = run(
        "CudnnRNNV3", [x, h, c, params_of(layers), lengths],
        rnn_mode=mode, direction="bidirectional", time_major=False,
    )  # fmt: skip
    for row, length in enumerate(lengths):
        part, outputs = x[row : row + 1, :length], []
        for index, layer in enumerate(layers):
            states = [h[row : row + 1, index], c[row : row + 1, index]]
            flipped = part[:, ::-1].copy() if index else part
            wanted = expected(layer, flipped, states if mode == "lstm" else states[:1])
            outputs.append(wanted[0][:, ::-1] if index else wanted[0])
            for value, state in zip(found[1:], wanted[1:], strict=False):
                np.testing.assert_allclose(value[row, index], state[0], rtol=1e-5, atol=1e-6)
        joined = np.concatenate(outputs, axis=-1)[0]
        np.testing.assert_allclose(found[0][row, :length], joined, rtol=1e-5, atol=1e-6)
        assert not found[0][row, length:].any()


@pytest.mark.parametrize(
    "attrs", [{"rnn_mode": "rnn_relu"}, {"input_mode": "skip_input"}, {"num_proj": 2}]
)
def test_other_kinds_are_refused(attrs: dict[str, Any]) -> None:
    with pytest.raises(EngineError, match=next(iter(attrs))):
        run("CudnnRNNV3", [np.zeros(1, np.float32)] * 5, **attrs)
