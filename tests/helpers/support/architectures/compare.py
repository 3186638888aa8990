"""How far an engine is from what TensorFlow computed of an exported architecture.

    KERAS_BACKEND=jax python -m support.architectures.compare DIRECTORY

prints the figures as JSON. On backends other than TensorFlow's, TensorFlow cannot be imported.
`--control` measures TensorFlow's own loader instead of the portable engine.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.architectures.deviations import worst, worst_gradient, worst_relative
from support.architectures.reference import WIDE, Reference

OUTPUT_TOLERANCE = 1e-4
GRADIENT_TOLERANCE = 1e-3

Figures = dict[str, Any]


class WithoutTensorFlow:
    """A finder of modules that does not find TensorFlow, as where it is not installed."""

    def __init__(self, finder: Any) -> None:
        self._finder = finder

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        if fullname.partition(".")[0] in ("tensorflow", "tf_keras"):
            return None
        return self._finder.find_spec(fullname, path, target)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._finder, name)


def main() -> None:
    """Print the figures of one export."""
    parser = argparse.ArgumentParser(description="Compare an engine with TensorFlow.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--control", action="store_true", help="TensorFlow against itself")
    options = parser.parse_args()
    if os.environ.get("KERAS_BACKEND") != "tensorflow":
        # JAX reads it when it is imported.
        os.environ["JAX_ENABLE_X64"] = str(options.directory.name == WIDE)
        sys.meta_path[:] = [WithoutTensorFlow(finder) for finder in sys.meta_path]
    print(json.dumps(measure(options.directory, _loader(control=options.control))))


def _loader(*, control: bool) -> Callable[[Path], Any]:
    if control:
        import tensorflow as tf

        return lambda path: tf.saved_model.load(str(path))
    return load_portable


def load_portable(path: Path) -> Any:
    """Load by the portable engine."""
    import anyhub as hub

    return hub.load(str(path), engine="portable")


def measure(directory: Path, load: Callable[[Path], Any]) -> Figures:
    """All figures of an export; where a step fails, its error in place of its figure."""
    # keras may be imported only after TensorFlow was hidden.
    from support.architectures.subject import Subject

    reference, started = Reference.read(directory), time.perf_counter()
    figures: Figures = {}

    def serving() -> float:
        found = Subject(load(directory / "export")).serve(reference.serving_inputs)
        return worst(found, reference.serving_outputs)

    _record(figures, "serving", serving)
    try:
        subject = Subject(load(directory / "reusable"))
    except Exception:
        figures["inference"] = _error()
    else:
        _measure_inference(figures, subject, reference)
        if reference.training_outputs:
            _measure_training(figures, subject, reference)
        else:
            _record(figures, "random", lambda: _must_vary(subject, reference))
    figures["seconds"] = round(time.perf_counter() - started, 1)
    return figures


def _measure_inference(figures: Figures, subject: Any, wanted: Reference) -> None:
    def gradient() -> list[Any]:
        found = subject.gradients(wanted.inputs, wanted.weights, training=False)
        return worst_gradient(found, wanted.gradients)

    def call() -> float:
        return worst(subject.call(wanted.inputs, training=False), wanted.outputs)

    def regularization() -> float:
        return worst_relative(subject.regularization(), wanted.regularization)

    _record(figures, "regularization", regularization)
    _record(figures, "inference", call)
    _record(figures, "gradient", gradient)


def _measure_training(figures: Figures, subject: Any, wanted: Reference) -> None:
    before = subject.variables()

    def gradient() -> list[Any]:
        found = subject.gradients(wanted.inputs, wanted.weights, training=True)
        return worst_gradient(found, wanted.training_gradients)

    def call() -> float:
        return worst(subject.call(wanted.inputs, training=True), wanted.training_outputs)

    def moved() -> float:
        return worst_relative(subject.variables(), {**before, **wanted.moved})

    _record(figures, "training_gradient", gradient)
    subject.restore(before)
    _record(figures, "training", call)
    if wanted.moved:
        _record(figures, "moved", moved)


def _must_vary(subject: Any, reference: Reference) -> float:
    """How much two calls in training differ where training is random."""
    one, two = (subject.call(reference.inputs, training=True) for _ in range(2))
    found = worst(one, two)
    if not 1e-3 < found < 100:
        raise ValueError(f"two calls in training differ by {found}")
    return found


def _record(figures: Figures, name: str, compute: Callable[[], Any]) -> None:
    try:
        figures[name] = compute()
    except Exception:
        figures[name] = _error()


def _error() -> str:
    return "".join(traceback.format_exc(limit=-4))


if __name__ == "__main__":
    main()
