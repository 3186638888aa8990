"""Branches: decided in Python where the condition is known, in compiled code elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from anyhub.engines.portable import values
from anyhub.engines.portable.errors import HostValueError
from anyhub.engines.portable.planner import Planner
from anyhub.engines.portable.run import Run
from anyhub.graph.endpoint import endpoint_graph
from anyhub.saved_model import read
from support import programs
from support.programs import BACKEND, Program, check, compile_function, save

tf = programs.tensorflow()

X = np.asarray([0.5, -1.0, 2.0], np.float32)
VECTOR = tf.TensorSpec([3], tf.float32)
FLAG = tf.TensorSpec([], tf.bool)
INT = tf.TensorSpec([], tf.int32)
only_compiled = pytest.mark.skipif(BACKEND == "torch", reason="torch computes op by op")


@pytest.mark.parametrize("flag", [True, False])
def test_if_gives_what_its_branch_gives(tmp_path, flag):
    def f(x, flag):
        return tf.cond(flag, lambda: tf.tanh(x) * x, lambda: x - 1.0)

    check(save(tmp_path, f, VECTOR, FLAG), X, flag)


@pytest.mark.parametrize("flag", [True, False])
def test_a_condition_on_the_host_decides_in_python(tmp_path, flag):
    def f(x, flag):
        return tf.cond(flag, lambda: tf.tanh(x), lambda: x[:2])

    check(save(tmp_path, f, VECTOR, FLAG), X, flag, static=(1,))


@pytest.mark.parametrize("condition", [np.float32(0), np.float32(0.5), np.int32(-1)])
def test_numbers_are_conditions(tmp_path, condition):
    check(_raw_if(tmp_path, tf.TensorSpec([], condition.dtype)), condition, X, gradient=False)


@pytest.mark.parametrize("condition", [b"", b"yes"])
def test_strings_are_conditions(tmp_path, condition):
    saved = _raw_if(tmp_path, tf.TensorSpec([], tf.string))
    check(saved, np.asarray(condition, object), X, static=(0,), gradient=False)


@pytest.mark.parametrize("size", [0, 2])
def test_arrays_with_elements_are_true(tmp_path, size):
    saved = _raw_if(tmp_path, tf.TensorSpec([None], tf.float32))
    check(saved, np.zeros(size, np.float32), X, gradient=False)


def _raw_if(path, spec):
    @tf.function(input_signature=[VECTOR])
    def then(x):
        return tf.tanh(x)

    @tf.function(input_signature=[VECTOR])
    def other(x):
        return x - 1.0

    branches = {
        "then_branch": then.get_concrete_function(),
        "else_branch": other.get_concrete_function(),
    }

    def f(condition, x):
        (found,) = tf.raw_ops.If(cond=condition, input=[x], Tout=[tf.float32], **branches)
        found.set_shape([3])
        return found

    return save(path, f, spec, VECTOR)


@pytest.mark.parametrize("index", [-3, 0, 1, 2, 7])
@pytest.mark.parametrize("static", [(), (1,)])
def test_case(tmp_path, index, static):
    def f(x, index):
        return tf.switch_case(index, [lambda: x * 2.0, lambda: tf.tanh(x), lambda: x - 1.0])

    check(save(tmp_path, f, VECTOR, INT), X, np.int32(index), static=static)


@pytest.mark.parametrize(("first", "second"), [(True, True), (True, False), (False, True)])
def test_nested_branches(tmp_path, first, second):
    def f(x, first, second):
        def inner():
            return tf.cond(second, lambda: x * x, lambda: tf.tanh(x))

        return tf.cond(first, inner, lambda: x - 1.0)

    check(save(tmp_path, f, VECTOR, FLAG, FLAG), X, first, second)


@pytest.mark.parametrize("flag", [True, False])
def test_branches_assign_variables(tmp_path, flag):
    a = tf.Variable([1.0, 2.0, 3.0], name="a")
    b = tf.Variable(5, name="b")

    def f(x, flag):
        def then():
            a.assign_add(x)
            return a.read_value() * x

        def other():
            b.assign(7)
            return a * 2.0

        result = tf.cond(flag, then, other)
        return result, a.read_value() + 1.0, b.read_value()

    check(save(tmp_path, f, VECTOR, FLAG, a=a, b=b), X, flag, gradient=False)
    program = Program(tmp_path)
    _, state = program([values.to_device(X), values.to_device(np.asarray(flag))])
    found = dict(zip(program.names, map(values.to_host, state), strict=True))
    assert found["b"] == (5 if flag else 7)
    np.testing.assert_allclose(found["a"], np.asarray([1, 2, 3]) + (X if flag else 0))


@pytest.mark.parametrize("flag", [True, False])
def test_constants_of_branches_that_are_equal_stay_on_the_host(tmp_path, flag):
    def f(x, flag):
        size, offset = tf.cond(flag, lambda: (6, 1), lambda: (6, 2))
        return tf.reshape(tf.concat([x, x], 0), [2, size // 2]), offset

    check(save(tmp_path, f, VECTOR, FLAG), X, flag)


@only_compiled
def test_strings_that_differ_cannot_be_compiled(tmp_path):
    def f(flag):
        return tf.cond(flag, lambda: "yes", lambda: "no")

    program = check(save(tmp_path, f, FLAG), True, gradient=False, compiled=False)
    with pytest.raises(HostValueError, match="one of several strings"):
        compile_function(lambda flag: program([flag])[0])(values.to_device(np.asarray(True)))


@only_compiled
def test_shapes_that_differ_cannot_be_compiled(tmp_path):
    def f(x, flag):
        return tf.cond(flag, lambda: x, lambda: x[:2])

    program = check(save(tmp_path, f, VECTOR, FLAG), X, True, gradient=False, compiled=False)
    flag = values.to_device(np.asarray(True))
    with pytest.raises(HostValueError, match=r"shape \(2,\) or a float32 tensor of shape \(3,\)"):
        compile_function(lambda flag: program([values.to_device(X), flag])[0])(flag)


@pytest.mark.parametrize("flag", [True, False])
def test_lists_out_of_branches(tmp_path, flag):
    def f(x, flag):
        def fill(factor):
            array = tf.TensorArray(tf.float32, 2, element_shape=[3])
            return array.write(0, x * factor).write(1, tf.tanh(x)).flow

        return tf.reshape(
            tf.raw_ops.TensorListStack(
                input_handle=tf.cond(flag, lambda: fill(2.0), lambda: fill(3.0)),
                element_shape=[3],
                element_dtype=tf.float32,
            ),
            [6],
        )

    check(save(tmp_path, f, VECTOR, FLAG), X, flag)


def test_calls_that_were_not_inlined(tmp_path):
    variable = tf.Variable([1.0, 2.0, 3.0], name="v")

    @tf.function
    def inner(x):
        variable.assign_add(x)
        return x * 2.0, tf.tanh(x)

    def f(x):
        return inner(x)

    save(tmp_path, f, VECTOR, v=variable)
    model = read(tmp_path)
    endpoint = endpoint_graph(model, "f", keep=lambda _name: True)
    assert "StatefulPartitionedCall" in {node.op for node in endpoint.graph.nodes.values()}
    plan = Planner(model.graph().functions).plan(endpoint.graph)
    handles = Program(tmp_path).handles
    run = Run()
    doubled, tanh = plan(run, values.to_device(X), *handles)
    np.testing.assert_allclose(values.to_host(doubled), X * 2)
    np.testing.assert_allclose(values.to_host(tanh), np.tanh(X), rtol=1e-5)
    np.testing.assert_allclose(values.to_host(run.updates[handles[0]]), X + np.asarray([1, 2, 3]))


def test_assertions_that_fail_are_raised(tmp_path):
    def f(x):
        tf.debugging.Assert(tf.reduce_all(x > 0.0), [x, "must be positive"], summarize=2)
        return x * 2.0

    save(tmp_path, f, VECTOR)
    program = Program(tmp_path)
    with pytest.raises(ValueError, match=r"\[0.5 -1.0...\] must be positive"):
        program([values.to_device(X)])
    outputs, _ = program([values.to_device(np.abs(X))])
    np.testing.assert_allclose(values.to_host(outputs[0]), np.abs(X) * 2)


@only_compiled
def test_assertions_about_unknown_values_are_skipped(tmp_path):
    def f(x):
        tf.debugging.Assert(tf.reduce_all(x > 0.0), [x])
        return x * 2.0

    save(tmp_path, f, VECTOR)
    program = Program(tmp_path)
    found = compile_function(lambda x: program([x])[0])(values.to_device(X))
    np.testing.assert_allclose(values.to_host(found[0]), X * 2)


def test_messages_go_to_a_logger(tmp_path, caplog):
    def f(x):
        tf.raw_ops.PrintV2(input="hello", output_stream="log(info)")
        return tf.raw_ops.Print(input=x, data=[x], message="x is ", summarize=2)

    save(tmp_path, f, VECTOR)
    with caplog.at_level("INFO", "anyhub.model"):
        Program(tmp_path)([values.to_device(X)])
    assert {"hello", "x is [0.5 -1.0...]"} <= {*caplog.messages}
