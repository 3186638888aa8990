"""Complex numbers and their parts."""

from __future__ import annotations

import numpy as np

from support.op_cases import Case, check, parametrize
from support.op_values import COMPLEX, draw

PARTS = {"complex64": "float32", "complex128": "float64"}


def complex_cases(dtype: str) -> list[Case]:
    part = PARTS[dtype]
    x = draw(dtype, (2, 3))
    edges = np.asarray([0, 1, -1, 1j, -1j], dtype)
    cases = []
    for op in ("Angle", "ComplexAbs", "Imag", "Real"):
        name = "x" if op == "ComplexAbs" else "input"
        cases += [Case(op, {name: value}, {"Tout": part}) for value in (x, edges, x[0, 0])]
    cases += [Case("Conj", {"input": value}) for value in (x, x[:0])]
    real, imag = draw(part, (2, 1), seed=1), draw(part, (3,), seed=2)
    return [*cases, Case("Complex", {"real": real, "imag": imag}, {"Tout": dtype}),
            Case("Complex", {"real": real, "imag": imag[0]}, {"Tout": dtype})]  # fmt: skip


CASES = [case for dtype in COMPLEX for case in complex_cases(dtype)]


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)
