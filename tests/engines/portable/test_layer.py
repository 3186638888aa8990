"""`hub.KerasLayer(engine="portable")` in models of Keras, on the backend in use."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest

import anyhub as hub
from anyhub.engines.portable.values import to_host
from anyhub.errors import InputError

BACKEND = keras.backend.backend()
RNG = np.random.default_rng(3)
X = RNG.normal(size=(64, 3)).astype(np.float32)
Y = X.sum(axis=1, keepdims=True)


def make_layer(path, **kwargs):
    return hub.KerasLayer(str(path), engine="portable", **kwargs)


def make_model(layer):
    inputs = keras.Input((3,))
    head = keras.layers.Dense(1, kernel_initializer="ones")
    model = keras.Model(inputs, head(layer(inputs)))
    model.compile(keras.optimizers.SGD(0.05), "mse")
    return model


def weights(layer):
    return [np.array(to_host(variable.value)) for variable in layer.weights]


def test_frozen_by_default(plain):
    layer = make_layer(plain)
    assert layer.trainable_weights == []
    assert len(layer.weights) == 3
    assert layer.losses == []
    before = weights(layer)
    make_model(layer).fit(X, Y, epochs=1, verbose=0)
    for old, new in zip(before, weights(layer), strict=True):
        np.testing.assert_array_equal(old, new)


def test_fine_tuning_trains_every_weight_and_runs_in_training_mode(plain):
    layer = make_layer(plain, trainable=True)
    assert [v.path for v in layer.trainable_weights] == ["encoder_kernel", "bias"]
    assert [v.path for v in layer.non_trainable_weights] == ["steps"]
    before = weights(layer)
    model = make_model(layer)
    losses = model.fit(X, Y, batch_size=16, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert all(np.any(old != new) for old, new in zip(before, weights(layer), strict=True))
    assert int(to_host(layer.resolved_object.steps.value)) == 20
    model.predict(X, verbose=0)
    assert int(to_host(layer.resolved_object.steps.value)) == 20


def test_regularization_losses_are_the_layers(plain):
    layer = make_layer(plain, trainable=True)
    (loss,) = layer.losses
    kernel = weights(layer)[0]
    np.testing.assert_allclose(to_host(loss), 0.01 * np.sum(kernel**2), rtol=1e-5)
    layer.trainable = False
    assert layer.losses == []


def test_trainable_can_be_switched(plain):
    layer = make_layer(plain)
    layer.trainable = True
    assert len(layer.trainable_weights) == 2
    layer.trainable = False
    assert layer.trainable_weights == []


def test_sequential_and_direct_calls(plain):
    model = keras.Sequential([keras.Input((3,)), make_layer(plain), keras.layers.Dense(2)])
    assert model.output_shape == (None, 2)
    layer = model.layers[0]
    direct = to_host(layer(X))
    np.testing.assert_allclose(direct, to_host(layer.resolved_object(X)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(to_host(layer(X[:2].tolist())), direct[:2], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(to_host(layer(X.astype(np.float64))), direct, rtol=1e-5, atol=1e-6)


def test_signatures_can_be_trained(plain):
    layer = make_layer(plain, signature="serving_default", output_key="output_0", trainable=True)
    assert len(layer.trainable_weights) == 2
    before = weights(layer)
    make_model(layer).fit(X, Y, epochs=1, verbose=0)
    assert all(np.any(old != new) for old, new in zip(before[:2], weights(layer), strict=False))


def test_a_loaded_object_can_be_wrapped(plain):
    loaded = hub.load(str(plain), engine="portable")
    layer = hub.KerasLayer(loaded.encoder)
    np.testing.assert_allclose(to_host(layer(X)), to_host(loaded.encoder(X)), rtol=1e-6)


def test_wrong_inputs_are_explained(plain):
    layer = make_layer(plain)
    with pytest.raises(InputError, match=r"shape differs: found \(2, 4\)"):
        layer(np.ones((2, 4), np.float32))


@pytest.mark.parametrize("embed", [False, True])
def test_files_open_in_a_fresh_process(plain, tmp_path, embed):
    layer = make_layer(plain, trainable=True, embed=embed)
    model = make_model(layer)
    model.fit(X, Y, epochs=1, verbose=0)
    expected = model.predict(X[:4], verbose=0)
    path = tmp_path / "model.keras"
    model.save(path)
    if embed:
        # The file carries the model itself.
        plain.rename(plain.with_name("moved"))
    np.save(tmp_path / "x.npy", X[:4])
    code = (
        "import sys, numpy as np, anyhub, keras\n"
        f"model = keras.models.load_model({str(path)!r})\n"
        f"np.save({str(tmp_path / 'y.npy')!r}, model.predict(np.load({str(tmp_path / 'x.npy')!r}), "
        "verbose=0))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        env={**os.environ, "KERAS_BACKEND": BACKEND},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), expected, rtol=1e-5, atol=1e-6)


def test_weights_files_round_trip(plain, tmp_path):
    model = make_model(make_layer(plain, trainable=True))
    model.fit(X, Y, epochs=1, verbose=0)
    model.save_weights(tmp_path / "w.weights.h5")
    other = make_model(make_layer(plain, trainable=True))
    other.load_weights(tmp_path / "w.weights.h5")
    np.testing.assert_allclose(
        other.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-6, atol=1e-6
    )


def test_fine_tuned_layers_are_saved_as_models(plain, tmp_path):
    layer = make_layer(plain, trainable=True)
    make_model(layer).fit(X, Y, epochs=1, verbose=0)
    hub.save(layer, tmp_path / "tuned")
    again = hub.load(str(tmp_path / "tuned"), engine="portable")
    np.testing.assert_allclose(to_host(again(X)), to_host(layer(X)), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_policies(plain, policy):
    """The model computes in the types that it was saved with; the layers around it do not."""
    keras.config.set_dtype_policy(policy)
    try:
        layer = make_layer(plain, trainable=True)
        model = make_model(layer)
        model.fit(X, Y, epochs=1, verbose=0)
        assert all(v.dtype != "float16" for v in layer.weights)
        assert np.all(np.isfinite(model.predict(X, verbose=0).astype(np.float32)))
    finally:
        keras.config.set_dtype_policy("float32")


def test_jit_compile(plain):
    layer = make_layer(plain, trainable=True)
    model = make_model(layer)
    if BACKEND == "torch" and shutil.which("g++") is None:
        pytest.skip("Keras hands models to torch.compile, which needs a C++ compiler")
    model.compile(keras.optimizers.SGD(0.05), "mse", jit_compile=True)
    losses = model.fit(X, Y, epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    # XLA lacks kernels that TensorFlow has.
    assert model.jit_compile is (BACKEND != "tensorflow")


def test_keras_compiles_training_on_jax_by_itself(plain):
    model = make_model(make_layer(plain, trainable=True))
    assert model.jit_compile is (BACKEND == "jax")


def test_torch_compile(plain):
    torch = pytest.importorskip("torch", reason="about torch.compile")
    if BACKEND != "torch":
        pytest.skip("about torch.compile")
    model, layer = hub.load(str(plain), engine="portable"), make_layer(plain)
    tensor = torch.from_numpy(X)
    for function in (model, layer, lambda x: model.signatures["serving_default"](x=x)["output_0"]):
        compiled = torch.compile(function, backend="aot_eager")
        torch.testing.assert_close(compiled(tensor), function(tensor))


def test_data_parallel_training_on_several_devices(plain):
    if BACKEND != "jax":
        pytest.skip("keras.distribution works on JAX")
    code = f"""
import numpy as np, keras, jax, anyhub as hub
assert len(jax.devices()) == 4
keras.distribution.set_distribution(keras.distribution.DataParallel())
layer = hub.KerasLayer({str(plain)!r}, engine="portable", trainable=True)
inputs = keras.Input((3,))
model = keras.Model(inputs, keras.layers.Dense(1, kernel_initializer="ones")(layer(inputs)))
model.compile(keras.optimizers.SGD(0.05), "mse")
rng = np.random.default_rng(3)
x = rng.normal(size=(64, 3)).astype(np.float32)
losses = model.fit(x, x.sum(axis=1, keepdims=True), batch_size=16, epochs=3, verbose=0,
                   shuffle=False).history["loss"]
print(losses[-1])
kernel = layer.trainable_weights[0].value
assert len(kernel.sharding.device_set) == 4
"""
    env = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=4",
           "KERAS_BACKEND": "jax"}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=env
    )
    assert done.returncode == 0, done.stderr
    model = make_model(make_layer(plain, trainable=True))
    alone = model.fit(X, Y, batch_size=16, epochs=3, verbose=0, shuffle=False).history["loss"][-1]
    assert abs(float(done.stdout) - alone) < 1e-4
