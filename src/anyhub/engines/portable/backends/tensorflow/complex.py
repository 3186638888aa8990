"""Complex numbers, on TensorFlow."""

from __future__ import annotations

import tensorflow as tf

# The types of results follow from those of inputs, which raw ops would want to be told.
FUNCTIONS = {
    "Angle": tf.math.angle,
    "Complex": tf.complex,
    "ComplexAbs": tf.abs,
    "Conj": tf.math.conj,
    "Imag": tf.math.imag,
    "Real": tf.math.real,
}
"""Functions of tensors, by op."""
