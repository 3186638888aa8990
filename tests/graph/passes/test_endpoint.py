"""Endpoints of models: made by hand, and saved by TensorFlow."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from anyhub import savedmodel
from anyhub.errors import SavedModelError
from anyhub.graph.convert import node_def
from anyhub.graph.endpoint import endpoint_graph, freeze_endpoint, variable_values
from anyhub.graph.function_def import function_def
from anyhub.graph.node_values import constant
from anyhub.graph.prune import prune
from anyhub.savedmodel import schema
from anyhub.savedmodel.model import SavedModel
from support.graph_interpreter import Machine
from support.graph_programs import RESOURCE, argument, dtype, make_graph, node, shape

FLOAT = 1


def hand_made(*, bound=(1, 2, 3), operation="const", main=()):
    """A model whose function "f" captures a variable, a constant and a table."""
    body = make_graph(
        argument("x", FLOAT), argument("v", RESOURCE, 1), argument("c", FLOAT, 2),
        argument("t", RESOURCE, 3), node("r", "ReadVariableOp", "v", dtype=dtype(FLOAT)),
        node("m", "Mul", "x", "r"), node("y", "AddV2", "m", "c"), node("z", "Neg", "y"),
        outputs="y z", name="f",
    )  # fmt: skip
    proto = schema.SavedModel()
    graph = proto.meta_graphs.add()
    graph.meta_info_def.tags.append("serve")
    graph.graph_def.library.function.append(function_def(body, [FLOAT, FLOAT], {}))
    for made in (constant("const", np.float32(0.5)), *main):
        graph.graph_def.node.append(node_def(made, {}))
    objects = graph.object_graph_def
    root = objects.nodes.add()
    root.user_object.SetInParent()
    for number, name in enumerate(("v", "c", "t", "fn"), start=1):
        root.children.add(node_id=number, local_name=name)
        objects.nodes.add()
    objects.nodes[1].variable.dtype = FLOAT
    objects.nodes[1].variable.name = "v"
    objects.nodes[2].constant.operation = operation
    objects.nodes[3].resource.SetInParent()
    objects.nodes[4].function.concrete_functions.append("f")
    objects.concrete_functions["f"].bound_inputs.extend(bound)
    store = SimpleNamespace(
        object_graph=schema.TrackableObjectGraph(), keys=tuple, read=lambda key: np.float32(3)
    )
    return SavedModel(proto, None, store)


@pytest.mark.parametrize("name", ["fn", "f"])
def test_a_function_and_what_it_captures(name):
    endpoint = endpoint_graph(hand_made(), name)
    assert endpoint.arguments == ("x",)
    # The constant is in the graph, the table is used by nobody.
    assert [(c.name, c.kind, c.path) for c in endpoint.captures] == [("v", "variable", "v")]
    assert endpoint.graph.inputs == ("x", "v")
    machine = Machine({}, {})
    machine.variables["v"] = np.float32(3)
    outputs = machine.run(endpoint.graph, [np.float32(2), "v"])
    assert [float(v) for v in outputs] == [6.5, -6.5]


@pytest.mark.parametrize(("changed", "message"), [
    ({"bound": (1, 2, 9)}, "captures object 9; there are 5"),
    ({"bound": (1, 2, 3, 1, 2)}, "captures 5 objects, but has only 4 inputs"),
    ({"operation": "gone"}, "captured constant 'gone' is no constant"),
])  # fmt: skip
def test_damaged_captures(changed, message):
    with pytest.raises(SavedModelError, match=message):
        endpoint_graph(hand_made(**changed), "fn")


def test_endpoints_that_do_not_exist():
    with pytest.raises(SavedModelError, match=r"no endpoint 'no'; .* functions \['fn'\]"):
        endpoint_graph(hand_made(), "no")
    with pytest.raises(SavedModelError, match="has 1 traces, no number 1"):
        endpoint_graph(hand_made(), "fn", trace=1)
    with pytest.raises(SavedModelError, match="takes a variable without a value: 'v'"):
        freeze_endpoint(hand_made(), endpoint_graph(hand_made(), "fn"))
    model = hand_made()
    del model.graph().proto.graph_def.library.function[:]
    with pytest.raises(SavedModelError, match="'f' is not in the library"):
        endpoint_graph(model, "fn")


def test_a_signature_of_a_main_graph():
    model = hand_made(main=(
        node("in", "Placeholder", dtype=dtype(FLOAT), shape=shape(-1)),
        node("w", "VariableV2", dtype=dtype(FLOAT), shape=shape()),
        node("y", "Mul", "in", "w"), node("table", "HashTableV2"),
        node("found", "LookupTableFindV2", "table", "in", "y"), node("init", "NoOp", "^y"),
    ))  # fmt: skip
    del model.proto.meta_graphs[0].object_graph_def.nodes[:]
    signature = model.proto.meta_graphs[0].signature_def["predict"]
    signature.inputs["x"].name = "in:0"
    signature.outputs["b"].name = "y:0"
    signature.outputs["a"].name = "found:0"
    signature.outputs["a"].dtype = signature.outputs["b"].dtype = FLOAT
    signature.outputs["op"].name = "init"
    endpoint = endpoint_graph(model, "predict")
    assert endpoint.input_names == {"x": ("in",)}
    assert endpoint.graph.output_names == ("a", "b")
    assert endpoint.graph.controls == ("y",)
    assert [(c.name, c.kind) for c in endpoint.captures] == [
        ("w", "variable"),
        ("table", "resource"),
    ]
    signature.outputs["b"].name = "gone:0"
    with pytest.raises(SavedModelError, match="has no tensor 'gone:0'"):
        endpoint_graph(model.with_proto(model.proto), "predict")


def test_a_saved_module(tmp_path):
    tf = pytest.importorskip("tensorflow", reason="TensorFlow saves the model")
    from support.tensorflow_graphs import as_function

    words = tmp_path / "words.txt"
    words.write_text("a\nb\n")

    class Module(tf.Module):
        def __init__(self):
            self.v = tf.Variable([1.0, 2.0])
            self.unused = tf.Variable(1.0)
            self.many = [tf.Variable(float(i), name="same") for i in range(3)]
            self.file = tf.saved_model.Asset(str(words))
            self.table = tf.lookup.StaticHashTable(
                tf.lookup.TextFileInitializer(
                    self.file,
                    tf.string,
                    tf.lookup.TextFileIndex.WHOLE_LINE,
                    tf.int64,
                    tf.lookup.TextFileIndex.LINE_NUMBER,
                ),
                -1,
            )

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "z"),
                                      tf.TensorSpec([], tf.float32, "a")])  # fmt: skip
        def __call__(self, z, a):
            self.unused.assign_add(1.0)
            total = tf.add_n(self.many) * a
            return {"two": z * self.v[0] + total, "one": a - self.many[1]}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def look_up(self, x):
            return tf.cast(self.table.lookup(x), tf.float32) * self.v[1]

    module = Module()
    tf.saved_model.save(module, str(tmp_path / "m"), signatures={
        "serving_default": module.__call__, "words": module.look_up})  # fmt: skip
    model = savedmodel.read(tmp_path / "m")
    z, a = np.array([1, 2], np.float32), np.float32(4)
    expected = {k: v.numpy() for k, v in module(z, a).items()}
    for name in ("serving_default", "__call__"):
        endpoint = endpoint_graph(model, name, keep_effects=False)
        assert endpoint.graph.output_names == ("one", "two")
        assert len(endpoint.arguments) == 2
        assert {c.path for c in endpoint.captures} >= {"v"}
        frozen = freeze_endpoint(model, endpoint)
        fed = {"z": z, "a": a}
        if name == "serving_default":
            assert {*endpoint.input_names} == {"a", "z"}
            fed = {endpoint.input_names[key][0]: value for key, value in fed.items()}
        order = [fed[n] for n in endpoint.arguments] if endpoint.input_names else [z, a]
        got = as_function(frozen.graph, dict(frozen.library), [])(*map(tf.constant, order))
        for key, value in zip(frozen.graph.output_names, got, strict=True):
            np.testing.assert_allclose(value, expected[key])
    with pytest.raises(SavedModelError, match=r"variable .* cannot be frozen"):
        freeze_endpoint(model, endpoint_graph(model, "__call__"))
    looked = endpoint_graph(model, "words")
    assert sorted(c.kind for c in looked.captures) == ["resource", "variable"]
    assert freeze_endpoint(model, looked).graph.inputs != looked.arguments


def test_a_partitioned_variable(tmp_path):
    tf = pytest.importorskip("tensorflow", reason="TensorFlow saves the model")
    from support.tensorflow_graphs import to_tensorflow

    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        x = v1.placeholder(tf.float32, [None, 10], name="x")
        with v1.variable_scope("s", use_resource=False):
            w = v1.get_variable("w", [10, 3], partitioner=v1.fixed_size_partitioner(3),
                                initializer=v1.random_normal_initializer())  # fmt: skip
        y = tf.matmul(x, tf.convert_to_tensor(w))
        session.run(v1.global_variables_initializer())
        expected = session.run(y, {x: np.eye(10)})
        v1.saved_model.simple_save(session, str(tmp_path / "m"), {"x": x}, {"y": y})
    model = savedmodel.read(tmp_path / "m")
    endpoint = endpoint_graph(model, "serving_default")
    values = variable_values(model, endpoint)
    assert sorted(value.shape for value in values.values()) == [(3, 3), (3, 3), (4, 3)]
    frozen = prune(freeze_endpoint(model, endpoint).graph)
    with tf.Graph().as_default() as other:
        tf.graph_util.import_graph_def(to_tensorflow(frozen, {}), name="")
        with v1.Session(graph=other) as session:
            got = session.run(str(frozen.outputs[0]), {"x:0": np.eye(10, dtype=np.float32)})
    np.testing.assert_allclose(got, expected)
