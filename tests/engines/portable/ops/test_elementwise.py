"""Arithmetic of each element."""

from __future__ import annotations

import numpy as np

from anyhub.engines.portable import values
from support.op_cases import Case, check, parametrize, reference, run_eagerly
from support.op_runs import run_op
from support.op_values import COMPLEX, FLOATS, INTEGERS, SIGNED, draw, row

NAN, INF = np.nan, np.inf
# Op: where it is defined, and edges that all libraries agree on.
UNARY = {
    "Abs": (-3, 3, [NAN, INF, -INF, -0.0]),
    "Acos": (-0.9, 0.9, [NAN, 1, -1, 2]),
    "Acosh": (1.1, 3, [NAN, 1, 0.5, INF]),
    "Asin": (-0.9, 0.9, [NAN, 1, -1, 2]),
    "Asinh": (-3, 3, [NAN, INF, -INF, 0]),
    "Atan": (-3, 3, [NAN, INF, -INF, 0]),
    "Atanh": (-0.9, 0.9, [NAN, 1, -1, 2]),
    "Ceil": (-3, 3, [NAN, INF, -INF, -0.5, 2]),
    "Cos": (-3, 3, [NAN, INF, 0]),
    "Cosh": (-3, 3, [NAN, INF, -INF, 0]),
    "Exp": (-3, 3, [NAN, INF, -INF, 0, 1000]),
    "Expm1": (-3, 3, [NAN, INF, -INF, 0, 1e-3]),
    "Floor": (-3, 3, [NAN, INF, -INF, -0.5, 2]),
    "Inv": (0.5, 3, [NAN, INF, -INF, 0]),
    "IsFinite": (-3, 3, [NAN, INF, -INF, 0]),
    "IsInf": (-3, 3, [NAN, INF, -INF, 0]),
    "IsNan": (-3, 3, [NAN, INF, -INF, 0]),
    "Log": (0.5, 3, [NAN, INF, 0, -1]),
    "Log1p": (-0.5, 3, [NAN, INF, -1, -2, 1e-3]),
    "Neg": (-3, 3, [NAN, INF, 0]),
    "Reciprocal": (0.5, 3, [NAN, INF, -INF, 0]),
    "Rint": (-3, 3, [NAN, INF, 0.5, 1.5, 2.5, -0.5, -1.5]),
    "Round": (-3, 3, [NAN, INF, 0.5, 1.5, 2.5, -0.5, -1.5]),
    "Rsqrt": (0.5, 3, [NAN, INF, 0, -1]),
    "Sigmoid": (-3, 3, [NAN, INF, -INF, 0, 100, -100]),
    "Sign": (-3, 3, [NAN, INF, -INF, 0, -0.0]),
    "Sin": (-3, 3, [NAN, INF, 0]),
    "Sinh": (-3, 3, [NAN, INF, -INF, 0]),
    "Sqrt": (0.5, 3, [NAN, INF, 0, -1]),
    "Square": (-3, 3, [NAN, INF, -INF, 0]),
    "Tan": (-1, 1, [NAN, INF, 0]),
    "Tanh": (-3, 3, [NAN, INF, -INF, 0, 20]),
}
NO_HALVES = {"Rint"}
NO_COMPLEX = {"Abs", "Ceil", "Floor", "IsFinite", "IsInf", "IsNan", "Rint", "Round"}
OF_INTEGERS = {"Abs": SIGNED, "Neg": SIGNED, "Sign": SIGNED, "Square": INTEGERS}
# Those of an infinity that is not defined differ.
DIFFERENTIABLE_EDGES = {"Abs": [0], "Sqrt": [0], "Rsqrt": [0], "Log": [0], "Reciprocal": [0]}


def _eager(op: str, **inputs: np.ndarray) -> Case:
    """A case that adds nothing when compiled."""
    return Case(op, inputs, compiled=False)


def unary_cases(op: str) -> list[Case]:
    low, high, edges = UNARY[op]
    floats = FLOATS[:2] if op in NO_HALVES else FLOATS
    cases = [
        Case(op, {"x": draw("float32", (2, 3), low, high)}, gradient=not op.startswith("Is")),
        Case(op, {"x": row("float32", *edges)}),
    ]
    if op in OF_INTEGERS:
        cases += [_eager(op, x=draw(dtype, (7,), -9, 9)) for dtype in OF_INTEGERS[op]]
    cases += [_eager(op, x=draw(dtype, (3,), low, high)) for dtype in floats[1:]]
    if op not in NO_COMPLEX:
        cases.append(_eager(op, x=draw("complex64", (4,), low, high)))
    if op in DIFFERENTIABLE_EDGES:
        x = row("float32", *DIFFERENTIABLE_EDGES[op])
        cases.append(Case(op, {"x": x}, gradient=True))
    return [*cases, _eager(op, x=draw("float32", (0,), low, high))]


# Op: names of inputs, element types, limits of both.
BINARY = {
    "Add": ("x y", (*FLOATS, *SIGNED, "uint8", *COMPLEX), (-3, 3)),
    "AddV2": ("x y", (*FLOATS, *INTEGERS, *COMPLEX), (-3, 3)),
    "Sub": ("x y", (*FLOATS, *INTEGERS, *COMPLEX), (-3, 3)),
    "Mul": ("x y", (*FLOATS, *INTEGERS, *COMPLEX), (-3, 3)),
    "MulNoNan": ("x y", (*FLOATS, *COMPLEX), (-3, 3)),
    "Div": ("x y", (*FLOATS, *INTEGERS, *COMPLEX), (1, 9)),
    "RealDiv": ("x y", (*FLOATS, *COMPLEX), (1, 9)),
    "DivNoNan": ("x y", (*FLOATS, *COMPLEX), (1, 9)),
    "FloorDiv": ("x y", (*FLOATS, *INTEGERS), (1, 9)),
    "FloorMod": ("x y", (*FLOATS, *INTEGERS), (1, 9)),
    "Mod": ("x y", ("float32", "float64", "int32", "int64"), (1, 9)),
    "TruncateDiv": ("x y", (*FLOATS, *INTEGERS), (1, 9)),
    "TruncateMod": ("x y", ("float32", "float64", "int32", "int64"), (1, 9)),
    "Pow": ("x y", (*FLOATS, *SIGNED, *COMPLEX), (0.5, 3)),
    "SquaredDifference": ("x y", (*FLOATS, "int32", "int64", *COMPLEX), (-3, 3)),
    "Maximum": ("x y", (*FLOATS, *INTEGERS), (-3, 3)),
    "Minimum": ("x y", (*FLOATS, *INTEGERS), (-3, 3)),
    "Atan2": ("y x", FLOATS, (-3, 3)),
    "Xdivy": ("x y", (*FLOATS, *COMPLEX), (1, 9)),
    "Xlogy": ("x y", (*FLOATS, *COMPLEX), (1, 9)),
    "Xlog1py": ("x y", (*FLOATS, *COMPLEX), (1, 9)),
    "NextAfter": ("x1 x2", ("float32", "float64"), (-3, 3)),
}
NOT_DIFFERENTIABLE = {"Mod", "TruncateMod"}
# Op: pairs of float32, and whether the derivatives there are compared.
PAIRS = {
    "MulNoNan": ([[NAN, INF, 1, NAN, 2], [0, 0, NAN, 1, INF]], False),
    "DivNoNan": ([[NAN, INF, 1, NAN, 0], [0, 0, NAN, 1, 0]], False),
    "RealDiv": ([[1, -1, 0, INF], [0, 0, 0, INF]], False),
    "FloorDiv": ([[7, -7, 7, -7, 1, -1, 0], [2, 2, -2, -2, 0, INF, 0]], False),
    "FloorMod": ([[7, -7, 7, -7, -1, 5], [2, 2, -2, -2, INF, -INF]], False),
    "Mod": ([[7, -7, 7, -7, 1, -1], [2, 2, -2, -2, 0, INF]], False),
    "Pow": ([[0, 0, -1, -1, NAN, INF, 2, -2, 4], [0, -1, 0.5, 2, 0, 0, NAN, 3, -0.5]], False),
    "Maximum": ([[NAN, 1, INF, -INF, 0], [1, NAN, 1, 1, 0]], False),
    "Minimum": ([[NAN, 1, INF, -INF, 0], [1, NAN, 1, 1, 0]], False),
    "Atan2": ([[0, 0, 1, -1, INF, NAN], [1, -1, 0, 0, INF, 1]], False),
    "Xdivy": ([[0, 0, 0, 1, 1, NAN], [0, NAN, INF, 0, -1, 1]], False),
    "Xlogy": ([[0, 0, 0, 1, 1, NAN], [0, NAN, INF, 0, -1, 1]], False),
    "Xlog1py": ([[0, 0, 0, 1, 1, NAN], [-1, NAN, INF, -1, -2, 1]], False),
    "NextAfter": ([[1, 1, INF, NAN, 1, -1], [2, 0, 0, 1, 1, -INF]], False),
}
KINKS = {
    "Maximum": [[1, 2, 3, 0], [1, 3, 2, 0]],
    "Minimum": [[1, 2, 3, 0], [1, 3, 2, 0]],
    "DivNoNan": [[1, 0, 2, 3], [0, 0, 0, 2]],
    "MulNoNan": [[1, 0, 2, 3], [0, 0, 0, 2]],
    "Xdivy": [[0, 0, 1], [0, 2, 2]],
    "Xlogy": [[0, 0, 1], [2, 1, 2]],
    "Xlog1py": [[0, 0, 1], [2, 1, 2]],
    "Pow": [[0, 0, -2, -2, 3], [2, 1, 2, 3, 0]],
    "FloorMod": [[7, -7, 7, -7], [2, 2, -2, -2]],
}


def binary_cases(op: str) -> list[Case]:
    names, dtypes, (low, high) = BINARY[op]
    first, second = names.split()

    def case(x: np.ndarray, y: np.ndarray, gradient: bool = False, compiled: bool = True) -> Case:
        return Case(op, {first: x, second: y}, gradient=gradient, compiled=compiled)

    def some(dtype: str, x_shape: tuple[int, ...], y_shape: tuple[int, ...]) -> list[np.ndarray]:
        return [draw(dtype, x_shape, low, high, 1), draw(dtype, y_shape, low, high, 2)]

    is_smooth = op not in NOT_DIFFERENTIABLE
    cases = [case(*some("float32", (2, 3), (3,)), gradient=is_smooth)]
    if op in PAIRS:
        cases.append(case(*[row("float32", *side) for side in PAIRS[op][0]]))
    if op in KINKS:
        cases.append(case(*[row("float32", *side) for side in KINKS[op]], gradient=True))
    others = [dtype for dtype in dtypes if dtype != "float32"]
    cases += [case(*some(dtype, (5,), (5,)), compiled=False) for dtype in others]
    return [*cases, case(*some("float32", (), (2, 2)), compiled=False),
            case(*some("float32", (0, 3), (1, 3)), compiled=False)]  # fmt: skip


def signs_cases() -> list[Case]:
    """Quotients and remainders of integers of either sign, and sums that overflow."""
    x, y = [7, -7, 7, -7, 6], [2, 2, -2, -2, -3]
    cases = [
        _eager(op, x=row(dtype, *x), y=row(dtype, *y))
        for op in ("Div", "FloorDiv", "FloorMod", "Mod", "TruncateDiv", "TruncateMod")
        for dtype in BINARY[op][1] if dtype in SIGNED
    ]  # fmt: skip
    for op in ("AddV2", "Sub", "Mul", "Maximum", "Minimum"):
        for dtype in ("int8", "uint16", "uint32", "uint64"):
            top = np.iinfo(dtype).max
            x, y = np.asarray([top, top, 1], dtype), np.asarray([1, top, top], dtype)
            cases.append(_eager(op, x=x, y=y))
    return cases


def other_cases() -> list[Case]:
    cases = [
        Case("AddN", {"inputs": [draw(dtype, (2, 2), seed=i) for i in range(3)]},
             gradient=dtype == "float32", compiled=dtype == "float32")
        for dtype in (*FLOATS, *INTEGERS, *COMPLEX)
    ]  # fmt: skip
    cases.append(Case("AddN", {"inputs": [draw("float32", ())]}, gradient=True))
    for dtype in (*FLOATS, *SIGNED, "uint8", "uint16"):
        x = draw(dtype, (2, 4), -5, 9)
        limits = {"clip_value_min": row(dtype, 1)[0], "clip_value_max": row(dtype, 3)[0]}
        limits = {name: np.asarray(value) for name, value in limits.items()}
        is_first = dtype == "float32"
        cases.append(Case("ClipByValue", {"t": x, **limits}, gradient=is_first, compiled=is_first))
    x = row("float32", 0, 1, 2, 3, 4)
    for low, high in (([1] * 5, [3] * 5), ([3] * 5, [1] * 5), ([0, 1, 2, 4, 4], [4, 4, 2, 4, 5])):
        limits = {"clip_value_min": row("float32", *low), "clip_value_max": row("float32", *high)}
        cases.append(Case("ClipByValue", {"t": x, **limits}, gradient=low != [3] * 5))
    cases.append(
        Case("ClipByValue", {"t": row("float32", NAN, INF, -INF),
                             "clip_value_min": np.float32(0), "clip_value_max": np.float32(1)})
    )  # fmt: skip
    for dtype in (*FLOATS, *INTEGERS):
        pair = {"a": draw(dtype, (2, 3), seed=1), "b": draw(dtype, (2, 3), seed=2)}
        is_first = dtype == "float32"
        cases.append(Case("Cross", pair, gradient=is_first, compiled=is_first))
    cases.append(Case("Cross", {"a": draw("float32", (3,)), "b": draw("float32", (3,), seed=1)}))
    for dtype in ("float32", "float64"):
        pair = {"x": row(dtype, 1, 2, NAN, INF), "y": row(dtype, 1.05, 2.2, NAN, INF)}
        cases += [Case("ApproximateEqual", pair, {"tolerance": t}) for t in (1e-5, 0.1)]
    return cases


CASES = [
    *[case for op in UNARY for case in unary_cases(op)],
    *[case for op in BINARY for case in binary_cases(op)],
    *signs_cases(),
    *other_cases(),
]


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)


def test_round_keeps_integers() -> None:
    case = Case("Round", {"x": row("int32", 1, -5, 7)})
    (found,) = run_eagerly(case, reference(case).node)
    np.testing.assert_array_equal(values.to_host(found), [1, -5, 7])


def test_accumulate_adds() -> None:
    x = row("float32", 1, 2)
    (found,) = run_op("AccumulateNV2", x, x, x, N=3, T="float32")
    np.testing.assert_array_equal(found, [3, 6])
