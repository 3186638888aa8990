"""The ops whose behaviour is known: what is not among them is refused.

`known_ops.txt` is written by `tests/graph/safety/make_known_ops.py` from the registry of
TensorFlow and of tensorflow_text; its first lines name their versions.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

GPU_ONLY = frozenset(
    {
        "CreateTRTResourceHandle",
        "GetCalibrationDataOp",
        "InitializeTRTResource",
        "SerializeTRTResource",
        "TRTEngineOp",
    }
)
"""Ops that only builds of TensorFlow with TensorRT register (and TensorFlow 2.15 for CPUs)."""

RETIRED = frozenset({"BucketizeWithInputBoundaries"})
"""Ops of TensorFlow 1's contrib that the newest TensorFlow has no more; their kernels were read."""


@cache
def known_ops() -> frozenset[str]:
    """The names of all ops that were reviewed."""
    text = resources.files(__package__).joinpath("known_ops.txt").read_text("utf-8")
    listed = (line for line in text.splitlines() if not line.startswith("#"))
    return GPU_ONLY.union(RETIRED, listed)
