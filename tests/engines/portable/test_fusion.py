"""Groups of nodes that are computed as one: the same values and derivatives, and no mistakes."""

from __future__ import annotations

import numpy as np
import pytest

from support import programs
from support.programs import BACKEND, check, save

tf = programs.tensorflow()

ROWS = np.linspace(-3, 3, 12, dtype=np.float32).reshape(3, 4) ** 3
MATRIX = tf.TensorSpec([None, 4], tf.float32)
GAMMA = np.linspace(0.5, 2, 4, dtype=np.float32)
BETA = np.linspace(-1, 1, 4, dtype=np.float32)


def normalized(axis=-1, stops=True, epsilon=1e-3):
    """The normalization of Keras 3, which writes it down as these ops."""

    def compute(x, gamma, beta):
        mean = tf.reduce_mean(x, axis, keepdims=True)
        middle = tf.stop_gradient(mean) if stops else mean
        variance = tf.reduce_mean(tf.math.squared_difference(x, middle), axis, keepdims=True)
        scale = tf.math.rsqrt(variance + epsilon) * gamma
        return x * scale + (-mean * scale + beta)

    return compute


def of_tf_keras(x, gamma, beta):
    mean = tf.reduce_mean(x, -1, keepdims=True)
    spread = tf.math.squared_difference(x, tf.stop_gradient(mean))
    variance = tf.reduce_mean(spread, -1, keepdims=True)
    return tf.nn.batch_normalization(x, mean, variance, beta, gamma, 1e-3)


def with_gradient(derivative):
    """The sigmoid linear unit with a derivative of one's own, written as TensorFlow's is."""

    @tf.custom_gradient
    def compute(x):
        return x * tf.sigmoid(x), lambda upstream: upstream * derivative(x, tf.sigmoid(x))

    return compute


def gelu_of_keras(x):
    return 0.5 * x * tf.math.erfc(-x * np.float32(np.sqrt(0.5)))


# The swish of TensorFlow before 2.7.
OLD_SWISH = with_gradient(lambda x, s: s * (1.0 + x * (1.0 - s)))


def fused_ops(program):
    return [step.op for step in program.plan.steps if step.op.startswith("_")]


def expect(program, *ops):
    assert fused_ops(program) == ([*ops] if BACKEND == "torch" else [])


@pytest.mark.parametrize(
    ("function", "op"),
    [
        (normalized(), "_LayerNormalization"),
        (of_tf_keras, "_LayerNormalization"),
    ],
)
def test_normalizations(tmp_path, function, op):
    weights = {"gamma": tf.Variable(GAMMA, name="g"), "beta": tf.Variable(BETA, name="b")}

    def f(x):
        return function(x, weights["gamma"], weights["beta"])

    expect(check(save(tmp_path, f, MATRIX, **weights), ROWS, tolerance=1e-4), op)


@pytest.mark.parametrize(
    ("function", "op"),
    [
        (gelu_of_keras, "_Gelu"),
        (lambda x: tf.nn.gelu(x, approximate=False), "_Gelu"),
        (tf.nn.silu, "_Swish"),
        (OLD_SWISH, "_Swish"),
    ],
)
def test_activations(tmp_path, function, op):
    expect(check(save(tmp_path, lambda x: function(x * 0.5), MATRIX), ROWS), op)


def test_several_in_one_graph(tmp_path):
    def f(x):
        return tf.nn.silu(tf.nn.silu(x) + tf.nn.gelu(x, approximate=False))

    expect(check(save(tmp_path, f, MATRIX), ROWS), "_Swish", "_Gelu", "_Swish")


@pytest.mark.parametrize(
    "function",
    [
        lambda x: normalized(axis=0)(x, GAMMA, BETA),
        lambda x: normalized(stops=False)(x, GAMMA, BETA),
        lambda x: tf.nn.gelu(x, approximate=True),
        lambda x: 0.5 * x * tf.math.erfc(-x * np.float32(0.7)),
        lambda x: 0.5 * (x + 1.0) * tf.math.erfc(-x * np.float32(np.sqrt(0.5))),
        lambda x: tf.nn.silu(x, beta=1.5),
        with_gradient(lambda x, s: s * (1.0 + x * (2.0 - s))),
        with_gradient(lambda _, s: s),
        lambda x: x * tf.sigmoid(x),
    ],
)
def test_what_only_looks_alike(tmp_path, function):
    expect(check(save(tmp_path, function, MATRIX), ROWS, tolerance=1e-4))


def test_parts_that_others_need_stay(tmp_path):
    def f(x):
        gate = tf.sigmoid(x)
        return tf.nn.silu(x), gate * 2.0

    expect(check(save(tmp_path, f, MATRIX), ROWS), "_Swish")
