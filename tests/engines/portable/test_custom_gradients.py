"""Custom gradients that were saved with a model."""

from __future__ import annotations

import numpy as np
import pytest

from anyhub.engines.portable import values
from anyhub.engines.portable.gradients import CustomGradients
from anyhub.errors import EngineError
from anyhub.saved_model import read
from support import programs
from support.programs import BACKEND, Program, check, derivatives, save

tf = programs.tensorflow()

X = np.asarray([0.5, -1.0, 2.0], np.float32)
VECTOR = tf.TensorSpec([3], tf.float32)


def scaled(factor, forward=tf.tanh):
    """A function whose derivative is said to be a factor."""

    @tf.custom_gradient
    def compute(x):
        return forward(x), lambda upstream: upstream * factor

    return compute


def test_silu(tmp_path):
    weight = tf.Variable([1.0, 2.0, 3.0], name="w")

    def f(x):
        return tf.nn.silu(tf.nn.silu(x) * weight, beta=1.5)

    program = check(save(tmp_path, f, VECTOR, w=weight), X)
    assert sum(node.op == "IdentityN" for node in program.graph.nodes.values()) == 2


def test_derivatives_that_do_not_belong_to_the_function(tmp_path):
    def f(x):
        return scaled(7.0)(x) * 2.0

    check(save(tmp_path, f, VECTOR), X)


def test_clipped_gradients(tmp_path):
    @tf.custom_gradient
    def clip(x):
        return tf.identity(x), lambda upstream: tf.clip_by_value(upstream, -0.1, 0.2)

    def f(x):
        return clip(x) * clip(tf.tanh(x))

    check(save(tmp_path, f, VECTOR), X)


def test_straight_through(tmp_path):
    @tf.custom_gradient
    def rounded(x):
        return tf.round(x), lambda upstream: upstream

    def f(x):
        return rounded(x * 3.0) * x

    check(save(tmp_path, f, VECTOR), X)


def test_captured_tensors(tmp_path):
    @tf.custom_gradient
    def compute(x):
        first = tf.tanh(x)
        parts = tf.split(first * 2.0, 3)
        return first * x, lambda upstream: upstream * first + parts[1] + tf.constant([1.0, 2, 3])

    check(save(tmp_path, lambda x: compute(x + 1.0), VECTOR), X)


def test_captured_constants_of_the_object(tmp_path):
    constant = tf.constant([3.0, 4.0, 5.0])

    @tf.custom_gradient
    def compute(x):
        return tf.tanh(x) * constant, lambda upstream: upstream * constant * 2.0

    # Saving finds only constants that the function takes too.
    check(save(tmp_path, compute, VECTOR, c=constant), X)


def test_several_arguments_and_results(tmp_path):
    @tf.custom_gradient
    def compute(x, y, n):
        def derive(one, _, two):
            return one * y, two * 2.0, None

        return (x * y, n + 1, tf.tanh(y)), derive

    def f(x, y):
        first, number, second = compute(x, y, tf.constant(3))
        return first, number, second

    check(save(tmp_path, f, VECTOR, VECTOR), X, X[::-1].copy())


def test_results_without_derivatives_downstream(tmp_path):
    @tf.custom_gradient
    def compute(x):
        return (tf.tanh(x), x * 2.0), lambda one, two: one * 3.0 + two

    check(save(tmp_path, lambda x: compute(x)[0], VECTOR), X)


def test_results_that_do_not_depend_on_the_arguments(tmp_path):
    @tf.custom_gradient
    def compute(x):
        return tf.constant([1.0, 2.0, 3.0]), lambda upstream: upstream * x

    check(save(tmp_path, lambda x: compute(x) * 2.0, VECTOR), X)


def test_variables(tmp_path):
    weight = tf.Variable([1.0, 2.0, 3.0], name="w")
    scale = tf.Variable(3.0, name="s")

    @tf.custom_gradient
    def compute(x):
        def derive(upstream, variables=None):
            found = {3: upstream * 3.0 * x, None: tf.reduce_sum(upstream) * 5.0}
            rest = [found[v.shape[0] if v.shape.rank else None] for v in variables]
            return upstream * 7.0 * weight, rest

        return x * weight * scale, derive

    check(save(tmp_path, compute, VECTOR, w=weight, s=scale), X)


def test_derivatives_by_rows(tmp_path):
    table = tf.Variable(np.arange(8.0, dtype=np.float32).reshape(4, 2), name="t")

    @tf.custom_gradient
    def compute(x):
        rows = tf.constant([1, 1, 3])

        def derive(upstream, variables=None):
            slices = tf.IndexedSlices(upstream * 2.0, rows, tf.constant([4, 2]))
            return tf.reduce_sum(upstream, 1), [slices]

        return tf.gather(table, rows) * x[:, None], derive

    check(save(tmp_path, compute, VECTOR, t=table), X)


def test_inner_functions(tmp_path):
    @tf.function
    def inner(x):
        return scaled(x * 3.0)(x * 2.0)

    @tf.function
    def middle(x):
        return inner(x) + inner(x * 0.5)

    check(save(tmp_path, lambda x: middle(tf.sin(x)), VECTOR), X)


def test_captures_of_outer_functions(tmp_path):
    weight = tf.Variable([1.0, 2.0, 3.0], name="w")

    def f(x):
        outer = tf.sin(x) * weight

        @tf.function
        def inner(y):
            @tf.custom_gradient
            def compute(z):
                return tf.tanh(z) * outer, lambda upstream: upstream * outer * 2.0

            return compute(y)

        return inner(x + 1.0)

    # TensorFlow cannot differentiate this once it was saved.
    check(save(tmp_path, f, VECTOR, w=weight), X, original=True)


@pytest.mark.parametrize("count", [3, 12])
def test_in_loops(tmp_path, count):
    if BACKEND == "tensorflow" and count > 8:
        pytest.skip("TensorFlow cannot have constants in derivatives of compiled loops")

    def f(x):
        outer = tf.sin(x)

        def body(i, y):
            @tf.custom_gradient
            def compute(z):
                inner = tf.tanh(z)
                return inner * outer, lambda upstream: upstream * inner * outer * 1.5

            return i + 1, compute(y) + y

        return tf.while_loop(lambda i, _: i < count, body, [0, x])[1]

    check(save(tmp_path, f, VECTOR), X, original=True)


@pytest.mark.parametrize("flag", [True, False])
def test_in_branches(tmp_path, flag):
    def f(x, flag):
        outer = tf.sin(x)

        def then():
            @tf.custom_gradient
            def compute(z):
                return tf.tanh(z) * outer, lambda upstream: upstream * outer * 1.5

            return compute(x)

        return tf.cond(flag, then, lambda: x * 2.0)

    saved = save(tmp_path, f, VECTOR, tf.TensorSpec([], tf.bool))
    program = check(saved, X, flag, gradient=False)
    # TensorFlow cannot differentiate this, saved or not.
    arguments = [values.to_device(X), values.to_device(np.asarray(flag))]
    weights = programs.weights_of(X)
    for compiled in {False, BACKEND != "torch"}:
        (found,) = derivatives(program, arguments, [X], compiled)
        expected = weights * np.sin(X) * 1.5 if flag else weights * 2
        np.testing.assert_allclose(values.to_host(found), expected, rtol=1e-5)


def test_gradients_with_loops(tmp_path):
    @tf.custom_gradient
    def compute(x):
        def derive(upstream):
            return tf.while_loop(lambda i, _: i < 12, lambda i, g: (i + 1, g * x), [0, upstream])[1]

        return tf.tanh(x), derive

    check(save(tmp_path, compute, VECTOR), X)


def test_a_gradient_that_was_not_saved_is_that_of_the_ops(tmp_path):
    save(tmp_path, scaled(7.0), VECTOR)
    proto = read(tmp_path).proto
    del proto.meta_graphs[0].graph_def.library.registered_gradients[:]
    (tmp_path / "saved_model.pb").write_bytes(proto.SerializeToString())
    program = Program(tmp_path)
    (found,) = derivatives(program, [values.to_device(X)], [np.zeros(3, np.float32)], False)
    expected = programs.weights_of(np.zeros(3, np.float32)) * (1 - np.tanh(X) ** 2)
    np.testing.assert_allclose(values.to_host(found), expected, rtol=1e-4)


def test_a_gradient_that_cannot_be_had_does_not_keep_from_inference(tmp_path):
    save(tmp_path, lambda x: scaled(x * 2.0)(x), VECTOR)
    proto = read(tmp_path).proto
    for node in proto.meta_graphs[0].object_graph_def.nodes:
        if node.WhichOneof("kind") == "captured_tensor":
            node.captured_tensor.name = "gone:0"
    (tmp_path / "saved_model.pb").write_bytes(proto.SerializeToString())
    program = Program(tmp_path)
    outputs, _ = program([values.to_device(X)])
    np.testing.assert_allclose(values.to_host(outputs[0]), np.tanh(X), rtol=1e-5)
    with pytest.raises(EngineError, match="captures a tensor that this model does not"):
        derivatives(program, [values.to_device(X)], [np.zeros(3, np.float32)], False)


def test_missing_ops_of_gradients_are_named_when_they_are_needed(tmp_path):
    save(tmp_path, scaled(7.0), VECTOR)
    proto = read(tmp_path).proto
    library = proto.meta_graphs[0].graph_def.library
    name = library.registered_gradients[0].gradient_func
    (function,) = (f for f in library.function if f.signature.name == name)
    node = next(node for node in function.node_def if node.op == "Mul")
    renamed = function.node_def.add(name="extra", op="NoSuchOp", input=[node.input[0]])
    function.control_ret["extra"] = renamed.name
    function.signature.control_output.append("extra")
    (tmp_path / "saved_model.pb").write_bytes(proto.SerializeToString())
    program = Program(tmp_path)
    outputs, _ = program([values.to_device(X)])
    np.testing.assert_allclose(values.to_host(outputs[0]), np.tanh(X), rtol=1e-5)
    with pytest.raises(EngineError, match="ops that it lacks: NoSuchOp"):
        derivatives(program, [values.to_device(X)], [np.zeros(3, np.float32)], False)


def test_second_derivatives(tmp_path):
    if BACKEND != "jax":
        pytest.skip("about JAX")
    import jax

    save(tmp_path, tf.nn.silu, VECTOR)
    program = Program(tmp_path)

    def total(x):
        return program([x])[0][0].sum()

    found = jax.jit(jax.hessian(total))(values.to_device(X))
    expected = jax.hessian(lambda x: jax.nn.silu(x).sum())(values.to_device(X))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_what_tf2jax_saved(corpus):
    path = corpus / "google-deepmind__tf2jax" / "tf2jax--test_data--custom_gradient_cubed"
    check(path, np.float32(3), endpoint=next(iter(read(path).graph().restored_functions)))


def test_functions_without_gradients_stay_the_same_messages(tmp_path):
    save(tmp_path, scaled(2.0), VECTOR)
    graph = read(tmp_path).graph()
    gradients = CustomGradients(graph, {}.get)
    library = gradients.library
    assert library.keys() == graph.functions.keys()
    changed = [name for name in library if library[name] is not graph.functions[name]]
    assert len(changed) == 1
    assert gradients.find("PartitionedCall-1") is None
