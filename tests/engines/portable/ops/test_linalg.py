"""Products of matrices against TensorFlow's CPU kernels."""

from __future__ import annotations

import ml_dtypes
import numpy as np

from support.op_cases import Case, check, parametrize

RNG = np.random.default_rng(0)


def draw(*shape, dtype="float32") -> np.ndarray:
    if np.dtype(dtype).kind in "iu":
        return RNG.integers(0, 100, shape).astype(dtype)
    if np.dtype(dtype).kind == "c":
        return (RNG.normal(size=shape) + 1j * RNG.normal(size=shape)).astype(dtype)
    return RNG.normal(size=shape).astype(dtype)


DTYPES = (
    "float16", ml_dtypes.bfloat16, "float64", "int16", "int32", "int64", "complex64", "complex128"
)  # fmt: skip
CASES = []
for transpose_a, transpose_b in ((False, False), (False, True), (True, False), (True, True)):
    a = draw(*((3, 2) if transpose_a else (2, 3)))
    b = draw(*((4, 3) if transpose_b else (3, 4)))
    attrs = {"transpose_a": transpose_a, "transpose_b": transpose_b}
    CASES += [
        Case("MatMul", {"a": a, "b": b}, attrs, gradient=True),
        Case("MatMul", {"a": a + 1j * a, "b": b - 1j * b}, attrs, compiled=False),
        Case(
            "SparseMatMul",
            {"a": a, "b": b.astype(ml_dtypes.bfloat16) if transpose_a else b},
            {**attrs, "a_is_sparse": transpose_b},
            gradient=not transpose_a,
        ),
    ]
CASES += [
    Case("MatMul", {"a": draw(2, 0), "b": draw(0, 3)}),
    Case("MatMul", {"a": draw(0, 2), "b": draw(2, 3)}),
    Case("MatMul", {"a": np.float32([[np.inf, 1]]), "b": np.float32([[0, 1], [np.nan, 1]])}),
    Case("MatMul", {"a": np.int32([[2**30]]), "b": np.int32([[5]])}),
]
CASES += [
    Case("MatMul", {"a": draw(2, 3, dtype=dtype), "b": draw(3, 2, dtype=dtype)}, compiled=False)
    for dtype in DTYPES
    if dtype != "int16"
]

for adj_x, adj_y in ((False, False), (False, True), (True, False), (True, True)):
    shape_x, shape_y = (3, 2) if adj_x else (2, 3), (4, 3) if adj_y else (3, 4)
    attrs = {"adj_x": adj_x, "adj_y": adj_y}
    CASES += [
        Case("BatchMatMul", {"x": draw(2, *shape_x), "y": draw(2, *shape_y)}, attrs, gradient=True),
        Case(
            "BatchMatMulV2",
            {"x": draw(2, 1, *shape_x), "y": draw(3, *shape_y)},
            attrs,
            gradient=True,
        ),
        Case(
            "BatchMatMulV2",
            {
                "x": draw(2, *shape_x, dtype="complex64"),
                "y": draw(2, *shape_y, dtype="complex64"),
            },
            attrs,
        ),
    ]
CASES += [
    Case("BatchMatMulV2", {"x": draw(2, 3), "y": draw(3, 2)}, gradient=True),
    Case("BatchMatMulV2", {"x": draw(2, 2, 0), "y": draw(0, 2)}),
    Case("BatchMatMulV2", {"x": draw(0, 2, 3), "y": draw(3, 2)}),
]
CASES += [
    Case(
        "BatchMatMulV2",
        {"x": draw(2, 2, 3, dtype=dtype), "y": draw(3, 2, dtype=dtype)},
        compiled=False,
    )
    for dtype in DTYPES
]
CASES += [
    Case("BatchMatMulV3", {"x": draw(2, 2, 3), "y": draw(3, 2)}, {"Tout": "float32"}, gradient=True)
]
CASES += [
    Case("BatchMatMulV3", {"x": draw(2, 3, dtype=x), "y": draw(3, 2, dtype=y)}, {"Tout": out})
    for x, y, out in (
        ("int8", "int8", "int32"), ("uint8", "int8", "int32"), ("int8", "uint8", "int32"),
        (ml_dtypes.bfloat16, "int8", "bfloat16"), ("uint8", ml_dtypes.bfloat16, "bfloat16"),
        ("float64", "float64", "float64"), ("int16", "int16", "int16"),
    )
]  # fmt: skip

EQUATIONS = {
    "ij,jk->ik": [(2, 3), (3, 4)],
    "abc,cd->abd": [(2, 3, 4), (4, 2)],
    "...ij,...jk->...ik": [(2, 1, 2, 3), (3, 3, 2)],
    "bqhd,bkhd->bhqk": [(2, 3, 2, 2), (2, 4, 2, 2)],
    "ii->": [(3, 3)],
    "ii->i": [(3, 3)],
    "iji->j": [(2, 3, 2)],
    "ij->ji": [(2, 3)],
    "ij->": [(2, 3)],
    "i,j->ij": [(2,), (3,)],
    ",ij->ij": [(), (2, 3)],
    "...i->...": [(2, 3, 4)],
    "...i,jk->...ijk": [(2, 3), (2, 2)],
    "i...,j->j...": [(2, 3, 4), (2,)],
    "...,...->...": [(2, 1), (3,)],
    "i->ii": [(3,)],
    "ij->iji": [(2, 3)],
    "a...b->ab...a": [(2, 3, 4)],
    "aB,Bc->ca": [(2, 3), (3, 2)],
    "iij,jk->ik": [(2, 2, 3), (3, 2)],
}
CASES += [
    Case("Einsum", {"inputs": [draw(*s) for s in shapes]}, {"equation": equation}, gradient=True)
    for equation, shapes in EQUATIONS.items()
]
CASES += [
    Case(
        "Einsum",
        {"inputs": [draw(2, 3, dtype=dtype), draw(3, 2, dtype=dtype)]},
        {"equation": "ij,jk->ik"},
        compiled=False,
    )
    for dtype in ("float16", ml_dtypes.bfloat16, "float64", "int32", "int64", "complex64",
                  "complex128")
]  # fmt: skip
CASES += [
    Case("Einsum", {"inputs": [draw(0, 3), draw(3, 2)]}, {"equation": "ij,jk->ik"}),
    Case("Einsum", {"inputs": [draw(2, 0), draw(0, 2)]}, {"equation": "ij,jk->ik"}),
    Case("Einsum", {"inputs": [draw(2)]}, {"equation": "i->"}),
]
for dtype in ("float32", "float64", "complex64", "complex128"):
    inputs = {
        "superdiag": draw(2, 1, 3, dtype=dtype),
        "maindiag": draw(2, 1, 3, dtype=dtype),
        "subdiag": draw(2, 1, 3, dtype=dtype),
        "rhs": draw(2, 3, 2, dtype=dtype),
    }
    CASES += [Case("TridiagonalMatMul", inputs, gradient=dtype == "float32")]
CASES += [Case("TridiagonalMatMul", {**dict.fromkeys(
    ("superdiag", "maindiag", "subdiag"), draw(1, 1)), "rhs": draw(1, 2)})]  # fmt: skip


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)
