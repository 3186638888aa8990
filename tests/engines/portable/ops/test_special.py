"""Special functions."""

from __future__ import annotations

import numpy as np

from support.op_cases import Case, check, parametrize
from support.op_values import draw, row

NAN, INF = np.nan, np.inf
F32, F64 = "float32", "float64"
# Op: element types, limits, edges.
UNARY = {
    "Erf": ((F32, F64, "float16", "bfloat16"), (-3, 3), [NAN, INF, -INF, 0]),
    "Erfc": ((F32, F64, "float16", "bfloat16"), (-3, 3), [NAN, INF, -INF, 0]),
    "Erfinv": ((F32, F64), (-0.95, 0.95), [NAN, 1, -1, 0, 1.5]),
    "Ndtri": ((F32, F64), (0.05, 0.95), [NAN, 0, 1, 0.5, 1.5, -1]),
    "Lgamma": ((F32, F64, "float16"), (0.5, 5), [NAN, INF, 0, -1, -2.5, 1, 2]),
    "Digamma": ((F32, F64, "float16"), (0.5, 5), [NAN, INF, -2.5, 1, 2]),
    "BesselI0": ((F32, F64, "float16"), (-4, 4), [0, 9, -9]),
    "BesselI0e": ((F32, F64, "float16"), (-4, 4), [0, 9, -9, 100]),
    "BesselI1": ((F32, F64, "float16"), (-4, 4), [0, 9, -9]),
    "BesselI1e": ((F32, F64, "float16"), (-4, 4), [0, 9, -9, 100]),
}
BINARY = {
    "Igamma": ("a x", (0.5, 4), (0.5, 6), True),
    "Igammac": ("a x", (0.5, 4), (0.5, 6), True),
    "IgammaGradA": ("a x", (0.5, 4), (0.5, 6), False),
    "Zeta": ("x q", (1.5, 4), (0.5, 4), True),
    "Polygamma": ("a x", (1, 3), (0.5, 4), True),
}


def unary_cases(op: str) -> list[Case]:
    dtypes, (low, high), edges = UNARY[op]
    return [
        Case(op, {"x": draw(F32, (2, 3), low, high)}, gradient=True),
        Case(op, {"x": row(F32, *edges)}),
        *[Case(op, {"x": draw(dtype, (4,), low, high)}, compiled=False) for dtype in dtypes[1:]],
        Case(op, {"x": draw(F32, ())}, compiled=False),
    ]


def binary_cases(op: str) -> list[Case]:
    names, first, second, is_smooth = BINARY[op]
    cases = []
    for dtype, shapes in ((F32, [(2, 3), (3,)]), (F64, [(4,), (4,)]), (F32, [(), (3,)])):
        x, y = draw(dtype, shapes[0], *first, seed=1), draw(dtype, shapes[1], *second, seed=2)
        x = np.round(x) if op == "Polygamma" else x
        pair = dict(zip(names.split(), [x, y], strict=True))
        is_first = len(shapes[0]) == 2
        # By differences, on torch.
        tolerance = (1e-8, 1e-9) if op == "IgammaGradA" and dtype == F64 else None
        cases.append(
            Case(op, pair, gradient=is_smooth and is_first, compiled=is_first, tolerance=tolerance)
        )
    return cases


def betainc_cases() -> list[Case]:
    cases = []
    for dtype, shape in ((F32, (2, 3)), (F64, (5,))):
        a, b = draw(dtype, shape, 0.5, 5, 1), draw(dtype, shape, 0.5, 5, 2)
        inputs = {"a": a, "b": b, "x": draw(dtype, shape, 0.05, 0.95, 3)}
        # Near one the float32 kernels differ in more than the last bits.
        tolerance = (1e-4, 1e-5) if dtype == F32 else None
        cases.append(Case("Betainc", inputs, gradient=dtype == F32, tolerance=tolerance))
    a, b = row(F64, 2, 2, 2, 30, 0.1, 100), row(F64, 3, 3, 3, 40, 0.2, 2)
    x = row(F64, 0, 1, 0.5, 0.4, 0.9, 0.99)
    return [*cases, Case("Betainc", {"a": a, "b": b, "x": x}, compiled=False)]


def polygamma_cases() -> list[Case]:
    order, x = row(F32, 0, 0, 1, 2, 5), row(F32, 1, 2.5, 1, 3, 2)
    return [Case("Polygamma", {"a": order, "x": x}, compiled=False)]


CASES = [
    *[case for op in UNARY for case in unary_cases(op)],
    *[case for op in BINARY for case in binary_cases(op)],
    *betainc_cases(),
    *polygamma_cases(),
]


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)
