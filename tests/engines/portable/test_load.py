"""`hub.load(engine="portable")`: objects, functions, signatures, errors."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import anyhub as hub
from anyhub.engines.portable.values import to_device, to_host
from anyhub.errors import (
    EngineError,
    InputError,
    SavedModelError,
    SignatureError,
    UnsafeModelError,
)
from anyhub.savedmodel import read

X = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)


def load(path, **kwargs):
    return hub.load(str(path), engine="portable", **kwargs)


def expected(model, x=X):
    return np.tanh(x @ to_host(model.encoder.kernel.value)) + to_host(model.bias.value)


def test_the_model_is_called_like_the_function_it_was_saved_from(plain):
    model = load(plain)
    for result in (model(X), model(X, False), model(x=X), model(X, training=False),
                   model(X.tolist()), model(keras.ops.convert_to_tensor(X))):  # fmt: skip
        np.testing.assert_allclose(to_host(result), expected(model), rtol=1e-5, atol=1e-6)
    assert keras.ops.is_tensor(result)


def test_training_chooses_its_trace_and_changes_variables(plain):
    model = load(plain)
    model(X, training=True)
    model(X, True)
    assert int(to_host(model.steps.value)) == 2
    model(X)
    assert int(to_host(model.steps.value)) == 2


def test_objects_lists_and_dicts_are_restored(plain):
    model = load(plain)
    assert [v.path for v in model.variables] == ["encoder_kernel", "bias", "steps"]
    assert [v.path for v in model.trainable_variables] == ["encoder_kernel", "bias"]
    assert model.variables[0] is model.encoder.kernel
    assert isinstance(model.bias, keras.Variable)
    assert sorted(model.scales) == ["big", "small"]
    assert float(to_host(model.scales["big"].value)) == 10.0
    assert to_host(model.encoder(X)).shape == (2, 4)
    kernel = to_host(model.encoder.kernel.value)
    (loss,) = model.regularization_losses
    np.testing.assert_allclose(to_host(loss()), 0.01 * np.sum(kernel**2), rtol=1e-5)
    assert Path(model.asset).read_text() == "one\ntwo\n"
    assert "encoder" in dir(model)


def test_nested_arguments_and_results(plain):
    model = load(plain)
    one, two = [1.0, 2.0], [3.0, 4.0]
    result = model.nested({"pair": [one, two]}, offset=[5.0, 5.0])
    np.testing.assert_allclose(to_host(result["sum"]), [12.0, 15.0])
    first, pair = result["list"]
    np.testing.assert_allclose(to_host(first), one)
    np.testing.assert_allclose(to_host(pair.second), [5.0, 5.0])
    np.testing.assert_allclose(to_host(pair.first), two)


def test_signatures(plain):
    model = load(plain)
    assert list(model.signatures) == ["serving_default", "two"]
    default, two = model.signatures["serving_default"], model.signatures["two"]
    np.testing.assert_allclose(to_host(default(X)["output_0"]), to_host(default(x=X)["output_0"]))
    result = two(a=[1.0, 2.0], b=[3.0, 5.0])
    np.testing.assert_allclose(to_host(result["difference"]), [-2, -3])
    np.testing.assert_allclose(to_host(result["product"]), [3, 10])
    assert {name: spec.dtype.name for name, spec in two.structured_outputs.items()} == {
        "difference": "float32", "product": "float32"}  # fmt: skip
    assert two.structured_input_signature[1]["a"].shape == (None,)


def test_wide_types_are_exact(plain):
    model = load(plain)
    found = to_host(model.large(np.array([1, -3])))
    assert found.dtype == np.int64
    assert found.tolist() == [2**33 + 2**40, -3 * 2**33 + 2**40]
    found = to_host(model.wide(np.array([1.0])))
    assert found.dtype == np.float64
    assert 0.99 < found[0] < 1.01


def test_sizes_may_be_given_by_the_caller(plain):
    model = load(plain)
    for size in (3, np.int32(3), np.array(3), keras.ops.convert_to_tensor(3, "int32")):
        assert to_host(model.filled(size, 2.0)).tolist() == [[20.0] * 2] * 3
    assert to_host(model.filled(5, 1)).shape == (5, 2)


def test_empty_batches(plain):
    assert to_host(load(plain)(np.zeros((0, 3), np.float32))).shape == (0, 4)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m: m(np.ones((2, 4))), ["shape differs: found (2, 4)", "accepted form 1"]),
        (lambda m: m(np.ones(3)), ["rank differs: found 1, accepted 2"]),
        (lambda m: m(), ["x: float32", "<- missing"]),
        (lambda m: m(X, training="yes"), ["found 'yes'"]),
        (lambda m: m(X, False, 3), ["argument 3: not accepted"]),
        (lambda m: m(X, mask=X), ["mask: not accepted"]),
        (lambda m: m(["a"]), ["string"]),
        (lambda m: m(X.astype(np.complex64)), ["dtype differs: found complex64"]),
        (lambda m: m({"x": X}), ["x['x']: not accepted"]),
        (lambda m: m.large([1.5]), ["dtype differs", "int64"]),
        (lambda m: m.nested({"pair": [[1.0]]}, offset=[1.0]), ["<- missing"]),
        (lambda m: m.nested({"pair": ([1.0], [1.0])}, offset=[1.0]), ["not accepted"]),
        (lambda m: m.signatures["two"](a=[1.0]), ["b: float32", "<- missing"]),
        (lambda m: m.signatures["two"]([1.0]), ["<- missing"]),
        (lambda m: m.signatures["two"](a=[1.0], b=[1.0], c=1), ["c: not accepted"]),
        (lambda m: m.filled(2**40, 1.0), ["do not fit", "int32"]),
    ],
)  # fmt: skip
def test_arguments_that_fit_no_trace(plain, call, words):
    with pytest.raises(InputError) as raised:
        call(load(plain))
    for word in words:
        assert word in str(raised.value)


def test_functions_with_missing_ops_say_which_and_the_others_run(plain):
    model = load(plain)
    with pytest.raises(EngineError, match="BoostedTreesBucketize.*engine='tensorflow'"):
        model.unknown([1.0])
    assert not any(handle.is_loaded for handle in model._restorer.state.handles.values())
    with pytest.raises(EngineError, match="BoostedTreesBucketize"):
        load(plain, endpoints=["serving_default", "unknown"])
    with pytest.raises(SignatureError, match="'nothing'.*'serving_default'"):
        load(plain, endpoints=["nothing"])
    load(plain, endpoints=["two", "encoder.__call__"])


def test_unknown_attributes_name_those_that_there_are(plain):
    with pytest.raises(AttributeError, match="no attribute 'decoder'.*encoder"):
        load(plain).decoder  # noqa: B018


def test_no_weight_is_read_before_it_is_needed(plain):
    model = load(plain)
    handles = model._restorer.state.handles
    model.filled(1, 1.0)
    assert [h.name for h in handles.values() if h.is_loaded] == ["Variable"]


def test_closed_models_refuse_to_run(plain):
    with load(plain) as model:
        model(X)
    for use in (
        lambda: model(X),
        lambda: model.variables,
        lambda: model.signatures["two"](a=[1.0], b=[1.0]),
    ):
        with pytest.raises(EngineError, match="was closed"):
            use()


def test_pickles_keep_changed_weights(plain):
    model = load(plain)
    model.bias.assign([1.0, 2.0, 3.0, 4.0])
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(to_host(again(X)), to_host(model(X)))
    assert len(pickle.dumps(model)) < 2000


def test_pickles_of_other_files_are_refused(plain):
    data = pickle.dumps(load(plain))
    graph = plain / "saved_model.pb"
    graph.write_bytes(graph.read_bytes() + b"\x50\x01")
    with pytest.raises(SavedModelError, match="not those of the model that was pickled"):
        pickle.loads(data)


def test_saved_models_have_the_present_weights(plain, tmp_path):
    model = load(plain)
    model.bias.assign([1.0, 2.0, 3.0, 4.0])
    model(X, training=True)
    hub.save(model, tmp_path / "saved")
    again = load(tmp_path / "saved")
    np.testing.assert_array_equal(to_host(again(X)), to_host(model(X)))
    assert int(to_host(again.steps.value)) == 1
    with pytest.raises(SavedModelError, match="saved"):
        hub.save(model, tmp_path / "saved")
    with pytest.raises(EngineError, match="int was not loaded by hub.load"):
        hub.save(3, tmp_path / "other")


def test_tensorflow_loads_what_was_saved(plain, tmp_path):
    tf = pytest.importorskip("tensorflow", reason="TensorFlow loads the saved model")
    model = load(plain)
    model.encoder.kernel.assign(2 * to_host(model.encoder.kernel.value))
    hub.save(model, tmp_path / "saved")
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    for training in (False, True):
        np.testing.assert_allclose(
            loaded(X, training=training).numpy(), to_host(model(X, training=training)), rtol=1e-5
        )
    assert int(loaded.steps) == 1


def test_results_do_not_follow_changes_of_the_arguments():
    array = np.ones((64, 64), np.float32)
    tensor = to_device(array)
    array[:] = 2
    np.testing.assert_array_equal(to_host(tensor), 1)


def test_models_that_would_do_more_than_compute_are_refused(plain):
    load(plain, safe=True)
    model = read(plain)
    for function in model.proto.meta_graphs[0].graph_def.library.function:
        for node in function.node_def:
            if node.op == "BoostedTreesBucketize":
                node.op = "WriteFile"
    (plain / "saved_model.pb").write_bytes(model.proto.SerializeToString())
    with pytest.raises(UnsafeModelError, match="WriteFile"):
        load(plain, safe=True)


def test_two_loads_do_not_share_weights(plain):
    one, two = load(plain), load(plain)
    one.bias.assign([1.0] * 4)
    assert to_host(two.bias.value).tolist() == [0.0] * 4


def test_tensorflow_is_not_imported(plain):
    code = (
        "import sys, anyhub as hub\n"
        f"model = hub.load({str(plain)!r}, engine='portable')\n"
        "model([[1.0, 2.0, 3.0]])\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    if keras.backend.backend() == "tensorflow":
        pytest.skip("Keras itself imports TensorFlow")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_damaged_weights_are_an_error(plain):
    (plain / "variables" / "variables.data-00000-of-00001").write_bytes(b"")
    model = load(plain)
    with pytest.raises(SavedModelError):
        model(X)
