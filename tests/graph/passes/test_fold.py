"""Folding on graphs made by hand, and of shape arithmetic that TensorFlow traced."""

from __future__ import annotations

import numpy as np
import pytest

from anyhub.errors import SavedModelError
from anyhub.graph.fold import fold
from anyhub.graph.inference import Facts
from anyhub.graph.ir import Ref, attr_value, topological_order
from anyhub.graph.node_values import constant
from anyhub.graph.prune import prune
from anyhub.savedmodel.tensors import read_tensor
from support.graph_programs import argument, dtype, make_graph, node, shape

FLOAT, INT32, INT64 = 1, 3, 9


def ints(name, *values):
    return constant(name, np.array(values, np.int32))


def scalar(name, value):
    return constant(name, np.int32(value))


def sized(name, *sizes, number=FLOAT):
    made = argument(name, number)
    return type(made)(name, made.op, attrs={**made.attrs, "shape": shape(*sizes)})


def value(graph, name):
    assert graph.nodes[name].op == "Const"
    return read_tensor(graph.nodes[name].attrs["value"].tensor).tolist()


def test_arithmetic_and_shapes():
    graph = fold(make_graph(
        sized("x", 2, 3), node("s", "Shape", "x"), ints("axes", 0), node("n", "Prod", "s", "axes"),
        scalar("two", 2), node("half", "FloorDiv", "n", "two"), node("y", "Neg", "x"),
        node("size", "Size", "y", out_type=dtype(INT64)), node("rank", "Rank", "y"),
        outputs="half size rank y",
    ))  # fmt: skip
    assert [value(graph, name) for name in ("half", "size", "rank")] == [3, 6, 2]
    assert graph.nodes["y"].op == "Neg"
    assert set(prune(graph).nodes) == {"x", "half", "size", "rank", "y"}


def last_size(*, given=None):
    index = {name: ints(name, *v) for name, v in (("b", [1]), ("e", [2]), ("d", [1]))}
    return fold(make_graph(
        sized("x", -1, 64), node("r", "Relu", "x"), node("s", "Shape", "r"), *index.values(),
        node("c", "StridedSlice", "s", "b", "e", "d", shrink_axis_mask=1),
        node("z", "StridedSlice", "s", "b0", "b", "d", shrink_axis_mask=1), ints("b0", 0),
        scalar("eight", 8), node("h", "FloorDiv", "c", "eight"),
        node("target", "Pack", "z", "eight", "h", T=dtype(INT32)),
        node("y", "Reshape", "r", "target"), node("s2", "Shape", "y", out_type=dtype(INT64)),
        node("t", "StridedSlice", "s2", "e", "three", "d", shrink_axis_mask=1), ints("three", 3),
        outputs="h y t z",
    ), given)  # fmt: skip


def test_parts_of_shapes_that_are_known():
    graph = last_size()
    assert value(graph, "h") == value(graph, "t") == 8
    assert graph.nodes["z"].op == "StridedSlice"
    assert graph.nodes["target"].op == "Pack"


def test_shapes_that_the_caller_knows():
    graph = last_size(given={"x": (5, 64)})
    assert value(graph, "z") == 5
    assert value(graph, "target") == [5, 8, 8]


def test_several_outputs():
    graph = fold(make_graph(
        ints("c", 4, 5), node("u", "Unpack", "c", num=2, axis=0), node("y", "Sub", "u:1", "u"),
        argument("x", FLOAT), node("late", "PrintV2", "x", "^u"), outputs="y u:1", controls="late",
    ))  # fmt: skip
    assert value(graph, "y") == 1
    assert value(graph, graph.outputs[1].node) == 5
    assert set(prune(graph).nodes) >= {"late"}


def test_what_waited_still_waits():
    graph = fold(make_graph(
        argument("x", FLOAT), node("p", "PrintV2", "x"), scalar("a", 1),
        node("b", "Identity", "a", "^p"), node("c", "Neg", "b"), outputs="c",
    ))  # fmt: skip
    assert value(graph, "c") == -1
    assert graph.nodes["c"].controls == ("p",)


def test_branches_of_tf1():
    graph = fold(make_graph(
        sized("x", 2), argument("p", 10, 1), node("s", "Switch", "x", "p", T=dtype(FLOAT)),
        node("i", "Identity", "s:1"), sized("y", 2), node("z", "Add", "y", "i"),
        node("r", "Rank", "z"), scalar("c", 3), node("d", "Neg", "c", "^i"),
        node("e", "Neg", "d"), outputs="z r e",
    ))  # fmt: skip
    assert graph.nodes["e"].controls == ("i",)
    # The rank of x in the branch is not known, that of y and what it is added to neither.
    assert graph.nodes["r"].op == "Rank"


def test_a_shape_in_a_branch_waits_for_the_branch():
    graph = fold(make_graph(
        argument("x", FLOAT), argument("p", 10, 1), node("s", "Switch", "x", "p", T=dtype(FLOAT)),
        node("k", "Reshape", "s:1", "shape"), ints("shape", 3, 2),
        node("r", "Shape", "k"), outputs="r",
    ))  # fmt: skip
    assert value(graph, "r") == [3, 2]
    assert graph.nodes["r"].controls == ("k",)


def test_random_and_stateful_ops_stay():
    graph = make_graph(
        ints("s", 2),
        node("r", "RandomUniform", "s", dtype=dtype(FLOAT), T=dtype(INT32)),
        node("n", "Shape", "r"),
        outputs="r n",
    )
    folded = fold(graph)
    assert folded.nodes["r"].op == "RandomUniform"
    assert value(folded, "n") == [2]


def test_large_results_and_errors_stay():
    graph = fold(make_graph(
        ints("d", 1 << 30, 1 << 30), constant("f", np.float32(1)), node("huge", "Fill", "d", "f"),
        ints("e", 100, 300), node("big", "Fill", "e", "f"), scalar("zero", 0),
        node("bad", "FloorDiv", "zero", "zero"), node("s", "Shape", "big"),
        outputs="huge big bad s",
    ))  # fmt: skip
    assert [graph.nodes[n].op for n in ("huge", "big", "bad")] == ["Fill", "Fill", "FloorDiv"]
    assert value(graph, "s") == [100, 300]


def test_defaults_of_what_is_not_fed():
    graph = fold(make_graph(
        constant("no", np.False_), node("phase", "PlaceholderWithDefault", "no"),
        node("y", "LogicalNot", "phase"), outputs="y",
    ))  # fmt: skip
    assert value(graph, "y") is True


def test_strings_are_only_moved():
    texts = constant("t", np.array([b"a", b"bc"], object))
    graph = fold(make_graph(texts, scalar("i", 1), scalar("axis", 0),
                            node("y", "GatherV2", "t", "i", "axis"), outputs="y"))  # fmt: skip
    assert value(graph, "y") == b"bc"


def test_damaged_constants_are_refused():
    broken = node("c", "Const", dtype=dtype(FLOAT))
    with pytest.raises(SavedModelError, match="'c' has no value"):
        fold(make_graph(broken, outputs="c"))
    tensor = attr_value(tensor={"dtype": 1, "tensor_content": b"abc"})
    with pytest.raises(SavedModelError):
        fold(make_graph(node("c", "Const", value=tensor), outputs="c"))


def test_nodes_without_their_attributes_are_left_alone():
    graph = fold(
        make_graph(ints("a", 1), node("c", "Cast", "a"), node("u", "Unpack", "a"), outputs="c u")
    )
    assert {graph.nodes["c"].op, graph.nodes["u"].op} == {"Cast", "Unpack"}


def traced():
    tf = pytest.importorskip("tensorflow", reason="TensorFlow traces the functions")

    def heads(x):
        batch, length, width = tf.unstack(tf.shape(x))
        y = tf.reshape(x, [batch, length, 4, width // 4])
        y = tf.transpose(y, [0, 2, 1, 3])
        return tf.reshape(y, tf.concat([tf.shape(y)[:2], [-1]], 0)), tf.range(width)

    def windows(x):
        y = tf.nn.conv2d(x[:, :, tf.newaxis], tf.ones([2, 1, 8, 5]), [1, 2, 2, 1], "SAME")
        y = tf.nn.max_pool(
            tf.pad(y, [[0, 0], [1, 2], [0, 0], [0, 0]]), [1, 2, 1, 1], [1, 1, 1, 1], "VALID"
        )
        return (
            y,
            tf.ones([y.shape[1] or 1, tf.shape(y)[-1]]),
            tf.zeros_like(tf.reduce_sum(y, [1, -1])),
        )

    def broadcasts(x):
        shape = tf.broadcast_dynamic_shape(tf.shape(x), tf.constant([2, 1, 1, 8]))
        y = tf.tile(x[..., tf.newaxis], [1, 2, 1, tf.rank(x)]) * tf.ones([1, 1, 1, 3])
        return (
            shape,
            tf.size(y[0]),
            tf.argmax(y, -1),
            tf.stack(tf.split(y, 2, 2)),
            y[:, -1:, ::-3, 1],
        )

    def products(x):
        y = tf.matmul(x, x, transpose_b=True)
        z = tf.matmul(x, tf.ones([8, 2]))
        picked = tf.gather(z, [1, 0], axis=-1)
        return (
            tf.shape(y),
            tf.expand_dims(picked, -2),
            tf.squeeze(picked[:, :1], [1]),
            tf.tensordot(x, x[0], [[2], [1]]),
        )

    return [tf.function(f, input_signature=[tf.TensorSpec([None, 6, 8])])
            for f in (heads, windows, broadcasts, products)]  # fmt: skip


@pytest.mark.parametrize("index", range(4))
def test_traced_shape_arithmetic(index):
    tf = pytest.importorskip("tensorflow", reason="TensorFlow traces and runs the functions")
    from anyhub.graph.inline import inline
    from support.tensorflow_graphs import as_function, read_concrete

    function = traced()[index]
    graph, library, captures = read_concrete(function.get_concrete_function())
    graph = prune(inline(graph, library))
    for batch in (1, 4):
        known = {graph.inputs[0]: (batch, 6, 8)}
        facts = Facts(graph, known)
        for name in topological_order(graph):
            facts.learn(graph.nodes[name])
        x = tf.random.normal([batch, 6, 8])
        expected = [v.numpy() for v in tf.nest.flatten(function(x))]
        for shapes in (None, known):
            folded = prune(fold(graph, shapes))
            got = as_function(folded, library, captures)(x)
            for ours, theirs in zip(got, expected, strict=True):
                np.testing.assert_allclose(ours, theirs, rtol=1e-6)
        for ref, theirs in zip(graph.outputs, expected, strict=True):
            assert facts.shape(ref) == theirs.shape
        assert not {"Shape", "Size", "Rank", "Range"} & {n.op for n in folded.nodes.values()}


def test_facts_of_what_is_not_there():
    facts = Facts(make_graph(), {})
    assert facts.shape(Ref("x")) is None
    assert facts.values_of("x") == {}
