"""Ops whose defects show only together with others: derivatives behind choices, and constants."""

from __future__ import annotations

import numpy as np
import pytest

from support.programs import check, save, tensorflow

FUNCTIONS = {
    "sqrt": lambda tf, x: tf.sqrt(x),
    "rsqrt": lambda tf, x: tf.math.rsqrt(x),
    "reciprocal": lambda tf, x: tf.math.reciprocal(x),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_choice_hides_an_infinite_derivative(name, tmp_path):
    tf = tensorflow()

    def hidden(x):
        return tf.where(x > 0, FUNCTIONS[name](tf, x), 0 * x)

    saved = save(tmp_path, hidden, tf.TensorSpec([3], tf.float32))
    check(saved, np.array([-1, 0, 4], np.float32))


def test_a_choice_hides_an_infinite_derivative_of_a_distance(tmp_path):
    tf = tensorflow()

    def distances(x):
        squares = (x[:, None] - x[None]) ** 2
        return tf.where(squares > 0, tf.sqrt(squares), 0.0)

    check(save(tmp_path, distances, tf.TensorSpec([3], tf.float32)), np.array([-1, 0, 4], "f"))


def test_constants_of_64_bits_stay_small_without_64_bit_types(tmp_path):
    tf = tensorflow()

    def loss(logits):
        return tf.nn.ctc_loss([[1, 2]], logits, [2], [5], blank_index=0)

    x = np.random.default_rng(0).normal(size=(5, 1, 4)).astype(np.float32)
    check(save(tmp_path, loss, tf.TensorSpec([5, 1, 4], tf.float32)), x)
