"""Ops that hand on what they get, or as many zeros and ones."""

from __future__ import annotations

import numpy as np
import pytest

from anyhub.engines.portable import values
from anyhub.engines.portable.run import Run
from support.op_cases import Case, check, parametrize, plan_of, reference
from support.op_values import COMPLEX, FLOATS, INTEGERS, draw, row

STRINGS = np.asarray([b"a", b""], object)
PASSING = ("Identity", "GuaranteeConst", "StopGradient", "Snapshot")


def identity_cases() -> list[Case]:
    cases = [
        Case(op, {"input": draw("float32")}, gradient=op in ("Identity", "StopGradient"))
        for op in PASSING
    ]
    cases += [Case(op, {"input": draw("bool", (3,))}) for op in PASSING]
    cases += [Case(op, {"input": STRINGS}, compiled=False) for op in PASSING[:3]]
    return [
        *cases,
        Case("PreventGradient", {"input": draw("float32")}, {"message": "no"}),
        Case("DebugIdentity", {"input": draw("float32")}, {"tensor_name": "x"}),
        Case("DebugIdentityV2", {"input": draw("float32")}, {"op_name": "x"}),
    ]


def like_cases() -> list[Case]:
    cases = [
        Case(op, {"x": draw(dtype, (2, 3))}, gradient=index == 0, compiled=index == 0)
        for op in ("OnesLike", "ZerosLike")
        for index, dtype in enumerate((*FLOATS, *INTEGERS, *COMPLEX, "bool"))
    ]
    for op in ("OnesLike", "ZerosLike"):
        cases += [
            Case(op, {"x": draw("int32", (3,))}, static=("x",)),
            Case(op, {"x": draw("float32", ())}),
            Case(op, {"x": draw("float32", (0, 2))}),
        ]
    return [*cases, Case("ZerosLike", {"x": STRINGS}, compiled=False)]


def check_numerics_cases() -> list[Case]:
    return [
        Case(op, {"tensor": draw(dtype)}, {"message": "m"}, gradient=dtype == "float32")
        for op in ("CheckNumerics", "CheckNumericsV2") for dtype in FLOATS
    ]  # fmt: skip


CASES = [*identity_cases(), *like_cases(), *check_numerics_cases()]


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("op", ["CheckNumerics", "CheckNumericsV2"])
def test_numbers_that_are_none_are_refused(op: str) -> None:
    good = Case(op, {"tensor": draw("float32")}, {"message": "m"})
    node = reference(good).node
    bad = Case(op, {"tensor": row("float32", 1, np.nan, -np.inf)}, {"message": "m"})
    plan = plan_of(good, node)
    with pytest.raises(ValueError, match="m : Tensor had -Inf, NaN values"):
        plan(Run(), values.to_device(bad.inputs["tensor"]))
