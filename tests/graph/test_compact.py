"""Compaction: equal values once, no optimizer, no dead function, the same results."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from anyhub import savedmodel
from anyhub.errors import SavedModelError
from anyhub.graph.compact import compact, drop_unreachable_functions, equal_values
from anyhub.graph.object_edits import drop_optimizers
from anyhub.savedmodel import schema
from anyhub.savedmodel.bundle import write_bundle


def disk_bytes(path: Path) -> int:
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def empty_model(root: Path, values: dict[str, np.ndarray]) -> savedmodel.SavedModel:
    (root / "variables").mkdir(parents=True)
    proto = schema.SavedModel()
    graph = proto.meta_graphs.add()
    graph.graph_def.node.add(name="call", op="used")
    for name, callee in (("used", "inner"), ("inner", ""), ("dead", "inner"), ("loop", "loop")):
        function = graph.graph_def.library.function.add()
        function.signature.name = name
        if callee:
            node = function.node_def.add(name="n", op="PartitionedCall")
            node.attr["f"].func.name = callee
    (root / "saved_model.pb").write_bytes(proto.SerializeToString())
    write_bundle(root / "variables" / "variables", values.items())
    return savedmodel.read(root)


def test_equal_values_are_found(tmp_path: Path) -> None:
    x = np.arange(4, dtype=np.float32)
    values = {"a": x, "b": x, "c": x.reshape(2, 2), "d": x.astype(np.int32), "e": x + 1, "f": x}
    assert equal_values(empty_model(tmp_path, values)) == {"b": "a", "f": "a"}


def test_equal_values_are_stored_once(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=100_000)
    model = empty_model(tmp_path / "source", {"a": x, "b": x, "c": x})
    result = compact(model, tmp_path / "small")
    assert result.shared_bytes == 2 * x.nbytes
    assert disk_bytes(result.path) < 1.01 * x.nbytes + 2000
    small = savedmodel.read(result.path)
    for key in "abc":
        np.testing.assert_array_equal(small.store.read(key), x)


def test_dead_functions_are_dropped(tmp_path: Path) -> None:
    smaller, dropped = drop_unreachable_functions(empty_model(tmp_path, {"a": np.ones(1)}))
    assert dropped == ("dead", "loop")
    assert sorted(smaller.graphs[0].functions) == ["inner", "used"]


@pytest.fixture
def trained(tmp_path: Path):
    """A Keras 2 model that was saved with its optimizer, as many old ones are."""
    pytest.importorskip("tensorflow", reason="makes the model with TensorFlow")
    keras = pytest.importorskip("tf_keras", reason="makes the model with Keras 2")
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(4, name="dense")])
    model.compile(keras.optimizers.legacy.Adam(), "mse")
    model.fit(np.ones((4, 3)), np.ones((4, 4)), verbose=0)
    model.save(str(tmp_path / "source"), save_format="tf")
    return model, tmp_path / "source"


def test_optimizer_and_slots_are_dropped(trained, tmp_path: Path) -> None:
    import tensorflow as tf

    keras_model, source = trained
    smaller, dropped = drop_optimizers(savedmodel.read(source))
    assert sum("/.OPTIMIZER_SLOT/" in key for key in dropped) == 4
    assert any(key.startswith("optimizer/") for key in dropped)
    assert not set(dropped) & set(smaller.store)
    path = compact(savedmodel.read(source), tmp_path / "small").path
    x = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    expected = keras_model(x).numpy()
    loaded = tf.saved_model.load(str(path))
    np.testing.assert_allclose(loaded(x, training=False, mask=None), expected, rtol=1e-6)
    assert len(loaded.trainable_variables) == 2
    # TensorFlow Serving and TensorFlow 1 restore by the saver of the graph.
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        graph = tf.compat.v1.saved_model.load(session, ["serve"], str(path))
        signature = graph.signature_def["serving_default"]
        (feed,), (fetch,) = signature.inputs.values(), signature.outputs.values()
        found = session.run(fetch.name, {feed.name: x})
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_optimizers_can_be_kept(trained, tmp_path: Path) -> None:
    _, source = trained
    model = savedmodel.read(source)
    result = compact(model, tmp_path / "small", keep_optimizers=True)
    assert result.dropped_values == ()
    assert savedmodel.read(result.path).store.keys() == model.store.keys()


def test_keras_3_export_is_halved(tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow", reason="makes the model with TensorFlow")
    keras = pytest.importorskip("keras", minversion="3", reason="it is Keras 3 that writes twice")
    layers = [keras.layers.Dense(700, activation="relu") for _ in range(3)]
    model = keras.Sequential([keras.Input((700,)), *layers])
    model.export(str(tmp_path / "source"), verbose=False)
    path = compact(savedmodel.read(tmp_path / "source"), tmp_path / "small").path
    assert disk_bytes(path) < 0.52 * disk_bytes(tmp_path / "source")
    x = np.random.default_rng(0).normal(size=(2, 700)).astype("float32")
    for directory in (path, tmp_path / "source"):
        loaded = tf.saved_model.load(str(directory))
        np.testing.assert_allclose(loaded.serve(x), model(x), rtol=1e-5, atol=1e-5)


def test_compacted_keras_2_model_opens_in_keras(trained, tmp_path: Path) -> None:
    keras = pytest.importorskip("tf_keras", reason="opens the model with Keras 2")
    keras_model, source = trained
    path = compact(savedmodel.read(source), tmp_path / "small").path
    again = keras.models.load_model(str(path), compile=False)
    x = np.ones((2, 3), np.float32)
    np.testing.assert_allclose(again(x), keras_model(x), rtol=1e-6)


def test_own_object_called_optimizer_is_kept(tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow", reason="makes the model with TensorFlow")
    model = tf.train.Checkpoint()
    model.optimizer = tf.train.Checkpoint()
    model.optimizer.rate = tf.Variable(0.5)
    model.optimizer.step = tf.function(lambda: model.optimizer.rate * 2, input_signature=[])
    tf.saved_model.save(model, str(tmp_path / "source"))
    path = compact(savedmodel.read(tmp_path / "source"), tmp_path / "small").path
    loaded = tf.saved_model.load(str(path))
    assert float(loaded.optimizer.step()) == 1.0


def test_functions_for_other_devices_are_kept(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow", reason="makes the model with TensorFlow")
    keras = pytest.importorskip("tf_keras", reason="it is Keras 2 that saves them")
    model = keras.Sequential([keras.layers.Input((4, 3)), keras.layers.LSTM(2)])
    model.save(str(tmp_path / "source"), save_format="tf")
    before, after = (
        {f.attr["api_implements"].s for f in graph.functions.values() if "gpu" in f.signature.name}
        for graph in (
            savedmodel.read(tmp_path / "source").graph(),
            savedmodel.read(
                compact(savedmodel.read(tmp_path / "source"), tmp_path / "small").path
            ).graph(),
        )
    )
    assert before
    assert after == before


@pytest.mark.parametrize("field", ["dependencies", "saveable_objects", "bound_inputs"])
def test_damaged_numbers_are_refused(trained, field: str, tmp_path: Path) -> None:
    model = savedmodel.read(trained[1])
    objects = model.proto.meta_graphs[0].object_graph_def
    if field == "dependencies":
        objects.nodes[1].dependencies.add(node_id=10**6, local_name="x")
    elif field == "saveable_objects":
        objects.nodes[1].saveable_objects["x"].save_function = -3
    else:
        name = next(iter(objects.concrete_functions))
        objects.concrete_functions[name].bound_inputs.append(10**6)
    with pytest.raises(SavedModelError, match="there are only"):
        compact(model, tmp_path / "small")
