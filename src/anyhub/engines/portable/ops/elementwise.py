"""Arithmetic and functions of each element."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.registry import lower, lower_plain

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute

_FUNCTIONS = primitives("elementwise").FUNCTIONS
_DIVISIONS = ("Div", "FloorDiv", "FloorMod", "Mod", "TruncateDiv", "TruncateMod")
_LIMITS = {
    **dict.fromkeys(
        _DIVISIONS,
        "an integer divided by zero gives what the backend gives, where TensorFlow raises an "
        "error on a CPU; 64-bit unsigned integers of 2**63 and more are negative on torch",
    ),
    "Pow": "an integer to a negative power gives what the backend gives, where TensorFlow raises "
    "an error",
    "ClipByValue": "no complex numbers",
}

_ELSEWHERE = {"OnesLike", "Round", "ZerosLike", *_LIMITS}

lower_plain({op: _FUNCTIONS[op] for op in _FUNCTIONS if op not in _ELSEWHERE})
for _op, _text in _LIMITS.items():
    lower_plain({_op: _FUNCTIONS[_op]}, limits=_text)


@lower("Round", limits="integers stay as they are; TensorFlow 2.21 makes zeros of them on a CPU")
def round_(node: NodeView) -> Compute:
    on_floats: Compute = _FUNCTIONS["Round"]
    return on_floats if "float" in node.dtype("T") else lambda x: x


@lower("AddN", "AccumulateNV2", limits="no lists of tensors (type variant)")
def add_n(node: NodeView) -> Compute:
    if node.dtype("T") == "variant":
        node.unsupported("sums of type variant")
    plus = _FUNCTIONS["AddV2"]
    return lambda *values: reduce(plus, values)


@lower("ApproximateEqual")
def approximate_equal(node: NodeView) -> Compute:
    tolerance = node.number("tolerance")

    def run(x: Any, y: Any) -> Any:
        return K.less(K.abs(x - y), tolerance)

    return run
