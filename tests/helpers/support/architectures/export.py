"""Save an architecture with TensorFlow, and what TensorFlow computes of it.

    KERAS_BACKEND=tensorflow python -m support.architectures.export NAME DIRECTORY

`DIRECTORY/export` is what `model.export` of Keras 3 writes, `DIRECTORY/reusable` a Reusable
SavedModel of the same model, `DIRECTORY/reference.npz` the reference. `DIRECTORY/float64` is the
same with wider numbers, for architectures whose derivatives need them.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from support.architectures.catalogue import ARCHITECTURES
from support.architectures.modules import save_reusable
from support.architectures.reference import WIDE, Reference, loss_weights, named
from support.architectures.subject import Subject
from support.architectures.weights import randomize

if TYPE_CHECKING:
    from support.architectures.architecture import Architecture
    from support.architectures.subject import Arrays

_SEED = 5


def main() -> None:
    """Export one architecture."""
    parser = argparse.ArgumentParser(description="Save an architecture and its reference.")
    parser.add_argument("name", choices=sorted(ARCHITECTURES))
    parser.add_argument("directory", type=Path)
    options = parser.parse_args()
    architecture = ARCHITECTURES[options.name]
    if architecture.is_kinked:
        _compute_in(WIDE)
        export(architecture, options.directory / WIDE)
    _compute_in("float32")
    export(architecture, options.directory)


def _compute_in(dtype: str) -> None:
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)


def export(architecture: Architecture, directory: Path) -> None:
    """Save both models, load them again and write what they compute."""
    keras.utils.set_random_seed(3)
    model = architecture.build()
    inputs = _inputs(architecture)
    randomize(model, inputs, architecture)
    directory.mkdir(parents=True, exist_ok=True)
    model.export(str(directory / "export"), verbose=False)
    save_reusable(model, str(directory / "reusable"))
    found = reference_of(architecture, inputs, directory)
    outputs = {n: keras.ops.convert_to_numpy(v) for n, v in named(model(inputs)).items()}
    _check(found, outputs)
    found.write(directory)


def reference_of(architecture: Architecture, inputs: Any, directory: Path) -> Reference:
    """What TensorFlow computes of the saved models."""
    served = Subject(tf.saved_model.load(str(directory / "export")))
    reusable = Subject(tf.saved_model.load(str(directory / "reusable")))
    found = Reference(inputs=named(inputs))
    _serve(found, served)
    _infer(found, reusable)
    if not architecture.is_random:
        _train(found, reusable)
    return found


def _inputs(architecture: Architecture) -> Any:
    """Inputs as wide as Keras' numbers are now."""
    made = architecture.inputs(np.random.default_rng(_SEED))
    is_wide = keras.config.floatx() == WIDE
    # The structures of those that are wide have a single part.
    return made.astype(WIDE) if is_wide else made


def _serve(found: Reference, served: Subject) -> None:
    names = served.obj.signatures["serving_default"].structured_input_signature[1]
    found.serving_inputs = _by_signature(found.inputs, list(names))
    found.serving_outputs = served.serve(found.serving_inputs)


def _infer(found: Reference, subject: Subject) -> None:
    found.regularization = subject.regularization()
    found.outputs = subject.call(found.inputs, training=False)
    found.weights = loss_weights(found.outputs)
    found.gradients = subject.gradients(found.inputs, found.weights, training=False)


def _train(found: Reference, subject: Subject) -> None:
    before = subject.variables()
    found.training_gradients = subject.gradients(found.inputs, found.weights, training=True)
    subject.restore(before)
    found.training_outputs = subject.call(found.inputs, training=True)
    found.moved = _changed(before, subject.variables())
    subject.restore(before)


def _by_signature(inputs: Arrays, names: list[str]) -> Arrays:
    """The inputs by the names of the signature, which Keras numbers in the inputs' order."""
    if set(names) == set(inputs):
        return inputs
    return dict(zip(sorted(names, key=_natural), inputs.values(), strict=True))


def _natural(name: str) -> tuple[int, str]:
    return len(name), name


def _changed(before: Arrays, after: Arrays) -> Arrays:
    return {name: a for name, a in after.items() if not np.array_equal(a, before[name])}


def _check(found: Reference, outputs: Arrays) -> None:
    """Refuse a reference that would prove nothing."""
    served = found.serving_outputs
    for name in outputs:
        np.testing.assert_allclose(found.outputs[name], outputs[name], atol=3e-5)
        np.testing.assert_allclose(served[name or "output_0"], outputs[name], atol=3e-5)
        _check_variety(name, outputs[name])
    for name, array in (*found.gradients.items(), *found.training_gradients.items()):
        if not np.isfinite(array).all():
            raise SystemExit(f"the derivative by {name} is not finite")


def _check_variety(name: str, output: Any) -> None:
    largest, spread = np.abs(output).max(), output.std(axis=0).mean()
    if not (0.1 < largest < 100 and spread > 0.02):
        raise SystemExit(f"output {name!r}: at most {largest}, spread over examples {spread}")


if __name__ == "__main__":
    main()
