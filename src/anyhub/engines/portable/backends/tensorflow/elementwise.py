"""Arithmetic of each element, on TensorFlow: its own ops."""

from __future__ import annotations

from anyhub.engines.portable.backends.tensorflow._raw import raw, raws

_X = (
    "Abs Acos Acosh Asin Asinh Atan Atanh Ceil Cos Cosh Exp Expm1 Floor Inv IsFinite IsInf IsNan "
    "Log Log1p Neg OnesLike Reciprocal Rint Round Rsqrt Sigmoid Sign Sin Sinh Sqrt Square Tan "
    "Tanh ZerosLike"
)
_X_Y = (
    "Add AddV2 Div DivNoNan FloorDiv FloorMod Maximum Minimum Mod Mul MulNoNan Pow RealDiv "
    "SquaredDifference Sub TruncateDiv TruncateMod Xdivy Xlog1py Xlogy"
)


FUNCTIONS = {
    **raws(_X, ["x"]),
    **raws(_X_Y, ["x", "y"]),
    "Atan2": raw("Atan2", "y", "x"),
    "ClipByValue": raw("ClipByValue", "t", "clip_value_min", "clip_value_max"),
    "Cross": raw("Cross", "a", "b"),
    "NextAfter": raw("NextAfter", "x1", "x2"),
}
"""Functions of tensors, by op."""
