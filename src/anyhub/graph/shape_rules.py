"""Shapes of ops' results, where the shapes of inputs make them certain.

Only what shape arithmetic usually hangs on: an op without a rule has results of any shape.

Source: the shape functions in `tensorflow/core/framework/common_shape_fns.cc` and
`tensorflow/core/ops/math_ops.cc`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from anyhub.errors import SavedModelError
from anyhub.graph.shape_moves import MOVE_RULES
from anyhub.graph.shape_windows import WINDOW_RULES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anyhub.graph.shape_known import Known, Rule, Sizes
    from anyhub.savedmodel.shapes import Shape


def result_shape(known: Known) -> Shape:
    """The shape of a node's first output, None if it is not known."""
    rule = RULES.get(known.node.op)
    if rule is None:
        return None
    try:
        return rule(known)
    except (SavedModelError, IndexError, ValueError, ZeroDivisionError):
        # Not enough is known, or the node does not compute at all.
        return None


def _first(known: Known) -> Shape:
    return known.shapes[0]


def _broadcast(known: Known) -> Shape:
    result: Sizes = []
    for position in range(len(known.shapes)):
        result = _broadcast_pair(known, result, known.sizes(position))
    return tuple(result)


def _broadcast_pair(known: Known, first: Sizes, second: Sizes) -> Sizes:
    rank = max(len(first), len(second))
    ones: Sizes = [1] * rank
    padded = [ones[len(sizes) :] + sizes for sizes in (first, second)]
    return [_broadcast_size(known, a, b) for a, b in zip(*padded, strict=True)]


def _broadcast_size(known: Known, a: int | None, b: int | None) -> int | None:
    if a == 1 or b == 1:
        return b if a == 1 else a
    if a is None or b is None:
        # More than one fits only itself.
        return b if a is None else a
    if a != b:
        known.call.fail(f"sizes {a} and {b} do not broadcast")
    return a


def _from_value(position: int, known: Known) -> Shape:
    """Fill, BroadcastTo and the like: a value is the shape."""
    return tuple(None if s is None or s < 0 else s for s in known.integers(position))


def _reduce(known: Known) -> Shape:
    sizes = known.sizes()
    axes = {known.call.axis(axis, len(sizes)) for axis in known.known_integers(1)}
    if known.call.integer_attribute("keep_dims"):
        return tuple(1 if axis in axes else size for axis, size in enumerate(sizes))
    return tuple(size for axis, size in enumerate(sizes) if axis not in axes)


def _arg_max(known: Known) -> Shape:
    sizes = known.sizes()
    del sizes[known.axis(1, len(sizes))]
    return tuple(sizes)


def _mat_mul(known: Known) -> Shape:
    (a, b), (c, d) = known.sizes(), known.sizes(1)
    rows = b if known.call.integer_attribute("transpose_a") else a
    return rows, c if known.call.integer_attribute("transpose_b") else d


def _batch_mat_mul(known: Known) -> Shape:
    *lead, a, b = known.sizes()
    *other, c, d = known.sizes(1)
    rows = b if known.call.integer_attribute("adj_x") else a
    columns = c if known.call.integer_attribute("adj_y") else d
    return (*_broadcast_pair(known, lead, other), rows, columns)


def _rank_of(known: Known) -> Shape:
    shape = known.shapes[0]
    return (None,) if shape is None else (len(shape),)


def _names(text: str) -> list[str]:
    return text.split()


RULES: Mapping[str, Rule] = {
    **dict.fromkeys(
        _names(
            """Abs BiasAdd Cast Ceil CheckNumerics ClipByValue Cos Cumsum Elu EnsureShape Erf Exp
            Expm1 Floor FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 Identity IsFinite IsInf
            IsNan LeakyRelu Log Log1p LogSoftmax LogicalNot Neg OnesLike PreventGradient Reciprocal
            Relu Relu6 ReverseV2 Rint Round Rsqrt Selu Sigmoid Sign Sin Snapshot Softmax Softplus
            Softsign Sqrt Square StopGradient Tanh ZerosLike"""
        ),
        _first,
    ),
    **dict.fromkeys(
        _names(
            """Add AddV2 BitwiseAnd BitwiseOr Div DivNoNan FloorDiv FloorMod Greater GreaterEqual
            Less LessEqual LogicalAnd LogicalOr Maximum Minimum Mod Mul MulNoNan Pow RealDiv
            SelectV2 SquaredDifference Sub TruncateDiv TruncateMod"""
        ),
        _broadcast,
    ),
    **dict.fromkeys(_names("All Any Max Mean Min Prod Sum"), _reduce),
    **dict.fromkeys(_names("ArgMax ArgMin"), _arg_max),
    **dict.fromkeys(_names("BatchMatMul BatchMatMulV2"), _batch_mat_mul),
    **dict.fromkeys(_names("Fill RandomUniform RandomStandardNormal"), partial(_from_value, 0)),
    **MOVE_RULES,
    **WINDOW_RULES,
    "BroadcastTo": partial(_from_value, 1),
    "MatMul": _mat_mul,
    "Rank": lambda _known: (),
    "Select": lambda known: known.shapes[1],
    "Shape": _rank_of,
    "Size": lambda _known: (),
}
