"""The ops whose behaviour is known: what is not among them is refused.

These are the ops of the registry of TensorFlow and tensorflow_text, see `anyhub.graph.op_defs`, and
the few below.
"""

from __future__ import annotations

from functools import cache

from anyhub.graph.op_defs import op_names

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
    return GPU_ONLY.union(RETIRED, op_names())
