"""Functions traced by TensorFlow do the same after the passes, run by TensorFlow."""

from __future__ import annotations

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="TensorFlow traces and runs what is compared")

from anyhub.errors import SavedModelError
from anyhub.graph.fold import fold
from anyhub.graph.freeze import freeze
from anyhub.graph.inline import inline
from anyhub.graph.prune import prune
from support.tensorflow_graphs import as_function, read_concrete

FLOAT = tf.TensorSpec([None], tf.float32)


class Counted(tf.Module):
    """Effects whose order shows in the result."""

    def __init__(self):
        self.a = tf.Variable(1.0)
        self.b = tf.Variable([1.0, 2.0])
        self.table = tf.lookup.experimental.MutableHashTable(tf.string, tf.float32, -1.0)

    @property
    def state(self):
        keys, values = self.table.export()
        order = np.argsort(keys.numpy())
        return [self.a.numpy(), self.b.numpy(), keys.numpy()[order].tolist(), values.numpy()[order]]

    @tf.function
    def double(self):
        self.a.assign(self.a * 2.0 + 1.0)
        self.table.insert(tf.strings.as_string(tf.cast(self.a, tf.int32)), self.a)
        return self.a.read_value()

    @tf.function
    def subtract(self, x):
        before = self.a.read_value()
        self.a.assign_sub(tf.reduce_sum(x))
        return before + self.double()

    @tf.function(input_signature=[FLOAT])
    def nested(self, x):
        first = self.double()
        second = self.subtract(x)
        third = self.double()
        self.b.assign_add([third, first])
        return {"sum": first + second * 10 + third * 100, "b": self.b * 1.0}

    @tf.function(input_signature=[FLOAT])
    def branches(self, x):
        if tf.reduce_sum(x) > 3.0:
            self.a.assign_add(self.subtract(x))
        else:
            self.a.assign(self.double() * 3.0)
        for i in tf.range(3):
            self.b.assign(self.b * 1.5 + tf.cast(i, tf.float32))
        return self.a + tf.reduce_sum(self.b)

    @tf.function(input_signature=[FLOAT])
    def waiting(self, x):
        with tf.control_dependencies([self.a.assign_add(10.0)]):
            y = tf.identity(x) * self.a
        with tf.control_dependencies([y]):
            self.a.assign(0.5)
        tf.debugging.assert_less(x, 1e9)
        return y + self.a

    @tf.function(input_signature=[FLOAT])
    def reading(self, x):
        def half(v):
            return v / 2 + self.a

        total = tf.zeros_like(x)
        for _ in tf.range(3):
            total += tf.gather(self.b, [0]) * half(x)
        pair = tf.cond(tf.size(x) > 2, lambda: self.b * 2.0, lambda: self.b + self.a)
        mapped = tf.map_fn(lambda v: v * self.a, x)
        return total + mapped, tf.reshape(pair, [-1, tf.shape(self.b)[0]])

    @tf.function(input_signature=[FLOAT])
    def choosing(self, x):
        index = tf.cast(tf.reduce_sum(x), tf.int32)
        picked = tf.switch_case(index, [lambda: self.a * 1.0, lambda: self.b[1], lambda: x[0]])
        return tf.nn.embedding_lookup(self.b, tf.constant([1, 0])) * picked


NAMES = ["nested", "branches", "waiting", "reading", "choosing"]
INPUTS = [[0.25, 0.5], [1.0, 0.0, 3.0], [2.0]]


def results(module, function):
    """What three calls in a row give, and what they leave."""
    found = []
    for x in INPUTS:
        outputs = tf.nest.flatten(function(tf.constant(x)))
        found.append(([value.numpy() for value in outputs], module.state))
    return found


def same(first, second):
    return all(
        np.allclose(a, b) if isinstance(a, np.ndarray | np.floating) else a == b
        for a, b in zip(tf.nest.flatten(first), tf.nest.flatten(second), strict=True)
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("passes", ["inline", "inline prune", "inline prune fold prune", "prune"])
def test_effects_and_results_stay(name, passes):
    original, other = Counted(), Counted()
    concrete = getattr(other, name).get_concrete_function()
    graph, library, captures = read_concrete(concrete)
    for step in passes.split():
        graph = (
            inline(graph, library)
            if step == "inline"
            else {"prune": prune, "fold": fold}[step](graph)
        )
    if "inline" in passes:
        assert not {"PartitionedCall", "StatefulPartitionedCall"} & {
            n.op for n in graph.nodes.values()
        }
    changed = as_function(graph, library, captures)
    expected = results(original, getattr(original, name))
    assert same(results(other, changed), expected)


@pytest.mark.parametrize("name", ["reading", "choosing"])
def test_freezing(name):
    module = Counted()
    module.a.assign(4.0)
    function = getattr(module, name)
    graph, library, captures = read_concrete(function.get_concrete_function())
    handles = {id(v.handle): v.numpy() for v in module.variables}
    count = len(graph.inputs) - len(captures)
    names = dict(zip(graph.inputs[count:], captures, strict=True))
    values = {n: handles[id(c)] for n, c in names.items() if id(c) in handles}
    assert len(values) == 2
    for ready in (prune(inline(graph, library)), prune(graph)):
        frozen = freeze(ready, values, library)
        kept = [c for n, c in names.items() if n in frozen.graph.inputs]
        ops = {n.op for n in frozen.graph.nodes.values()}
        ops |= {n.op for f in frozen.library.values() for n in f.node_def}
        assert not ops & {"ReadVariableOp", "ResourceGather", "VarHandleOp"}
        changed = as_function(prune(frozen.graph), dict(frozen.library), kept)
        for x in INPUTS:
            expected = [v.numpy() for v in tf.nest.flatten(function(tf.constant(x)))]
            assert same([v.numpy() for v in changed(tf.constant(x))], expected)


@pytest.mark.parametrize("name", ["nested", "branches", "waiting"])
def test_assigned_variables_are_not_frozen(name):
    module = Counted()
    graph, library, captures = read_concrete(getattr(module, name).get_concrete_function())
    count = len(graph.inputs) - len(captures)
    handles = {id(module.a.handle): np.float32(1)}
    names = zip(graph.inputs[count:], captures, strict=True)
    values = {n: handles[id(c)] for n, c in names if id(c) in handles}
    with pytest.raises(SavedModelError, match=r"cannot be frozen: node .* changes it"):
        freeze(prune(inline(graph, library)), values, library)


def test_custom_gradients_may_be_kept():
    @tf.custom_gradient
    def clipped(x):
        return tf.identity(x), lambda dy: tf.clip_by_value(dy, -1.0, 1.0)

    inner = tf.function(clipped, input_signature=[FLOAT])

    @tf.function(input_signature=[FLOAT])
    def outer(x):
        return inner(x) * 3.0

    graph, library, _ = read_concrete(outer.get_concrete_function())
    asked = []
    kept = inline(graph, library, keep=lambda name: bool(asked.append(name)) or True)
    assert asked
    assert any("PartitionedCall" in node.op for node in kept.nodes.values())
    assert not any("PartitionedCall" in n.op for n in inline(graph, library).nodes.values())


def test_tf1_conditions_loops_and_calls():
    """Branches that are not taken stay so, with functions called inside and outside of them."""
    from tensorflow.python.framework import function

    v1 = tf.compat.v1
    with tf.Graph().as_default() as built:
        v1.disable_control_flow_v2()

        @function.Defun(tf.float32)
        def plus_const(x):
            return x + tf.constant(10.0)

        @function.Defun(tf.float32)
        def const_only(unused):
            return tf.constant(7.0) * tf.constant(2.0)

        x = v1.placeholder(tf.float32, [], name="x")
        v = v1.get_variable("v", initializer=2.0, use_resource=False)
        r = v1.get_variable("r", initializer=3.0, use_resource=True)
        y = tf.cond(x > 1.0, lambda: const_only(x) * v, lambda: plus_const(x) + r)
        z = tf.while_loop(
            lambda i, _: i < 3, lambda i, a: (i + 1, plus_const(a) * r + v), [tf.constant(0), y]
        )
        size = tf.cond(x > 2.0, lambda: tf.size(tf.zeros([2, 3])), lambda: tf.constant(1))
        tf.identity(z[1] + tf.cast(size, tf.float32), name="out")
        v1.enable_control_flow_v2()
    check_tf1(built, {"v": np.float32(2), "r": np.float32(3)})


def check_tf1(built, values):
    from anyhub.graph.convert import read_graph
    from anyhub.savedmodel import schema
    from support.tensorflow_graphs import to_tensorflow

    proto = schema.GraphDef.FromString(built.as_graph_def().SerializeToString())
    library = {f.signature.name: f for f in proto.library.function}
    graph = read_graph(proto, ["x:0"], {"out": "out:0"}, "main")
    inlined = prune(inline(graph, library))
    assert not {*library} & {node.op for node in inlined.nodes.values()}
    frozen = freeze(inlined, values, library).graph
    with tf.compat.v1.Session(graph=built) as session:
        session.run(
            [op for op in built.get_operations() if op.type in ("Assign", "AssignVariableOp")]
        )
        for keep_effects in (True, False):
            for changed in (frozen, prune(fold(frozen), keep_effects)):
                with tf.Graph().as_default() as other:
                    tf.graph_util.import_graph_def(to_tensorflow(changed, library), name="")
                (output,) = changed.outputs
                with tf.compat.v1.Session(graph=other) as run:
                    for x in (0.5, 1.5, 2.5):
                        expected = session.run("out:0", {"x:0": x})
                        assert run.run(str(output), {"x:0": x}) == pytest.approx(expected)
