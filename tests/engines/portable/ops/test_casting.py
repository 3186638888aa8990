"""From one element type to another: by value and by bits."""

from __future__ import annotations

import numpy as np

from support.op_cases import Case, check, parametrize
from support.op_values import COMPLEX, FLOATS, INTEGERS, draw, row

NAN, INF = np.nan, np.inf
TYPES = (*FLOATS, *INTEGERS, *COMPLEX, "bool")
WIDE = {"float64", "int64", "uint64", "complex128"}


def cast_case(source: str, target: str) -> Case:
    x = draw(source, (5,), -5, 100)
    if target.startswith("uint"):
        x = np.abs(x.real).astype(x.dtype) if source != "bool" else x
    # One in three is compiled.
    compiled = (TYPES.index(source) + TYPES.index(target)) % 3 == 0
    gradient = source in ("float32", "float16") and target in ("float64", "float32", "bfloat16")
    return Case("Cast", {"x": x}, {"DstT": target}, compiled=compiled, gradient=gradient)


def edge_cases() -> list[Case]:
    halves = row("float32", 1.5, -1.5, 2.5, -0.5, 0.99, -0.0)
    beyond = row("float32", 300, -1, -200, 70000, -70000, NAN, INF)
    cases = [Case("Cast", {"x": halves}, {"DstT": target}) for target in ("int32", "int8", "bool")]
    cases += [Case("Cast", {"x": beyond}, {"DstT": target})
              for target in ("int8", "uint8", "int16", "uint16", "bool", "float16")]  # fmt: skip
    cases += [
        Case("Cast", {"x": row("int32", 300, -1, 70000)}, {"DstT": "uint8"}),
        Case("Cast", {"x": row("int64", 2**40 + 5, -1)}, {"DstT": "int32"}),
        Case("Cast", {"x": row("complex64", 1j, 0, 1)}, {"DstT": "bool"}),
        Case("Cast", {"x": row("float32", NAN, 0, -0.0, 0.1)}, {"DstT": "bool"}),
        Case("Cast", {"x": draw("float32", ())}, {"DstT": "int32"}),
        Case("Cast", {"x": draw("float32", (0, 2))}, {"DstT": "int32"}),
        Case("Cast", {"x": row("float32", 1.5, 300, -3)}, {"DstT": "float8_e5m2"}),
        Case("Cast", {"x": row("float32", 1.5, 300, -3)}, {"DstT": "float8_e4m3fn"}),
        Case("Cast", {"x": row("int32", 3, 200)}, {"DstT": "quint8"}),
    ]
    return cases


def truncate_cases() -> list[Case]:
    numbers = [1.999999, 3.14159, -2.71828, 1e10, NAN, INF, 1e-3]
    pairs = [("float32", "bfloat16"), ("float32", "float16"), ("float64", "float32"),
             ("float64", "bfloat16"), ("float64", "float16"), ("float32", "int32"),
             ("float32", "float64")]  # fmt: skip
    cases = []
    for source, target in pairs:
        x = row(source, *(numbers[:3] if target == "int32" else numbers))
        cases.append(Case("Cast", {"x": x}, {"DstT": target, "Truncate": True}))
    x = row("float32", 1.999999, 3.14159, -2.71828)
    attrs = {"DstT": "bfloat16", "Truncate": True}
    return [*cases, Case("Cast", {"x": x}, attrs, gradient=True)]


def bitcast_cases() -> list[Case]:
    types = [t for t in TYPES if t != "bool"]
    cases = []
    for source in types:
        for target in types:
            shape = (2, 16 // np.dtype(draw(source, ()).dtype).itemsize)
            x = draw(source, shape, 1, 100)
            if np.dtype(draw(target, ()).dtype).itemsize > x.itemsize:
                factor = np.dtype(draw(target, ()).dtype).itemsize // x.itemsize
                x = x.reshape(2, -1, factor)
            if target in FLOATS and source not in FLOATS:
                continue
            # Compiled without the types of 64 bits unless inputs have them.
            compiled = (types.index(source) + types.index(target)) % 5 == 0 and target not in WIDE
            cases.append(Case("Bitcast", {"input": x}, {"type": target}, compiled=compiled))
    one = np.asarray(1, np.float32)
    return [
        Case("Bitcast", {"input": one}, {"type": "uint8"}),
        Case("Bitcast", {"input": draw("int32", (3,))}, {"type": "float32"}),
        *cases,
    ]


CASES = [
    *edge_cases(),
    *truncate_cases(),
    *[cast_case(source, target) for source in TYPES for target in TYPES],
    *bitcast_cases(),
]


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)
