"""Numbers rounded as if they were stored as small integers."""

from __future__ import annotations

from typing import Any

import numpy as np

from support.op_cases import Case, check, parametrize
from support.op_values import draw, row

NAN, INF = np.nan, np.inf
NUMBERS = [-9, -6.1, -6, -3.3, -0.02, 0, 0.011, 0.03, 2.51, 5.99, 6, 8]
WAYS = [
    {}, {"narrow_range": True}, {"num_bits": 4}, {"num_bits": 16}, {"num_bits": 2},
]  # fmt: skip
RANGES = [(-6, 6), (0, 6), (-3, 0), (-0.1, 5.3), (1, 6), (-5, -1), (0, 0)]


def fake_quant_cases() -> list[Case]:
    x = row("float32", *NUMBERS)
    cases = []
    for index, (low, high) in enumerate(RANGES):
        for way in WAYS if index == 0 else WAYS[:2]:
            is_more = index > 1
            ends = {"min": np.float32(low), "max": np.float32(high)}
            cases.append(
                Case("FakeQuantWithMinMaxVars", {"inputs": x, **ends}, way, gradient=True,
                     compiled=not is_more)
            )  # fmt: skip
            inputs = {"gradients": draw("float32", x.shape), "inputs": x}
            cases.append(
                Case("FakeQuantWithMinMaxVarsGradient", {**inputs, **ends}, way,
                     compiled=not is_more)
            )  # fmt: skip
            if low < high:
                attrs = {"min": float(low), "max": float(high), **way}
                cases.append(
                    Case("FakeQuantWithMinMaxArgs", {"inputs": x}, attrs, gradient=True,
                         compiled=not is_more)
                )  # fmt: skip
                cases.append(Case("FakeQuantWithMinMaxArgsGradient", inputs, attrs, compiled=False))
    ends = {"min": np.float32(-1), "max": np.float32(1)}
    # A symmetric range has zero between two steps: nothing may be rounded otherwise.
    x = row("float32", -2, -1.01, -0.3, 0, 0.7, 1.01, 2)
    for way in WAYS[:3]:
        cases.insert(0, Case("FakeQuantWithMinMaxVars", {"inputs": x, **ends}, way))
        attrs = {"min": -1.0, "max": 1.0, **way}
        cases.insert(0, Case("FakeQuantWithMinMaxArgs", {"inputs": x}, attrs))
    x = row("float32", NAN, INF, -INF, 0.5)
    return [*cases, Case("FakeQuantWithMinMaxVars", {"inputs": x, **ends})]


def per_channel_cases() -> list[Case]:
    op = "FakeQuantWithMinMaxVarsPerChannel"
    ends = {"min": row("float32", -6, 0, -0.1), "max": row("float32", 6, 0, 3)}
    cases = []
    for shape in ((4, 3), (3,), (2, 2, 1, 3)):
        x = draw("float32", shape, -9, 9)
        for way in WAYS[:2]:
            cases.append(Case(op, {"inputs": x, **ends}, way, gradient=True))
            inputs = {"gradients": draw("float32", shape, seed=1), "inputs": x, **ends}
            cases.append(Case(op + "Gradient", inputs, way))
    return cases


def quantize_cases(op: str, extra: dict[str, Any], ways: list[dict[str, Any]]) -> list[Case]:
    x = row("float32", -9, -6.1, -0.5, -0.25, 0, 0.1, 0.25, 0.75, 3, 6.5)
    cases = []
    for index, way in enumerate(ways):
        for low, high in ((-6, 6), (-1, 6.5), (0, 3)):
            ends = {"input_min": np.float32(low), "input_max": np.float32(high)}
            inputs = {"input": x, **ends, **extra}
            cases.append(
                Case(op, inputs, way, tuple(extra), gradient=True, compiled=index < 2 and low == 0)
            )
    table = draw("float32", (2, 3, 4), -2, 2)
    # With a range for each slice TensorFlow 2.21 refuses those without the input `num_bits`.
    for is_given in (True, False) if extra else (False,):
        ends = {"input_min": row("float32", -1, -2, -0.5), "input_max": row("float32", 1, 0.5, 2)}
        way = {"axis": 1, "range_given": is_given}
        inputs = {"input": table, **ends, **extra}
        cases.append(Case(op, inputs, way, tuple(extra), gradient=op[-1] != "4"))
    for x64 in (draw("float64", (7,)), np.zeros(3), row("float64", INF, 1)):
        ends = {"input_min": np.float64(-1), "input_max": np.float64(1)}
        inputs = {"input": x64, **ends, **extra}
        cases.append(Case(op, inputs, {"range_given": True}, tuple(extra), compiled=False))
    inputs = {"input": np.zeros(3, np.float32), "input_min": np.float32(0),
              "input_max": np.float32(0), **extra}  # fmt: skip
    return [*cases, Case(op, inputs, {"range_given": False}, tuple(extra))]


SHARED = [
    {"range_given": True}, {"range_given": False}, {"range_given": True, "narrow_range": True},
    {"range_given": True, "signed_input": False}, {"range_given": False, "signed_input": False},
]  # fmt: skip
MORE = [
    {"range_given": True, "round_mode": "HALF_UP"}, {"range_given": True, "num_bits": 3},
    {"range_given": False, "round_mode": "HALF_UP", "num_bits": 3},
]  # fmt: skip


def v4_grad_cases() -> list[Case]:
    x, gradient = row("float32", -3, -1, 0, 1, 2), row("float32", 1, 2, 3, 4, 5)
    ends = {"input_min": np.float32(-1), "input_max": np.float32(1)}
    op = "QuantizeAndDequantizeV4Grad"
    table = draw("float32", (2, 3))
    channels = {"input_min": row("float32", -1, -2, 0), "input_max": row("float32", 1, 0, 2)}
    return [
        Case(op, {"gradients": gradient, "input": x, **ends}),
        Case(op, {"gradients": table, "input": table, **channels}, {"axis": 1}),
    ]


CASES = [
    *fake_quant_cases(),
    *per_channel_cases(),
    *quantize_cases("QuantizeAndDequantizeV2", {}, SHARED + MORE),
    *quantize_cases("QuantizeAndDequantizeV4", {}, SHARED + MORE),
    *quantize_cases("QuantizeAndDequantizeV3", {"num_bits": np.asarray(5, np.int32)}, SHARED),
    *v4_grad_cases(),
]


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)
