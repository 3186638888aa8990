"""What TensorFlow computes of an exported architecture, as a file beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

FILE = "reference.npz"
WIDE = "float64"
"""The folder of an export in which that is the type of all numbers, and the type."""


@dataclass
class Reference:
    """Arrays of the comparison.

    Attributes:
        inputs: Of the reusable model, by name; one without a name is called "".
        serving_inputs: Of the signature, by name.
        serving_outputs: Of the signature, by name.
        outputs: In inference, by name.
        training_outputs: In training; empty where training is random.
        weights: The loss is the sum of outputs times these, divided by the outputs' sizes.
        gradients: Of the loss in inference, by the trainable variable's index and name.
        training_gradients: The same in training; empty where training is random.
        moved: Variables that a call in training changes, by their index and name.
        regularization: The regularization losses, by index.
    """

    inputs: dict[str, np.ndarray] = field(default_factory=dict)
    serving_inputs: dict[str, np.ndarray] = field(default_factory=dict)
    serving_outputs: dict[str, np.ndarray] = field(default_factory=dict)
    outputs: dict[str, np.ndarray] = field(default_factory=dict)
    training_outputs: dict[str, np.ndarray] = field(default_factory=dict)
    weights: dict[str, np.ndarray] = field(default_factory=dict)
    gradients: dict[str, np.ndarray] = field(default_factory=dict)
    training_gradients: dict[str, np.ndarray] = field(default_factory=dict)
    moved: dict[str, np.ndarray] = field(default_factory=dict)
    regularization: dict[str, np.ndarray] = field(default_factory=dict)

    def write(self, directory: Path) -> None:
        """Write the file; its presence says that the export is complete."""
        arrays = {
            f"{group}|{name}": array
            for group, found in vars(self).items()
            for name, array in found.items()
        }
        partial = directory / "partial.npz"
        np.savez(partial, **arrays)
        partial.rename(directory / FILE)

    @classmethod
    def read(cls, directory: Path) -> Reference:
        """Read the file."""
        found = cls()
        with np.load(directory / FILE) as arrays:
            for key in arrays.files:
                group, name = key.split("|", 1)
                getattr(found, group)[name] = arrays[key]
        return found


def named(structure: Any) -> dict[str, Any]:
    """The parts of inputs or outputs by name; numbers for those of a list."""
    if isinstance(structure, dict):
        return dict(structure)
    if isinstance(structure, (list, tuple)):
        return {str(index): part for index, part in enumerate(structure)}
    return {"": structure}


def unnamed(parts: dict[str, Any]) -> Any:
    """The structure that `named` took apart."""
    if set(parts) == {""}:
        return parts[""]
    return list(parts.values()) if "0" in parts else dict(parts)


def loss_weights(outputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Fixed random weights for each output."""
    rng = np.random.default_rng(11)
    return {n: _weights(rng, array.shape).astype(array.dtype) for n, array in outputs.items()}


def _weights(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Weights that differ by example and channel, and a little by place.

    If they differed as much by place, derivatives would be what is left of terms that cancel, and
    a single ReLU whose input is a rounding error away from zero would be seen in them.
    """
    coarse = rng.normal(size=(shape[0], *(1 for _ in shape[1:-1]), shape[-1]))
    fine = 1 if len(shape) < 3 else rng.uniform(0.7, 1.3, shape)
    return coarse * fine
