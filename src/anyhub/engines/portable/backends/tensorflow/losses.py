"""Losses, on TensorFlow: its own ops."""

from __future__ import annotations

from anyhub.engines.portable.backends.tensorflow._raw import raw, raws

FUNCTIONS = {
    "L2Loss": raw("L2Loss", "t"),
    **raws(
        "SoftmaxCrossEntropyWithLogits SparseSoftmaxCrossEntropyWithLogits", ["features", "labels"]
    ),
}
"""Functions of tensors, by op."""
