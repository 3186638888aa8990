"""Losses."""

from __future__ import annotations

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.registry import lower_plain

_FUNCTIONS = dict(primitives("losses").FUNCTIONS)
_SPARSE = "SparseSoftmaxCrossEntropyWithLogits"

lower_plain(
    {_SPARSE: _FUNCTIONS.pop(_SPARSE)},
    limits="a label out of range gives NaN, as TensorFlow does on a GPU; TensorFlow on a CPU "
    "raises an error",
)
lower_plain(_FUNCTIONS)
