"""Work on the bits of integers."""

from __future__ import annotations

import numpy as np

from support.op_cases import Case, check, parametrize
from support.op_values import INTEGERS, SIGNED, draw, row


def bits_cases(dtype: str) -> list[Case]:
    limits = np.iinfo(dtype)
    low = -9 if dtype in SIGNED else 0
    x, y = draw(dtype, (2, 5), low, 99, 1), draw(dtype, (5,), low, 99, 2)
    ends = np.asarray([limits.min, limits.max, 0, 1], dtype)
    is_first = dtype == "int32"
    cases = [
        Case(op, {"x": x, "y": y}, compiled=is_first)
        for op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor")
    ]
    for op in ("Invert", "PopulationCount"):
        cases += [Case(op, {"x": value}, compiled=is_first) for value in (x, ends)]
    distances = [0, 1, limits.bits - 1, limits.bits, 100]
    distances[0] = -1 if dtype in SIGNED else limits.max
    pair = {"x": np.asarray([3, 5, 7, 6, 9], dtype), "y": np.asarray(distances, dtype)}
    for op in ("LeftShift", "RightShift"):
        cases.append(Case(op, pair, compiled=is_first))
        cases.append(Case(op, {"x": ends, "y": row(dtype, 3)}, compiled=is_first))
    return cases


CASES = [
    *[case for dtype in INTEGERS for case in bits_cases(dtype)],
    Case("Invert", {"x": row("int32", 5)[0].reshape(())}),
    Case("PopulationCount", {"x": draw("int64", ())}, compiled=False),
    Case("PopulationCount", {"x": draw("int64", (0, 2))}, compiled=False),
]


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)
