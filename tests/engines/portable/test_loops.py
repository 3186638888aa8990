"""Loops: in Python, compiled, counted ahead; and their derivatives."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from anyhub.engines.portable import values
from anyhub.engines.portable.errors import HostValueError
from support import programs
from support.programs import BACKEND, Program, check, compile_function, save

tf = programs.tensorflow()

X = np.asarray([0.5, -1.0, 2.0], np.float32)
VECTOR = tf.TensorSpec([3], tf.float32)
INT = tf.TensorSpec([], tf.int32)
only_jax = pytest.mark.skipif(BACKEND != "jax", reason="about JAX's traces")
only_compiled = pytest.mark.skipif(BACKEND == "torch", reason="torch computes op by op")


def jaxpr(program, *arguments):
    import jax

    return jax.make_jaxpr(lambda *a: program(a)[0])(*arguments)


@pytest.mark.parametrize("count", [0, 1, 3, 40])
def test_loops_of_known_length(tmp_path, count):
    def f(x):
        def body(i, y):
            return i + 1, tf.tanh(y) * x + tf.cast(i, tf.float32)

        return tf.while_loop(lambda i, _: i < count, body, [0, x])

    check(save(tmp_path, f, VECTOR), X)


@pytest.mark.parametrize("count", [0, 5, 30])
def test_loops_whose_length_is_an_argument(tmp_path, count):
    def f(x, n):
        return tf.while_loop(lambda i, _: i < n, lambda i, y: (i + 1, tf.tanh(y) * x), [0, x])

    saved = save(tmp_path, f, VECTOR, INT)
    check(saved, X, np.int32(count), static=(1,))
    # JAX has no reverse-mode derivative where the length is not known.
    check(saved, X, np.int32(count), gradient=BACKEND != "jax")


def test_loops_that_end_by_what_they_compute(tmp_path):
    def f(x):
        def goes_on(y, _):
            return tf.reduce_sum(y * y) < 100.0

        return tf.while_loop(goes_on, lambda y, n: (y * 1.5, n + 1), [x, 0])

    check(save(tmp_path, f, VECTOR), X, gradient=BACKEND != "jax")


def test_forward_mode_derivatives_of_loops_that_end_by_what_they_compute(tmp_path):
    if BACKEND != "jax":
        pytest.skip("about JAX")
    import jax

    def f(x):
        return tf.while_loop(lambda y: tf.reduce_sum(y * y) < 100.0, lambda y: [y * 1.5], [x])[0]

    save(tmp_path, f, VECTOR)
    program = Program(tmp_path)
    found = jax.jit(jax.jacfwd(lambda x: program([x])[0][0]))(values.to_device(X))
    np.testing.assert_allclose(found, np.eye(3) * 1.5**4, rtol=1e-5)


def test_the_condition_may_be_a_number(tmp_path):
    @tf.function(input_signature=[INT, VECTOR])
    def goes_on(i, x):
        return i

    @tf.function(input_signature=[INT, VECTOR])
    def body(i, x):
        return i - 1, x * 2.0

    def f(x, n):
        return tf.raw_ops.While(
            input=[n, x], cond=goes_on.get_concrete_function(), body=body.get_concrete_function()
        )[1]

    saved = save(tmp_path, f, VECTOR, INT)
    check(saved, X, np.int32(3), gradient=False)
    check(saved, X, np.int32(20), static=(1,), gradient=False)


@pytest.mark.parametrize("count", [3, 30])
def test_loops_assign_variables(tmp_path, count):
    total = tf.Variable([0.0, 0.0, 0.0], name="total")
    turns = tf.Variable(0, name="turns")
    weight = tf.Variable(0.5, name="weight")

    def f(x):
        def body(i, y):
            total.assign_add(y)
            turns.assign_add(1)
            return i + 1, tf.tanh(y) * weight + total

        return tf.while_loop(lambda i, _: i < count, body, [0, x])[1]

    saved = save(tmp_path, f, VECTOR, total=total, turns=turns, weight=weight)
    check(saved, X, gradient=False)


@only_compiled
def test_loops_of_unknown_length_assign_variables(tmp_path):
    total = tf.Variable([0.0, 0.0, 0.0], name="total")

    def f(x, n):
        def body(i, y):
            total.assign_add(y)
            return i + 1, tf.tanh(y) + total

        return tf.while_loop(lambda i, _: i < n, body, [0, x])[1]

    check(save(tmp_path, f, VECTOR, INT, total=total), X, np.int32(12), gradient=False)


@pytest.mark.parametrize("count", [4, 25])
def test_arrays_are_read_and_written(tmp_path, count):
    data = np.random.default_rng(0).normal(size=(count, 3)).astype(np.float32)

    def f(data, x):
        source = tf.TensorArray(tf.float32, count).unstack(data)
        target = tf.TensorArray(tf.float32, count)

        def body(i, y, target):
            y = tf.tanh(y + source.read(count - 1 - i))
            return i + 1, y, target.write(i, y)

        _, y, target = tf.while_loop(lambda i, *_: i < count, body, [0, x, target])
        return y, target.stack()

    check(save(tmp_path, f, tf.TensorSpec([count, 3], tf.float32), VECTOR), data, X)


@only_compiled
def test_arrays_are_written_in_loops_of_unknown_length(tmp_path):
    def f(x, n):
        array = tf.TensorArray(tf.float32, 12)

        def body(i, y, array):
            return i + 1, y * 1.5, array.write(i, y)

        _, _, array = tf.while_loop(lambda i, *_: i < n, body, [0, x, array])
        return tf.ensure_shape(array.stack(), [12, 3])

    check(save(tmp_path, f, VECTOR, INT), X, np.int32(7), gradient=BACKEND != "jax")


@pytest.mark.parametrize("count", [3, 12])
def test_arrays_that_grow(tmp_path, count):
    def f(x):
        array = tf.TensorArray(tf.float32, 0, dynamic_size=True)

        def body(i, y, array):
            return i + 1, tf.tanh(y), array.write(i, y)

        _, _, array = tf.while_loop(lambda i, *_: i < count, body, [0, x, array])
        return array.stack()

    check(save(tmp_path, f, VECTOR), X)


@pytest.mark.parametrize("count", [3, 12])
def test_tensors_that_grow_are_laid_out(tmp_path, count):
    def f(x):
        shapes = [tf.TensorShape([]), tf.TensorShape([None])]
        return tf.while_loop(
            lambda i, _: i < count,
            lambda i, y: (i + 1, tf.concat([y, tf.tanh(y[:2])], 0)),
            [0, x],
            shape_invariants=shapes,
        )[1]

    check(save(tmp_path, f, VECTOR), X)


def test_bodies_that_need_their_counters_are_laid_out(tmp_path):
    def f(x):
        def body(i, y):
            head = tf.reduce_sum(x[: i % 3 + 1])
            return i + 1, tf.tanh(y) * head

        return tf.while_loop(lambda i, _: i < 12, body, [0, x])[1]

    check(save(tmp_path, f, VECTOR), X)


def test_what_no_turn_changes_stays_on_the_host(tmp_path):
    def f(x):
        def body(i, n, y):
            return i + 1, n, tf.reshape(tf.tanh(tf.reshape(y, [1, n])), [n])

        return tf.while_loop(lambda i, *_: i < 12, body, [0, tf.size(x), x])

    check(save(tmp_path, f, VECTOR), X)


@pytest.mark.parametrize("counts", [(3, 2), (3, 12), (12, 3), (12, 12)])
def test_loops_in_loops(tmp_path, counts):
    outer, inner = counts

    def f(x):
        def inside(j, y):
            return j + 1, tf.tanh(y) * 1.1

        def body(i, y):
            y = tf.while_loop(lambda j, _: j < inner, inside, [0, y])[1]
            return i + 1, y + x * tf.cast(i, tf.float32)

        return tf.while_loop(lambda i, _: i < outer, body, [0, x])[1]

    check(save(tmp_path, f, VECTOR), X)


@pytest.mark.parametrize("count", [4, 20])
def test_branches_in_loops(tmp_path, count):
    hits = tf.Variable(0, name="hits")

    def f(x):
        def then(y):
            hits.assign_add(1)
            return y * 0.5

        def body(i, y):
            return i + 1, tf.cond(tf.reduce_sum(y) > 2.0, lambda: then(y), lambda: y * 1.5 + x)

        return tf.while_loop(lambda i, _: i < count, body, [0, x])[1]

    check(save(tmp_path, f, VECTOR, hits=hits), X)


@pytest.mark.parametrize("flag", [True, False])
def test_loops_in_branches(tmp_path, flag):
    def f(x, flag):
        def then():
            return tf.while_loop(lambda i, _: i < 12, lambda i, y: (i + 1, tf.tanh(y)), [0, x])[1]

        return tf.cond(flag, then, lambda: x)

    check(save(tmp_path, f, VECTOR, tf.TensorSpec([], tf.bool)), X, flag)


@pytest.mark.parametrize("count", [3, 12])
def test_mapping_folding_and_scanning(tmp_path, count):
    data = np.random.default_rng(0).normal(size=(count, 3)).astype(np.float32)

    def f(data):
        mapped = tf.map_fn(lambda row: tf.tanh(row) * row, data)
        folded = tf.foldl(lambda a, row: tf.tanh(a + row), data)
        scanned = tf.scan(lambda a, row: tf.tanh(a) + row, data)
        return mapped, folded, scanned

    check(save(tmp_path, f, tf.TensorSpec([count, 3], tf.float32)), data)


def test_loops_over_strings_run_in_python(tmp_path):
    def f(words):
        lengths = tf.TensorArray(tf.int32, 12)

        def body(i, lengths, last):
            word = words[i]
            return i + 1, lengths.write(i, tf.size(tf.reshape(word, [-1])) + i), word

        _, lengths, last = tf.while_loop(lambda i, *_: i < 12, body, [0, lengths, words[0]])
        return lengths.stack(), last

    words = np.asarray([b"w%d" % i for i in range(12)], object)
    check(save(tmp_path, f, tf.TensorSpec([12], tf.string)), words, gradient=False, compiled=False)


@pytest.mark.parametrize("numbers", [(0, 4, 1), (5, -1, -2), (0, 0, 1)])
def test_for(tmp_path, numbers):
    @tf.function(input_signature=[INT, VECTOR])
    def body(i, x):
        return (tf.tanh(x) * tf.cast(i, tf.float32),)

    def f(x):
        start, limit, delta = numbers
        (found,) = tf.raw_ops.For(
            start=start, limit=limit, delta=delta, input=[x], body=body.get_concrete_function()
        )
        return found

    check(save(tmp_path, f, VECTOR), X, gradient=False)


@only_jax
def test_what_is_compiled_does_not_grow_with_the_length(tmp_path):
    sizes = []
    for count in (20, 200):

        def f(x, count=count):
            array = tf.TensorArray(tf.float32, count)

            def body(i, y, array):
                return i + 1, tf.tanh(y), array.write(i, y)

            return tf.while_loop(lambda i, *_: i < count, body, [0, x, array])[2].stack()

        save(tmp_path / str(count), f, VECTOR)
        text = str(jaxpr(Program(tmp_path / str(count)), values.to_device(X)))
        assert text.count("scan[") == 1
        sizes.append(len(text.splitlines()))
    assert sizes[0] == sizes[1]


@only_compiled
def test_loops_of_unknown_length_refuse_what_changes_its_shape(tmp_path):
    def f(x, n):
        shapes = [tf.TensorShape([]), tf.TensorShape([None])]
        return tf.while_loop(
            lambda i, _: i < n,
            lambda i, y: (i + 1, tf.concat([y, y[:1]], 0)),
            [0, x],
            shape_invariants=shapes,
        )[1]

    program = check(save(tmp_path, f, VECTOR, INT), X, np.int32(4), compiled=False, gradient=False)
    with pytest.raises(HostValueError, match=r"tensor of shape \(3,\) or a float32 tensor of"):
        compile_function(lambda n: program([values.to_device(X), n])[0])(
            values.to_device(np.int32(4).reshape(()))
        )


_LAYERS = {
    "plain": "Concatenate()([layers.GRU(2, return_sequences=True)(x)[:, 3], layers.LSTM(2)(x)])",
    "masked": "Bidirectional(layers.LSTM(2))(layers.Masking()(x))",
    "old": "Concatenate()([layers.SimpleRNN(2)(x), layers.GRU(2, reset_after=False)(x)])",
}


def _export(library, directory):
    lines = [
        f"import {library}",
        f"from {library} import Input, Model, layers",
        f"{library}.utils.set_random_seed(0)",
        "x = entry = Input((10, 3), batch_size=2)",
    ]
    for name, layer in _LAYERS.items():
        lines.append(f"Model(entry, layers.{layer}).export({str(directory / name)!r})")
    return "\n".join(lines)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Directories of models with recurrent layers, by library."""
    found = {library: tmp_path_factory.mktemp(library) for library in ("keras", "tf_keras")}
    # Keras has the backend of the tests here and TensorFlow in another process.
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", _export("keras", found["keras"])]
    subprocess.run(command, check=True, env=environment, capture_output=True)
    exec(_export("tf_keras", found["tf_keras"]), {})
    return found


@pytest.mark.parametrize("name", _LAYERS)
@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_recurrent_layers_of_keras(exported, library, name):
    data = np.random.default_rng(0).normal(size=(2, 10, 3)).astype(np.float32)
    data[0, 7:] = 0
    data[1, 5] = 0
    # Turn by turn is much work for JAX; what Keras trains is compiled.
    is_eager = BACKEND != "jax"
    check(exported[library] / name, data, endpoint="serving_default", eager_gradient=is_eager)
