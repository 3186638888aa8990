"""Casts of known values.

Source: TensorFlow 2.21, `tensorflow/core/kernels/cast_op_impl.h`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from anyhub.graph.const_call import Array, Call, Evaluators


_TYPES = {
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16",
    "bfloat16", "float32", "float64", "complex64", "complex128",
}  # fmt: skip


def _cast(call: Call) -> list[Array]:
    (x,) = call.take(1)
    source, target = x.dtype, np.dtype(call.dtype("DstT"))
    if source == target:
        return [x]
    if source.name not in _TYPES or target.name not in _TYPES or call.attribute("Truncate"):
        call.fail(f"no cast from {source} to {target} here")
    if target == np.bool_:
        # TensorFlow's CPU kernel looks at the real part only.
        x = x.real if source.kind == "c" else x
        return [np.asarray(x != np.zeros((), x.dtype), np.bool_)]
    if source.kind == "c" and target.kind != "c":
        x = x.real
    if target.kind in "iu" and x.dtype.kind not in "iub":
        _check_fits(call, x, target)
    return [np.asarray(x).astype(target)]


def _check_fits(call: Call, x: Array, target: Any) -> None:
    """What floats beyond an integer type become depends on the processor."""
    whole = np.trunc(x.astype(np.float64))
    limits = np.iinfo(target)
    # The largest 64-bit integers are no float64; the power of two after them is.
    if not np.all((whole >= float(limits.min)) & (whole < float(limits.max) + 1)):
        call.fail(f"a value is beyond {target}")


def _bitcast(call: Call) -> list[Array]:
    (x,) = call.take(1)
    target = np.dtype(call.dtype("type"))
    if {x.dtype.name, target.name} & {"object", "bool"} or x.dtype.itemsize != target.itemsize:
        call.fail(f"no bitcast from {x.dtype} to {target} here")
    return [x.view(target)]


EVALUATORS: Evaluators = {"Cast": _cast, "Bitcast": _bitcast}
