"""Save an architecture with TensorFlow, and what TensorFlow computes of it.

    KERAS_BACKEND=tensorflow python -m support.architectures.export NAME DIRECTORY

`DIRECTORY/export` is what `model.export` of Keras 3 writes, `DIRECTORY/reusable` a Reusable
SavedModel of the same model, `DIRECTORY/reference.npz` the reference.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from support.architectures.catalogue import ARCHITECTURES
from support.architectures.conditioning import is_settled
from support.architectures.modules import save_reusable
from support.architectures.reference import Reference, loss_weights, named
from support.architectures.subject import Subject
from support.architectures.weights import randomize

if TYPE_CHECKING:
    from support.architectures.architecture import Architecture
    from support.architectures.subject import Arrays

_SEED = 5
_MOST_SEEDS = 40


def main() -> None:
    """Export one architecture."""
    parser = argparse.ArgumentParser(description="Save an architecture and its reference.")
    parser.add_argument("name", choices=sorted(ARCHITECTURES))
    parser.add_argument("directory", type=Path)
    options = parser.parse_args()
    export(ARCHITECTURES[options.name], options.directory)


def export(architecture: Architecture, directory: Path) -> None:
    """Save both models, load them again and write what they compute."""
    keras.utils.set_random_seed(3)
    model = architecture.build()
    randomize(model, architecture.inputs(np.random.default_rng(_SEED)), architecture)
    directory.mkdir(parents=True, exist_ok=True)
    model.export(str(directory / "export"), verbose=False)
    save_reusable(model, str(directory / "reusable"))
    inputs, found = reference_of(architecture, directory)
    outputs = {n: keras.ops.convert_to_numpy(v) for n, v in named(model(inputs)).items()}
    _check(found, outputs)
    found.write(directory)


def reference_of(architecture: Architecture, directory: Path) -> tuple[Any, Reference]:
    """Inputs, and what TensorFlow computes of the saved models for them."""
    served = Subject(tf.saved_model.load(str(directory / "export")))
    reusable = Subject(tf.saved_model.load(str(directory / "reusable")))
    for seed in range(_SEED, _SEED + _MOST_SEEDS):
        inputs = architecture.inputs(np.random.default_rng(seed))
        found = Reference(inputs=named(inputs))
        _serve(found, served)
        _infer(found, reusable)
        if not architecture.is_random:
            _train(found, reusable)
        if not architecture.is_kinked or is_settled(reusable, found):
            return inputs, found
    raise SystemExit("no inputs were found whose derivatives rounding errors do not change")


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
