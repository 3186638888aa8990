"""64-bit types are exact, on JAX too; there variables never get what only a trace knows."""

from __future__ import annotations

import pickle

import keras
import numpy as np
import pytest

import anyhub as hub
from anyhub.engines.portable.values import to_device, to_host
from anyhub.errors import EngineError
from support.programs import BACKEND, save, tensorflow

X = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)
FLOATS = np.array([1 + 1e-12, 1e300])
INTEGERS = np.array([2**40, -(2**62)])
FULL = 2**31 - 1

on_jax = pytest.mark.skipif(BACKEND != "jax", reason="about JAX")


def load(path):
    return hub.load(str(path), engine="portable")


@pytest.fixture
def wide(tmp_path):
    """A model with variables of 64 bits, a function that reads and one that changes them."""
    tf = tensorflow()
    floats, integers = tf.Variable(FLOATS), tf.Variable(INTEGERS)
    counter = tf.Variable(FULL, dtype=tf.int64)

    def function(change):
        if change:
            floats.assign(2.0 * floats)
            integers.assign_add([1, 1])
            counter.assign_add(1)
        return floats - 1.0, integers + 1, counter + 1

    change = tf.function(lambda: function(True), input_signature=[])
    tracked = {"floats": floats, "integers": integers, "counter": counter, "change": change}
    return save(tmp_path / "wide", lambda: function(False), **tracked).path


def saved_again(model, folder):
    hub.save(model, folder / "again")
    return load(folder / "again")


def pickled_again(model, folder):
    del folder
    return pickle.loads(pickle.dumps(model))


def test_outputs_are_exact(wide):
    floats, integers, counter = map(to_host, load(wide).f())
    np.testing.assert_array_equal(floats, FLOATS - 1)
    np.testing.assert_array_equal(integers, INTEGERS + 1)
    assert counter == FULL + 1


@pytest.mark.parametrize("again", [saved_again, pickled_again])
def test_reading_changes_no_variable(wide, tmp_path, again):
    model = load(wide)
    model.f()
    copy = again(model, tmp_path)
    np.testing.assert_array_equal(to_host(copy.floats.value), FLOATS)
    np.testing.assert_array_equal(to_host(copy.integers.value), INTEGERS)
    assert len(pickle.dumps(model)) == len(pickle.dumps(load(wide)))


@pytest.mark.parametrize("again", [saved_again, pickled_again])
def test_what_was_assigned_is_exact(wide, tmp_path, again):
    model = load(wide)
    model.counter.assign(0)
    model.change()
    copy = again(model, tmp_path)
    np.testing.assert_array_equal(to_host(copy.floats.value), 2 * FLOATS)
    np.testing.assert_array_equal(to_host(copy.integers.value), INTEGERS + 1)
    assert int(to_host(copy.counter.value)) == 1


def test_counters_do_not_wrap_and_an_error_changes_nothing(wide):
    model = load(wide)
    if BACKEND == "jax":
        with pytest.raises(EngineError, match="does not fit.*jax_enable_x64"):
            model.change()
        assert int(to_host(model.counter.value)) == FULL
        np.testing.assert_array_equal(to_host(model.floats.value), FLOATS)
        np.testing.assert_array_equal(to_host(model.integers.value), INTEGERS)
    else:
        model.change()
        assert int(to_host(model.counter.value)) == FULL + 1


@on_jax
def test_the_switch_lets_counters_go_on(plain):
    import jax

    with jax.enable_x64(True):
        model = load(plain)
        model.steps.assign(FULL)
        model(X, training=True)
    assert int(to_host(model.steps.value)) == FULL + 1


@on_jax
def test_a_counter_of_32_bits_does_not_wrap(plain):
    model = load(plain)
    model.steps.assign(FULL)
    with pytest.raises(EngineError, match="does not fit"):
        model(X, training=True)
    assert int(to_host(model.steps.value)) == FULL


@on_jax
def test_in_a_trace_integers_that_do_not_fit_are_an_error(wide):
    import jax

    model = load(wide)

    def inside(integers):
        with keras.StatelessScope(state_mapping=[(model.integers, integers)]):
            return model.f()

    with pytest.raises(EngineError, match="'Variable.*64-bit integers.*jax_enable_x64"):
        jax.jit(inside)(model.integers.value)


def test_arrays_of_callers_are_not_rounded(plain):
    model = load(plain)
    # No number of 32 bits.
    for value in (np.array([1e39]), [1e39]):
        found = to_host(model.wide(value))
        assert found.dtype == np.float64
        assert np.isfinite(found[0])


def test_complex_arrays_of_callers_are_not_rounded(tmp_path):
    tf = tensorflow()
    spec = tf.TensorSpec([None], tf.complex128)
    model = load(save(tmp_path / "m", tf.math.conj, spec).path)
    value = np.array([1 + 1e-12 + 1e300j])
    np.testing.assert_array_equal(to_host(model.f(value)), np.conj(value))


@on_jax
def test_assigning_in_a_trace_is_an_error_that_changes_nothing(plain):
    import jax

    model = load(plain)
    for transformed in (jax.jit, lambda f: lambda x: jax.eval_shape(f, x)):
        with pytest.raises(EngineError, match=r"assigns variables \(steps\).*stateless_call"):
            transformed(lambda x: model(x, training=True))(to_device(X))
    assert int(to_host(model.steps.value)) == 0
    model(X, training=True)
    assert int(to_host(pickle.loads(pickle.dumps(model)).steps.value)) == 1


@on_jax
def test_what_a_trace_knows_only_is_never_assigned(tmp_path):
    import jax

    tf = tensorflow()
    mean = tf.Variable(tf.zeros(3), trainable=False)

    def function(x):
        mean.assign(tf.reduce_mean(x, 0))
        return x - mean

    spec = tf.TensorSpec([None, 3], tf.float32)
    model = load(save(tmp_path / "m", function, spec, mean=mean).path)
    for transform in (jax.jit, lambda f: lambda x: jax.vmap(f)(x[None]), jax.checkpoint):
        with pytest.raises(EngineError, match="assigns variables"):
            transform(model.f)(to_device(X))
    np.testing.assert_array_equal(to_host(model.mean.value), 0.0)
    jax.grad(lambda x: keras.ops.sum(model.f(x) ** 2))(to_device(X))
    np.testing.assert_allclose(to_host(model.mean.value), X.mean(0), rtol=1e-6, atol=1e-7)
    hub.save(model, tmp_path / "saved")


@on_jax
def test_in_a_scope_of_keras_assignments_go_on(plain):
    import jax

    model = load(plain)
    steps = model.steps

    def inside(x, value):
        with keras.StatelessScope(state_mapping=[(steps, value)]) as scope:
            model(x, training=True)
        return scope.get_current_value(steps)

    assert int(jax.jit(inside)(to_device(X), steps.value)) == 1
    assert int(to_host(steps.value)) == 0
