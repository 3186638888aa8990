"""Grouped convolutions have derivatives; of TensorFlow's CPU kernels only oneDNN's have them."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from anyhub.engines.portable import values
from support import programs
from support.programs import BACKEND, Program, derivatives, save

tf = programs.tensorflow()

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(2, 6, 6, 4)).astype(np.float32)
KERNEL = RNG.normal(size=(3, 3, 2, 6)).astype(np.float32)


def found(path, function, weights):
    program = Program(save(path, function, tf.TensorSpec(IMAGES.shape), kernel=weights).path)
    tensors = [values.to_device(IMAGES)]
    (output,), _ = program(tensors)
    return [values.to_host(output), *derivatives(program, tensors, [values.to_host(output)], False)]


def test_against_one_convolution_for_each_group(tmp_path):
    weights = tf.Variable(KERNEL, name="kernel")

    def grouped(x):
        return tf.nn.conv2d(x, weights, 2, "SAME")

    def apart(x):
        parts = zip(tf.split(x, 2, -1), tf.split(weights, 2, -1), strict=True)
        return tf.concat([tf.nn.conv2d(part, own, 2, "SAME") for part, own in parts], -1)

    results = found(tmp_path / "grouped", grouped, weights)
    assert len(results) == 3
    expected = found(tmp_path / "apart", apart, weights)
    for one, other in zip(results, expected, strict=True):
        np.testing.assert_allclose(values.to_host(one), values.to_host(other), atol=1e-4)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="about TensorFlow's kernels")
def test_without_onednn():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]
    done = subprocess.run(
        [*command, "-k", "against"],
        env={**os.environ, "TF_ENABLE_ONEDNN_OPTS": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in done.stdout, done.stdout
