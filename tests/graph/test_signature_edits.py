"""Signatures added, renamed and removed: TensorFlow 2, TensorFlow 1 and we see the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="compares with TensorFlow")

from anyhub import savedmodel
from anyhub.errors import SavedModelError
from anyhub.graph.signature_edits import (
    add_signature,
    expose_tensors,
    remove_signature,
    rename_signature,
    set_method_name,
)
from anyhub.savedmodel.signatures import Signature
from support import models

X = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("signatures")
    for name in ("trainable", "text", "dict", "list", "signatures", "tf1_hub"):
        getattr(models, f"save_{name}")(folder / name)
    return folder


def run_in_tf2(path: Path, name: str, inputs: dict) -> dict:
    loaded = tf.saved_model.load(str(path))
    tensors = {key: tf.constant(value) for key, value in inputs.items()}
    return {key: value.numpy() for key, value in loaded.signatures[name](**tensors).items()}


def run_in_tf1(path: Path, name: str, inputs: dict, tags=("serve",)) -> dict:
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        graph = tf.compat.v1.saved_model.load(session, list(tags), str(path))
        signature = graph.signature_def[name]
        feeds = {signature.inputs[key].name: value for key, value in inputs.items()}
        return session.run({key: t.name for key, t in signature.outputs.items()}, feeds)


@pytest.mark.parametrize("run", [run_in_tf1, run_in_tf2])
@pytest.mark.parametrize(
    ("model", "values", "inputs"),
    [
        ("trainable", {"training": False, "rate": 0.0}, {"inputs": X}),
        ("text", {}, {"sentences": np.array([b"a long", b"nothing"], dtype=object)}),
        ("dict", {}, {"inputs_ids": np.ones((1, 2), int), "inputs_mask": np.full((1, 2), 3)}),
        ("list", {}, {"inputs_0": X[:, :2], "inputs_1": X[:, 1:]}),
    ],
)
def test_added_from_a_function(saved: Path, tmp_path: Path, run, model, values, inputs) -> None:
    edited = add_signature(savedmodel.read(saved / model), "mine", values=values)
    path = savedmodel.write(edited, tmp_path / "edited")
    found = run(path, "mine", inputs)
    original = tf.saved_model.load(str(saved / model))
    if model == "dict":
        expected = original({k[7:]: tf.constant(v) for k, v in inputs.items()})
    elif model == "list":
        result = original([tf.constant(v) for v in inputs.values()])
        expected = {f"output_{i}": v for i, v in enumerate(result)}
    else:
        expected = {"output_0": original(tf.constant(next(iter(inputs.values()))), **values)}
    assert sorted(found) == sorted(expected)
    for key, value in expected.items():
        np.testing.assert_allclose(found[key], value, rtol=1e-6)
    # What was there still is.
    assert set(savedmodel.read(saved / model).graph().signatures) < set(edited.graph().signatures)


def test_names_that_sort_otherwise_than_the_arguments(tmp_path: Path) -> None:
    model = tf.train.Checkpoint()
    model.w = tf.Variable(10.0)
    spec = tf.TensorSpec([None])
    model.f = tf.function(lambda z, a, m: {"y": z - a, "b": m * model.w})
    model.f.get_concrete_function(spec, spec, tf.TensorSpec([]))
    tf.saved_model.save(model, str(tmp_path / "source"))
    edited = add_signature(savedmodel.read(tmp_path / "source"), "s", "f")
    path = savedmodel.write(edited, tmp_path / "edited")
    inputs = {"z": np.float32([5]), "a": np.float32([2]), "m": np.float32(3)}
    for run in (run_in_tf1, run_in_tf2):
        found = run(path, "s", inputs)
        assert (found["y"].tolist(), found["b"].tolist()) == ([3.0], 30.0)


def test_inner_tensors_of_a_function(saved: Path, tmp_path: Path) -> None:
    model = savedmodel.read(saved / "trainable")
    graph = model.graph()
    trace = graph.restored_functions["__call__"].concrete_functions[0]
    traces = graph.restored_functions["__call__"].concrete_functions
    trace = next(t for t in traces if t.input_signature[0][1] is False)
    product = next(n.name for n in graph.functions[trace.name].node_def if n.op == "MatMul")
    tensors = {"product": product, "again": f"{product}:0"}
    edited = expose_tensors(model, "inner", tensors, values={"training": False})
    path = savedmodel.write(edited, tmp_path / "edited")
    kernel = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)
    for run in (run_in_tf1, run_in_tf2):
        found = run(path, "inner", {"inputs": X})
        np.testing.assert_allclose(found["product"], X @ kernel, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(found["product"], found["again"])
    with pytest.raises(SavedModelError, match=f"has no node '{product}x'.*mean '{product}'"):
        expose_tensors(model, "other", {"y": f"{product}x"}, values={"training": False})
    with pytest.raises(SavedModelError, match="which has no output 7"):
        expose_tensors(model, "other", {"y": f"{product}:7"}, values={"training": False})


def test_renamed_and_removed(saved: Path, tmp_path: Path) -> None:
    model = savedmodel.read(saved / "signatures")
    model = remove_signature(rename_signature(model, "serving_default", "predict"), "add")
    path = savedmodel.write(model, tmp_path / "edited")
    assert list(tf.saved_model.load(str(path)).signatures) == ["predict"]
    for run in (run_in_tf1, run_in_tf2):
        np.testing.assert_allclose(run(path, "predict", {"x": np.float32([2])})["y"], [6.0])


def test_method_name_is_what_tensorflows_updater_writes(saved: Path, tmp_path: Path) -> None:
    import shutil

    name = "tensorflow/serving/regress"
    model = set_method_name(savedmodel.read(saved / "signatures"), "add", name)
    path = savedmodel.write(model, tmp_path / "ours")
    shutil.copytree(saved / "signatures", tmp_path / "theirs")
    updater = tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater(
        str(tmp_path / "theirs")
    )
    updater.replace_method_name("add", name, ["serve"])
    updater.save()
    ours, theirs = (
        savedmodel.read(p).graph().proto.signature_def for p in (path, tmp_path / "theirs")
    )
    assert ours["add"] == theirs["add"]
    assert ours["serving_default"] == theirs["serving_default"]


def test_inner_tensor_of_a_tf1_graph(saved: Path, tmp_path: Path) -> None:
    model = savedmodel.read(saved / "tf1_hub")
    default = model.graph([]).signatures["default"]
    inner = next(n.input[0] for n in model.graph([]).nodes.values() if n.op.startswith("Add"))
    output = default.outputs["default"]
    exposed = {"product": type(output)((f"{inner}:0",), output.dtype, output.shape)}
    edited = add_signature(model, "inner", Signature(default.inputs, exposed), tags=[])
    path = savedmodel.write(edited, tmp_path / "edited")
    found = run_in_tf1(path, "inner", {"default": np.float32([3])}, tags=())
    np.testing.assert_allclose(found["product"], [6.0])


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda m: rename_signature(m, "nope", "x"), "no signature 'nope'; available: 'add', 'ser"),
        (lambda m: rename_signature(m, "add", "serving_default"), "already"),
        (lambda m: remove_signature(m, "nope"), "no signature 'nope'"),
        (lambda m: set_method_name(m, "nope", "x"), "no signature 'nope'"),
        (lambda m: add_signature(m, "__x", "one"), "begins with '__'"),
        (lambda m: add_signature(m, "x", "nope"), "no function 'nope'; available: 'one'"),
        (lambda m: add_signature(m, "x", "one", values={"training": True}), "was not traced for"),
        (
            lambda m: add_signature(
                m,
                "x",
                Signature(
                    {},
                    {"y": m.graph().signatures["add"].inputs["a"].__class__(("n:0",), None, None)},
                ),
            ),
            "names the tensor 'n:0'",
        ),
    ],
)
def test_errors(saved: Path, edit, words: str) -> None:
    model = savedmodel.read(saved / "signatures")
    before = model.proto.SerializeToString(deterministic=True)
    with pytest.raises(SavedModelError, match=words):
        edit(model)
    assert model.proto.SerializeToString(deterministic=True) == before


def test_captures_of_variables_with_equal_names(tmp_path: Path) -> None:
    model = tf.train.Checkpoint()
    model.v = [tf.Variable(float(i)) for i in range(5)]
    spec = tf.TensorSpec([])
    model.g = tf.function(lambda x: x + 10 * model.v[4] + model.v[2], input_signature=[spec])
    one = tf.function(lambda x: x + model.v[0], input_signature=[spec])
    tf.saved_model.save(model, str(tmp_path / "source"), signatures=one)
    edited = add_signature(savedmodel.read(tmp_path / "source"), "n", "g")
    path = savedmodel.write(edited, tmp_path / "edited")
    for run in (run_in_tf1, run_in_tf2):
        assert run(path, "n", {"x": np.float32(0)})["output_0"] == 42.0


@pytest.mark.parametrize("name", ["my sig", "a:b", "é", "_x"])
def test_names_that_nodes_cannot_have(saved: Path, tmp_path: Path, name: str) -> None:
    model = savedmodel.read(saved / "trainable")
    values = {"training": False}
    edited = add_signature(model, name, values=values)
    edited = expose_tensors(edited, f"{name} too", {"o ut": "MatMul"}, values=values)
    path = savedmodel.write(edited, tmp_path / "edited")
    for run in (run_in_tf1, run_in_tf2):
        assert run(path, name, {"inputs": X})["output_0"].shape == (5, 4)
        assert run(path, f"{name} too", {"inputs": X})["o ut"].shape == (5, 4)


def test_captured_asset_that_no_call_passes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "asset.txt").write_text("x")
    model = tf.train.Checkpoint()
    model.asset = tf.saved_model.Asset(str(tmp_path / "asset.txt"))
    model.f = tf.function(lambda: tf.io.read_file(model.asset), input_signature=[])
    tf.saved_model.save(model, str(tmp_path / "source"), signatures={})
    with pytest.raises(SavedModelError, match="captures the asset 'asset'"):
        add_signature(savedmodel.read(tmp_path / "source"), "s", "f")


@pytest.mark.parametrize("number", [-1, 10**6])
def test_damaged_signature_map(saved: Path, number: int) -> None:
    model = savedmodel.read(saved / "signatures")
    root = model.proto.meta_graphs[0].object_graph_def.nodes[0]
    next(r for r in root.children if r.local_name == "signatures").node_id = number
    for edit in (
        lambda: remove_signature(model, "add"),
        lambda: rename_signature(model, "add", "x"),
    ):
        with pytest.raises(SavedModelError, match=f"refers to object {number}"):
            edit()


def test_internal_signatures_are_left_alone(saved: Path) -> None:
    with pytest.raises(SavedModelError, match="no signature '__saved_model_init_op'"):
        remove_signature(savedmodel.read(saved / "signatures"), "__saved_model_init_op")
