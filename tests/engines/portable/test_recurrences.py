"""Loops that are recurrent layers: joined on torch, and what is not one is left alone."""

from __future__ import annotations

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from anyhub.engines.portable import planner, values
from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.recurrence import Recurrence
from support import programs
from support.programs import BACKEND, Program, save

fused = primitives("fused")
only_torch = pytest.mark.skipif(BACKEND != "torch", reason="loops are joined on torch only")
TURNS, BATCH, WIDTH, SIZE = 6, 2, 3, 4


# --- the functions that stand for loops ---


def arrays(count, dtype=np.float32, turns=TURNS, batch=BATCH):
    """Inputs, two states, and weights for so many gates: kernels and two biases."""
    rng = np.random.default_rng(0)
    columns = count * SIZE
    shapes = [(turns, batch, WIDTH), (batch, SIZE), (batch, SIZE)]
    shapes += [(WIDTH, columns), (SIZE, columns), (columns,), (columns,)]
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def plain_lstm(x, h, c, kernel, recurrent, bias):
    found = []
    for element in x:
        i, f, new, o = np.split(element @ kernel + h @ recurrent + bias, 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(new)
        h = sigmoid(o) * np.tanh(c)
        found.append(h)
    return np.stack(found), h, c


def plain_gru(x, h, kernel, recurrent, bias, recurrent_bias):
    found = []
    for element in x:
        xz, xr, xn = np.split(element @ kernel + bias, 3, axis=-1)
        hz, hr, hn = np.split(h @ recurrent + recurrent_bias, 3, axis=-1)
        z = sigmoid(xz + hz)
        h = z * h + (1 - z) * np.tanh(xn + sigmoid(xr + hr) * hn)
        found.append(h)
    return np.stack(found), h


def compare(found, wanted, tolerance=1e-5):
    for have, want in zip(found, wanted, strict=True):
        np.testing.assert_allclose(values.to_host(have), want, rtol=tolerance, atol=tolerance)


@only_torch
@pytest.mark.parametrize("biases", [(), ("bias",)])
def test_lstm(biases):
    x, h, c, kernel, recurrent, bias, _ = arrays(4)
    given = {"kernel": kernel, "recurrent": recurrent, **dict.fromkeys(biases, bias)}
    tensors = {name: values.to_device(value) for name, value in given.items()}
    found = fused.lstm(*map(values.to_device, (x, h, c)), **tensors)
    compare(found, plain_lstm(x, h, c, kernel, recurrent, bias if biases else 0))


@only_torch
@pytest.mark.parametrize("biases", [(), ("bias",), ("recurrent_bias",), ("bias", "recurrent_bias")])
def test_gru(biases):
    x, h, _, kernel, recurrent, *two = arrays(3)
    given = {"kernel": kernel, "recurrent": recurrent}
    for name, bias in zip(("bias", "recurrent_bias"), two, strict=True):
        given |= {name: bias} if name in biases else {}
    tensors = {name: values.to_device(value) for name, value in given.items()}
    found = fused.gru(*map(values.to_device, (x, h)), **tensors)
    full = {"bias": 0, "recurrent_bias": 0, **given}
    compare(found, plain_gru(x, h, **full))


# --- joined and turn by turn ---


@pytest.fixture
def joined(monkeypatch):
    """How often loops were asked to be computed at once, and how often they were."""
    counts = {"asked": 0, "done": 0}
    finish = Recurrence.finish

    def spy(self, *arguments):
        found = finish(self, *arguments)
        counts["asked"] += 1
        counts["done"] += found is not None
        return found

    monkeypatch.setattr(Recurrence, "finish", spy)
    return counts


def both(monkeypatch, path, endpoint="f"):
    """A program with loops joined, and one without."""
    first = Program(path, endpoint)
    with monkeypatch.context() as context:
        context.setattr(planner, "find_recurrence", lambda *_: None)
        return first, Program(path, endpoint)


def derived(program, inputs):
    """Outputs, variables, and derivatives by all inputs and variables."""
    import torch

    leaves = [torch.from_numpy(a.copy()).requires_grad_(a.dtype.kind == "f") for a in inputs]
    state = [torch.from_numpy(np.array(a)) for a in program.start]
    state = [s.requires_grad_(s.is_floating_point()) for s in state]
    outputs, variables = program(leaves, state)
    floats = [values.to_device(o) for o in outputs]
    # Each element has another weight, or errors might cancel.
    total = sum((o * torch.linspace(1, 2, o.numel()).view(o.shape)).sum()
                for o in floats if o.is_floating_point())  # fmt: skip
    wanted = [leaf for leaf in (*leaves, *state) if leaf.requires_grad]
    gradients = torch.autograd.grad(total, wanted, allow_unused=True)
    zeros = [torch.zeros_like(w) if g is None else g
             for w, g in zip(wanted, gradients, strict=True)]  # fmt: skip
    return [values.to_host(value) for value in (*outputs, *variables, *zeros)]


def check(monkeypatch, path, *inputs, endpoint="f", tolerance=2e-5):
    """Compare a program with itself without joined loops."""
    found, wanted = (derived(p, inputs) for p in both(monkeypatch, path, endpoint))
    assert [a.dtype for a in found] == [a.dtype for a in wanted]
    compare(found, wanted, tolerance)


# --- what Keras exports ---

FORMS = {
    "lstm": "LSTM(4)",
    "lstm_sequence": "LSTM(4, return_sequences=True)",
    "lstm_backwards": "LSTM(4, go_backwards=True, return_sequences=True)",
    "lstm_states": "LSTM(4, return_sequences=True, return_state=True)",
    "lstm_last_states": "LSTM(4, return_state=True)",
    "lstm_without_bias": "LSTM(4, use_bias=False)",
    "lstm_stateful": "LSTM(4, stateful=True)",
    "lstm_both_ways": "Bidirectional(layers.LSTM(4, return_sequences=True))",
    "lstm_separate": "RNN(layers.LSTMCell(4, implementation=1))",
    "lstm_cell": "RNN(layers.LSTMCell(4, implementation=2), return_sequences=True)",
    "gru": "GRU(4)",
    "gru_sequence": "GRU(4, return_sequences=True)",
    "gru_backwards": "GRU(4, go_backwards=True)",
    "gru_states": "GRU(4, return_sequences=True, return_state=True)",
    "gru_without_bias": "GRU(4, use_bias=False)",
    "gru_cell": "RNN(layers.GRUCell(4, reset_after=True))",
}
OTHERS = {
    "simple": "SimpleRNN(4)",
    "lstm_relu": "LSTM(4, activation='relu')",
    "lstm_hard": "LSTM(4, recurrent_activation='hard_sigmoid')",
    "gru_before": "GRU(4, reset_after=False)",
    "gru_relu": "GRU(4, activation='relu')",
}
# Training traces, and in which library a loop is joined: not where states have dropout, nor where
# each turn draws another mask.
DROPOUT = {
    "lstm_dropout": ("LSTM(4, dropout=0.3)", ("keras", "tf_keras")),
    "lstm_cell_dropout": ("RNN(layers.LSTMCell(4, dropout=0.3))", ("keras",)),
    "lstm_recurrent_dropout": ("LSTM(4, recurrent_dropout=0.3)", ()),
    "gru_dropout": ("GRU(4, dropout=0.3)", ("keras", "tf_keras")),
}


def _export(library, directory):
    lines = [
        f"import {library}, tensorflow as tf",
        f"from {library} import Input, Model, layers",
        f"{library}.utils.set_random_seed(0)",
        f"x = Input(({TURNS}, {WIDTH}), batch_size={BATCH})",
    ]
    for name, layer in {**FORMS, **OTHERS}.items():
        lines.append(f"Model(x, layers.{layer}(x)).export({str(directory / name)!r})")
    lines.append("masked = layers.LSTM(4)(layers.Masking()(x))")
    lines.append(f"Model(x, masked).export({str(directory / 'masked')!r})")
    for name, (layer, _) in DROPOUT.items():
        lines += [
            f"layer = layers.{layer}; layer(tf.zeros(x.shape))",
            "variables = [v if isinstance(v, tf.Variable) else v.value for v in layer.variables]",
            "module = tf.Module(); module.layer = variables",
            "spec = tf.TensorSpec(x.shape, tf.float32)",
            "module.f = tf.function(lambda x: layer(x, training=True), input_signature=[spec])",
            f"tf.saved_model.save(module, {str(directory / name)!r})",
        ]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Directories of models with recurrent layers, by library."""
    programs.tensorflow()
    found = {library: tmp_path_factory.mktemp(library) for library in ("keras", "tf_keras")}
    # Keras has the backend of the tests here and TensorFlow in other processes.
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    for library, directory in found.items():
        command = [sys.executable, "-c", _export(library, directory)]
        subprocess.run(command, check=True, env=environment, capture_output=True)
    return found


def data():
    return np.random.default_rng(0).normal(size=(BATCH, TURNS, WIDTH)).astype(np.float32)


@only_torch
@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_layers_of_keras_are_joined(exported, joined, monkeypatch, library, name):
    check(monkeypatch, exported[library] / name, data(), endpoint="serving_default")
    count = 2 if name == "lstm_both_ways" else 1
    assert joined == {"asked": count, "done": count}


@only_torch
@pytest.mark.parametrize("name", [*OTHERS, "masked"])
@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_other_layers_of_keras_are_not(exported, joined, monkeypatch, library, name):
    inputs = data()
    inputs[1, 4:] = 0
    check(monkeypatch, exported[library] / name, inputs, endpoint="serving_default")
    assert joined["asked"] == 0


@only_torch
@pytest.mark.parametrize("name", DROPOUT)
@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_layers_with_dropout(exported, joined, monkeypatch, library, name):
    pair = both(monkeypatch, exported[library] / name)
    if library == "keras":
        # The mask is drawn from the seed, which is a variable.
        compare(*(derived(program, [data()]) for program in pair))
    else:
        pair[0]([values.to_device(data())])
    assert joined["done"] == (library in DROPOUT[name][1])


# --- loops written by hand ---


def lstm_turn(tf, w, x, h, c, *, activation=None, order=(0, 1, 2, 3), transpose=False, rank=1):
    kernel = tf.transpose(w.kernel) if transpose else w.kernel
    gates = tf.matmul(x, kernel, transpose_b=transpose) + tf.matmul(h, w.recurrent)
    bias = tf.reshape(w.bias, [1] * (rank - 1) + [-1])
    parts = tf.split(gates + bias, 4, axis=1)
    i, f, new, o = (parts[place] for place in order)
    c = tf.sigmoid(f) * c + tf.sigmoid(i) * (activation or tf.tanh)(new)
    return tf.sigmoid(o) * tf.tanh(c), c


def peephole_turn(tf, w, x, h, c):
    i, f, new, o = tf.split(tf.matmul(x, w.kernel) + tf.matmul(h, w.recurrent) + w.bias, 4, axis=1)
    c = tf.sigmoid(f + 0.5 * c) * c + tf.sigmoid(i) * tf.tanh(new)
    return tf.sigmoid(o) * tf.tanh(c), c


def noisy_turn(tf, w, x, h, c):
    return lstm_turn(tf, w, x * tf.random.stateless_uniform([WIDTH], [1, 2]), h, c)


def gru_turn(tf, w, x, h, c, *, one=1.0, swapped=False, cut=None):
    xs = tf.split(tf.matmul(x, w.kernel) + w.bias, 3, axis=1)
    whole = tf.matmul(h, w.recurrent) + w.other
    if cut is None:
        hs = tf.split(whole, 3, axis=1)
    else:
        hs = whole[:, :SIZE], whole[:, cut : cut + SIZE], whole[:, 2 * SIZE :]
    z, r = tf.sigmoid(xs[0] + hs[0]), tf.sigmoid(xs[1] + hs[1])
    new = tf.tanh(xs[2] + r * hs[1 if swapped else 2])
    return z * h + (one - z) * new, c


class Loop:
    """A function of inputs and states that is a loop, and the variables it takes."""

    def __init__(self, turn=lstm_turn, count=4, *, dtype=np.float32, first=0, step=1, length=0,
                 slack=0, assigns=False, last=None, batch=None, **how):  # fmt: skip
        self.tf = programs.tensorflow()
        weights = arrays(count, dtype)[3:]
        names = ("kernel", "recurrent", "bias", "other")
        self.variables = {
            n: self.tf.Variable(a, name=n) for n, a in zip(names, weights, strict=True)
        }
        if assigns:
            self.variables["turns"] = self.tf.Variable(0, name="turns")
        self.w = type("Weights", (), self.variables)
        self.turn, self.how, self.dtype = turn, how, dtype
        self.first, self.step, self.length, self.slack = first, step, length, slack
        self.last, self.batch = last, batch

    def __call__(self, x, h, c):
        tf, turns = self.tf, self.tf.shape(x)[0]
        source = tf.TensorArray(x.dtype, turns).unstack(x)
        size = turns + self.slack if self.last is None else self.last + 1
        target = tf.TensorArray(x.dtype, size, element_shape=[self.batch, SIZE])
        end = turns - self.length

        def body(i, h, c, target):
            if "turns" in self.variables:
                self.variables["turns"].assign_add(1)
            h, c = self.turn(tf, self.w, source.read(i), h, c, **self.how)
            h.set_shape([self.batch, SIZE])
            place = i if self.last is None else self.last
            return i + self.step, h, c, target.write(place, h)

        start = (tf.constant(self.first), h, c, target)
        i, h, c, target = tf.while_loop(lambda i, *_: i < end, body, start)
        return i, h, c, target.stack()

    def save(self, path):
        states = [self.batch, SIZE]
        shapes = [None, self.batch, WIDTH], states, states
        specs = [self.tf.TensorSpec(shape, self.dtype) for shape in shapes]
        return save(path, self, *specs, **self.variables).path


JOINED = {
    "lstm": {},
    "lstm with the last output": {"last": 0},
    "lstm of float64": {"dtype": np.float64},
    "lstm of float16": {"dtype": np.float16},
    "lstm with a steady mask": {"turn": noisy_turn},
    "gru": {"turn": gru_turn, "count": 3},
    "gru of slices": {"turn": gru_turn, "count": 3, "cut": SIZE},
    "gru of float64": {"turn": gru_turn, "count": 3, "dtype": np.float64},
}


@only_torch
@pytest.mark.parametrize("turns", [1, TURNS])
@pytest.mark.parametrize("name", JOINED)
def test_loops_are_joined(tmp_path, joined, monkeypatch, name, turns):
    loop = Loop(**JOINED[name])
    inputs = arrays(4, loop.dtype, turns)[:3]
    tolerance = 2e-2 if loop.dtype == np.float16 else 2e-5
    check(monkeypatch, loop.save(tmp_path), *inputs, tolerance=tolerance)
    assert joined == {"asked": 1, "done": 1}


FOREIGN = {
    "another activation": {"activation": lambda x: x * 0.5},
    "another order of gates": {"order": (0, 2, 1, 3)},
    "a gate taken twice": {"order": (0, 1, 2, 2)},
    "a transposed kernel": {"transpose": True},
    "a cell that looks at its state": {"turn": peephole_turn},
    "a turn that assigns": {"assigns": True},
    "steps of two": {"step": 2, "length": 1},
    "another place": {"last": 1, "batch": BATCH},
    "two instead of one": {"turn": gru_turn, "count": 3, "one": 2.0},
    "slices of other places": {"turn": gru_turn, "count": 3, "cut": SIZE - 1},
    "a part taken twice": {"turn": gru_turn, "count": 3, "swapped": True},
}


@only_torch
@pytest.mark.parametrize("name", FOREIGN)
def test_what_only_looks_alike_is_not_joined(tmp_path, joined, monkeypatch, name):
    loop = Loop(**FOREIGN[name])
    check(monkeypatch, loop.save(tmp_path), *arrays(4)[:3])
    assert joined["asked"] == 0


UNFIT = {
    "a later start": ({"first": 1}, {}),
    "an earlier end": ({"length": 2}, {}),
    "a longer list of outputs": ({"slack": 2}, {}),
    "a bias of two axes": ({"rank": 2}, {}),
    "no turns": ({"batch": BATCH}, {"turns": 0}),
}


@only_torch
@pytest.mark.parametrize("name", UNFIT)
def test_loops_turn_where_values_do_not_fit(tmp_path, joined, monkeypatch, name):
    how, shape = UNFIT[name]
    check(monkeypatch, Loop(**how).save(tmp_path), *arrays(4, **shape)[:3])
    assert joined == {"asked": 1, "done": 0}


@only_torch
def test_states_that_are_broadcast_are_not_joined(tmp_path, joined, monkeypatch):
    x, h, c, *_ = arrays(4)
    check(monkeypatch, Loop().save(tmp_path), x, h, c[:1])
    assert joined == {"asked": 1, "done": 0}


@only_torch
@pytest.mark.parametrize("count", [3, 4])
def test_batches_may_be_empty(tmp_path, joined, monkeypatch, count):
    loop = Loop(gru_turn if count == 3 else lstm_turn, count)
    check(monkeypatch, loop.save(tmp_path), *arrays(4, batch=0)[:3])
    assert joined["done"] == 1


@only_torch
@pytest.mark.parametrize("count", [3, 4])
def test_derivatives_forward_are_computed_turn_by_turn(tmp_path, joined, monkeypatch, count):
    import torch

    path = Loop(gru_turn if count == 3 else lstm_turn, count).save(tmp_path)
    inputs = [torch.from_numpy(array) for array in arrays(4)[:3]]
    found = []
    for program in both(monkeypatch, path):

        def function(*tensors, program=program):
            return tuple(program(tensors)[0][1:])

        found.append(torch.func.jvp(function, tuple(inputs), tuple(inputs))[1])
        with torch.autograd.forward_ad.dual_level() as _:
            duals = [torch.autograd.forward_ad.make_dual(t, t) for t in inputs]
            outputs = function(*duals)
            found.append([torch.autograd.forward_ad.unpack_dual(o).tangent for o in outputs])
    for other in found[1:]:
        compare(other, [values.to_host(t) for t in found[0]])
    assert joined == {"asked": 2, "done": 0}


@only_torch
@pytest.mark.parametrize("count", [3, 4])
def test_second_derivatives(tmp_path, joined, monkeypatch, count):
    import torch

    path = Loop(gru_turn if count == 3 else lstm_turn, count).save(tmp_path)
    found = []
    for program in both(monkeypatch, path):
        leaves = [torch.from_numpy(array).requires_grad_() for array in arrays(4)[:2]]
        outputs = program([*leaves, torch.from_numpy(arrays(4)[2])])[0]
        first = torch.autograd.grad((outputs[3] ** 2).sum(), leaves, create_graph=True)
        found.append(torch.autograd.grad(sum((g**2).sum() for g in first), leaves))
    compare(found[0], [values.to_host(t) for t in found[1]], 1e-4)
    assert joined["done"] == 1


@only_torch
def test_shapes_are_inferred_turn_by_turn(tmp_path, joined):
    path = Loop().save(tmp_path)
    program = Program(path)
    with keras.device("meta"):
        inputs = [keras.ops.zeros(array.shape) for array in arrays(4)[:3]]
        state = [keras.ops.zeros(value.shape) for value in program.start]
        outputs, _ = program(inputs, state)
    assert [tuple(output.shape) for output in outputs[1:3]] == [(BATCH, SIZE)] * 2
    assert joined["done"] == 0


@only_torch
def test_loops_that_are_repeated_count_their_turns_anew(tmp_path, joined):
    program = Program(Loop().save(tmp_path))
    for turns in (TURNS, 3, 3, TURNS):
        outputs, _ = program([values.to_device(array) for array in arrays(4, turns=turns)[:3]])
        assert int(values.to_host(outputs[0])) == turns
        assert outputs[3].shape[0] == turns
    assert joined["done"] == 4
