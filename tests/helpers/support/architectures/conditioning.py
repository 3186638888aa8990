"""Whether derivatives mean something: TensorFlow must agree with itself about them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from support.architectures.deviations import worst_gradient

if TYPE_CHECKING:
    from support.architectures.reference import Reference
    from support.architectures.subject import Arrays, Subject

_TRIES = 4
# About what rounding does to the inputs of later layers, seen at their outputs.
_NOISE = 1e-6
_TOLERANCE = 3e-4


def is_settled(subject: Subject, reference: Reference) -> bool:
    """Whether inputs that differ by rounding errors have the same derivatives.

    Where the input of a ReLU, or the two largest values under a window of a pool, are a rounding
    error apart, two right results differ by a term, and nothing can be said about an engine.
    """
    rng = np.random.default_rng(13)
    before = subject.variables()
    for _ in range(_TRIES):
        near = dataclasses.replace(reference, inputs=_near(reference.inputs, rng))
        if _largest(subject, near, before) > _TOLERANCE:
            return False
    return True


def _largest(subject: Subject, near: Reference, before: Arrays) -> float:
    wanted = {False: near.gradients, True: near.training_gradients}
    found = []
    for training, gradients in wanted.items():
        ours = subject.gradients(near.inputs, near.weights, training=training)
        subject.restore(before)
        found.append(worst_gradient(ours, gradients)[0])
    return max(found)


def _near(inputs: Arrays, rng: np.random.Generator) -> Arrays:
    return {
        name: (array * (1 + _NOISE * rng.normal(size=array.shape))).astype(array.dtype)
        for name, array in inputs.items()
    }
