"""Variables of loaded models: what is read stays what it was, from any thread, and after errors."""

from __future__ import annotations

import shutil
import threading

import keras
import numpy as np
import pytest

import anyhub as hub
from anyhub.engines.portable.values import to_device, to_host
from anyhub.errors import EngineError, SavedModelError
from support import programs
from support.programs import BACKEND, check, save

tf = programs.tensorflow()

only_torch = pytest.mark.skipif(BACKEND != "torch", reason="about torch's tensors and autograd")
SINGLE = tf.TensorSpec([1, 2])
PAIR = np.asarray([1.0, 2.0], np.float32)
THREADS = 8


class Stateful(tf.Module):
    """Functions that read and assign."""

    def __init__(self):
        super().__init__()
        self.v = tf.Variable(PAIR)
        self.best = tf.Variable([-np.inf, -np.inf])
        self.steps = tf.Variable(0)

    @tf.function(input_signature=[])
    def read(self):
        return {"whole": self.v.read_value(), "part": tf.reshape(self.v, [1, 2])[0]}

    @tf.function(input_signature=[tf.TensorSpec([2])])
    def assign(self, value):
        self.v.assign(value)

    @tf.function(input_signature=[])
    def grow(self):
        before = self.v.read_value()
        between = self.v.assign_add([1.0, 1.0]) * 1.0
        self.v.assign(between * 2.0)
        return {"before": before, "between": between, "after": self.v.read_value()}

    @tf.function(input_signature=[tf.TensorSpec([2])])
    def keep_best(self, value):
        self.best.assign(tf.maximum(self.best, value))
        return self.best.read_value()

    @tf.function(input_signature=[])
    def count(self):
        self.steps.assign_add(1)
        return self.steps.read_value()


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("stateful")
    tf.saved_model.save(Stateful(), str(path))
    return path


def load(path):
    return hub.load(str(path), engine="portable")


def listed(values):
    return {name: to_host(value).tolist() for name, value in values.items()}


def test_results_stay_when_the_variable_changes(saved):
    model = load(saved)
    found = model.read()
    model.assign([7.0, 7.0])
    model.v.assign([8.0, 8.0])
    assert listed(found) == {"whole": [1, 2], "part": [1, 2]}
    assert listed(model.read()) == {"whole": [8, 8], "part": [8, 8]}


@only_torch
def test_variables_stay_when_a_result_is_changed(saved):
    import torch

    model = load(saved)
    with torch.no_grad():
        for tensor in model.read().values():
            tensor.mul_(0)
    assert to_host(model.v.value).tolist() == [1, 2]


def test_reads_between_assignments(saved):
    model = load(saved)
    expected = {"before": [1, 2], "between": [2, 3], "after": [4, 6]}
    assert listed(model.grow()) == expected
    original = tf.saved_model.load(str(saved))
    theirs = original.grow()
    assert {name: value.numpy().tolist() for name, value in theirs.items()} == expected


def test_functions_without_results_return_none(saved):
    assert load(saved).assign([3.0, 4.0]) is None


def test_variables_that_hold_infinity_can_be_assigned(saved):
    model = load(saved)
    assert to_host(model.keep_best([-1.0, 5.0])).tolist() == [-1, 5]
    assert to_host(model.keep_best([2.0, 3.0])).tolist() == [2, 5]


def test_derivatives_of_what_was_read_before_an_assignment(tmp_path):
    weights = tf.Variable([1.0, 2.0, 3.0], name="w")

    def f(x):
        loss = (x * weights) ** 2
        weights.assign_sub(0.1 * loss)
        return loss

    # TensorFlow's tape does not see what the function assigns; its derivative is that of the loss.
    check(
        save(tmp_path, f, tf.TensorSpec([3]), w=weights), np.asarray([1.0, -2.0, 0.5], np.float32)
    )


@only_torch
def test_derivatives_survive_later_assignments(saved):
    import torch

    model = load(saved)
    loss = (model.read()["whole"] ** 2).sum()
    model.assign([7.0, 7.0])
    (found,) = torch.autograd.grad(loss, [model.v.value])
    assert found.tolist() == [2, 4]


@only_torch
def test_results_that_are_views_can_be_transformed(tmp_path):
    import torch

    weights = tf.Variable([[1.0, 2.0]], name="w")
    model = load(save(tmp_path, lambda x: tf.reshape(x * weights, [2]), SINGLE, w=weights).path)
    x = torch.ones(1, 2)
    for transform in (torch.func.jacrev, torch.func.jacfwd):
        assert transform(model.f)(x).squeeze().tolist() == [[1, 0], [0, 2]]
    assert torch.func.vmap(model.f)(x[None]).tolist() == [[1, 2]]

    class Module(torch.nn.Module):
        def forward(self, x):
            return model.f(x)

    assert torch.export.export(Module(), (x,)).module()(x).tolist() == [1, 2]


@only_torch
def test_the_first_call_may_be_in_inference_mode(saved):
    import torch

    model = load(saved)
    with torch.inference_mode():
        model.read()
    (found,) = torch.autograd.grad((model.read()["whole"] ** 2).sum(), [model.v.value])
    assert found.tolist() == [2, 4]


def in_threads(function):
    found = []
    barrier = threading.Barrier(THREADS)

    def run():
        barrier.wait()
        found.append(function())

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_threads_get_the_same_variables(saved):
    for _ in range(5):
        model = load(saved)
        assert len({id(variable) for variable in in_threads(lambda m=model: m.v)}) == 1


def test_threads_lose_no_assignment(saved):
    model = load(saved)
    in_threads(lambda: [model.count() for _ in range(20)])
    assert int(to_host(model.steps.value)) == 20 * THREADS


def test_functions_that_were_called_before_refuse_after_closing(saved):
    model = load(saved)
    read = model.read
    read()
    model.close()
    with pytest.raises(EngineError, match="was closed"):
        read()


def test_flipped_bits_in_weights_are_found(saved, tmp_path):
    copy = shutil.copytree(saved, tmp_path / "copy")
    (data,) = (copy / "variables").glob("*.data*")
    octets = bytearray(data.read_bytes())
    place = octets.index(PAIR.tobytes())
    octets[place] ^= 1
    data.write_bytes(octets)
    with pytest.raises(SavedModelError, match="checksum"):
        load(copy).read()


def test_missing_weights_are_said_to_be_missing(saved, tmp_path):
    copy = shutil.copytree(saved, tmp_path / "copy")
    shutil.rmtree(copy / "variables")
    with pytest.raises(SavedModelError, match=r"variables\.index.*missing"):
        load(copy).read()


def test_what_cannot_be_written_is_explained(saved, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(SavedModelError, match="cannot be written.*Not a directory"):
        hub.save(load(saved), tmp_path / "file" / "model")


@pytest.mark.parametrize("given", [None, object(), [[1.0], [2.0, 3.0]]])
def test_values_that_are_no_tensors_are_shown_as_they_are(saved, given):
    with pytest.raises(hub.errors.InputError) as caught:
        load(saved).assign(given)
    assert "string" not in str(caught.value)


def test_symbolic_tensors_belong_into_layers(saved):
    with pytest.raises(hub.errors.InputError, match="hub.KerasLayer"):
        load(saved).assign(keras.Input((2,)))


def test_arguments_in_places_of_unknown_rank(tmp_path):
    path = save(tmp_path, lambda x: x + 1, tf.TensorSpec(None, tf.int32)).path
    model = load(path)
    assert to_host(model.f(np.int32(3))) == 4
    with pytest.raises(hub.errors.InputError, match="int32 of any shape"):
        model.f(1.5)


def test_what_keras_calls_sparse_is_dense(tmp_path):
    module = tf.Module()
    module.__call__ = tf.function(lambda x: x * 2.0, input_signature=[tf.TensorSpec([None, 3])])
    tf.saved_model.save(module, str(tmp_path))
    inputs = keras.Input((3,))
    layer = hub.KerasLayer(str(tmp_path), engine="portable")
    model = keras.Model(inputs, layer(inputs * 2))
    found = model(to_device(np.ones((2, 3), np.float32)))
    np.testing.assert_array_equal(to_host(found), 4)


def test_compiled_steps_draw_other_numbers(tmp_path):
    module = tf.Module()
    module.__call__ = tf.function(
        lambda x: tf.nn.dropout(x, 0.5), input_signature=[tf.TensorSpec([None, 64])]
    )
    tf.saved_model.save(module, str(tmp_path))
    layer = hub.KerasLayer(str(tmp_path), engine="portable")
    step, state = layer, None
    if BACKEND == "jax":
        jax = pytest.importorskip("jax", reason="the backend in use")
        layer.build((None, 64))
        step = jax.jit(lambda x, state: layer.stateless_call([], state, x))
        state = [variable.value for variable in layer.non_trainable_variables]
    masks = set()
    for _ in range(4):
        x = to_device(np.ones((2, 64), np.float32))
        found, state = (step(x), None) if state is None else step(x, state)
        masks.add((to_host(found) == 0).tobytes())
    assert len(masks) == 4
