"""Comparison, logic, and the choice between two tensors."""

from __future__ import annotations

import numpy as np

from support.op_cases import Case, check, parametrize
from support.op_values import COMPLEX, FLOATS, INTEGERS, draw, row

NAN, INF = np.nan, np.inf
ORDER = ("Less", "LessEqual", "Greater", "GreaterEqual")
X, Y = [1, 2, 3, NAN, INF, -INF, 0.0], [2, 2, 2, NAN, INF, INF, -0.0]


def comparison_cases(op: str) -> list[Case]:
    dtypes = (*FLOATS, *INTEGERS) if op in ORDER else (*FLOATS, *INTEGERS, *COMPLEX, "bool")
    cases = [
        Case(op, {"x": draw("float32", (2, 1)), "y": draw("float32", (1, 3))}),
        Case(op, {"x": row("float32", *X), "y": row("float32", *Y)}),
        Case(op, {"x": np.float32(1), "y": row("float32", 0, 1, 2)}, compiled=False),
        Case(op, {"x": draw("float32", (0, 2)), "y": draw("float32", (2,))}, compiled=False),
    ]
    for dtype in dtypes[1:]:
        pair = {"x": row(dtype, 0, 1, 2, 3), "y": row(dtype, 1, 1, 2, 2)}
        cases.append(Case(op, pair, compiled=False))
    for dtype in ("uint32", "uint64"):
        top = np.iinfo(dtype).max
        pair = {"x": np.asarray([0, top, top], dtype), "y": np.asarray([top, 0, top], dtype)}
        cases.append(Case(op, pair, compiled=False))
    return cases


def equality_cases(op: str) -> list[Case]:
    loose = {"incompatible_shape_error": False}
    strings = {"x": np.asarray([b"a", b"bc", b""], object), "y": np.asarray(b"bc", object)}
    return [
        Case(op, {"x": row("int32", 1, 2), "y": row("int32", 1, 2, 3)}, loose),
        Case(op, {"x": row("int32", 1, 2), "y": row("int32", 1, 3)}, loose),
        Case(op, {"x": draw("float32", (2, 1)), "y": draw("float32", (3,))}, loose),
        Case(op, strings),
    ]


def logic_cases() -> list[Case]:
    x, y = np.asarray([[True], [False]]), np.asarray([True, False])
    cases = [Case(op, {"x": x, "y": y}) for op in ("LogicalAnd", "LogicalOr")]
    cases += [Case(op, {"x": x[:0], "y": y[1]}) for op in ("LogicalAnd", "LogicalOr")]
    return [*cases, Case("LogicalNot", {"x": x}), Case("LogicalNot", {"x": y[0]})]


def select_cases() -> list[Case]:
    condition = np.asarray([True, False])
    table = draw("bool", (2, 3), seed=5)
    cases = []
    for c in (condition, table, np.asarray(True), np.asarray(False)):
        x, y = draw("float32", (2, 3), seed=1), draw("float32", (2, 3), seed=2)
        cases.append(Case("Select", {"condition": c, "x": x, "y": y}, gradient=True))
    for dtype in (*FLOATS[1:], *INTEGERS, *COMPLEX, "bool"):
        x, y = draw(dtype, (2, 3), seed=1), draw(dtype, (2, 3), seed=2)
        inputs = {"condition": condition, "x": x, "y": y}
        cases.append(Case("Select", inputs, compiled=False))
        inputs = {"condition": table, "t": x, "e": y[0]}
        cases.append(Case("SelectV2", inputs, compiled=False))
    one = row("float32", 1, 2)
    cases += [
        Case("Select", {"condition": condition, "x": one, "y": -one}, gradient=True),
        Case("SelectV2", {"condition": table, "t": x_of(2, 3), "e": x_of(3)}, gradient=True),
        Case("SelectV2", {"condition": condition[:, None], "t": x_of(), "e": x_of(3)},
             gradient=True),
        Case("SelectV2", {"condition": condition, "t": row("float32", NAN, 1),
                          "e": row("float32", 1, INF)}, gradient=True),
        Case("SelectV2", {"condition": condition, "t": np.asarray([b"a", b"b"], object),
                          "e": np.asarray(b"c", object)}, static=("condition",),
             compiled=False),
    ]  # fmt: skip
    return cases


def x_of(*shape: int) -> np.ndarray:
    return draw("float32", shape, seed=7)


CASES = [
    *[case for op in ("Equal", "NotEqual") for case in equality_cases(op)],
    *[case for op in (*ORDER, "Equal", "NotEqual") for case in comparison_cases(op)],
    *logic_cases(),
    *select_cases(),
]


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)
