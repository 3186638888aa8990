"""Diagonals of matrices, and bands around them."""

import ml_dtypes
import numpy as np

from support.op_cases import Case, check, parametrize

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 3, 4)).astype(np.float32)
ALIGNMENTS = ("LEFT_RIGHT", "RIGHT_LEFT", "LEFT_LEFT", "RIGHT_RIGHT")
TYPES = ["float16", "bfloat16", "float64", "int8", "uint8", "int64", "bool", "complex64"]
TYPES += ["uint16", "uint32", "uint64"]
FEW = ["float16", "float64", "int32", "int64", "complex64"]


def ints(numbers, dtype=np.int32):
    return np.asarray(numbers, dtype)


def typed(dtype, shape=(2, 3)):
    numbers = np.arange(1, np.prod(shape) + 1).reshape(shape)
    return numbers.astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)


def normal(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def one(op, x, **options):
    name = "input" if op.endswith("Part") else "diagonal"
    return Case(op, {name: x}, **options)


def scalar(x):
    return x.ravel()[:1].reshape(())


def part(x, k, align=None, **options):
    inputs = {"input": x, "k": ints(k), "padding_value": scalar(x)}
    attrs = {} if align is None else {"align": align}
    op = "MatrixDiagPartV2" if align is None else "MatrixDiagPartV3"
    return Case(op, inputs, attrs, static=("k",), **options)


def diag(x, k, rows=-1, columns=-1, align=None, **options):
    inputs = {"diagonal": x, "k": ints(k), "num_rows": ints(rows), "num_cols": ints(columns)}
    attrs = {} if align is None else {"align": align}
    op = "MatrixDiagV2" if align is None else "MatrixDiagV3"
    static = ("k", "num_rows", "num_cols")
    return Case(op, {**inputs, "padding_value": scalar(x)}, attrs, static=static, **options)


def set_diag(x, diagonal, k, align=None, **options):
    inputs = {"input": x, "diagonal": diagonal, "k": ints(k)}
    attrs = {} if align is None else {"align": align}
    op = "MatrixSetDiagV2" if align is None else "MatrixSetDiagV3"
    return Case(op, inputs, attrs, static=("k",), **options)


def set_diag_v1(x, diagonal, **options):
    return Case("MatrixSetDiag", {"input": x, "diagonal": diagonal}, **options)


def band(x, lower, upper, dtype=np.int64, **options):
    inputs = {"input": x, "num_lower": ints(lower, dtype), "num_upper": ints(upper, dtype)}
    return Case("MatrixBandPart", inputs, **options)


CASES = [
    one("Diag", normal(3), gradient=True),
    one("Diag", normal(2, 3), gradient=True),
    *[one("Diag", typed(d, (2,))) for d in FEW],
    one("DiagPart", normal(3, 3), gradient=True),
    one("DiagPart", normal(2, 3, 2, 3), gradient=True),
    *[one("DiagPart", typed(d, (2, 2))) for d in FEW],
    one("MatrixDiag", normal(2, 3), gradient=True),
    one("MatrixDiag", normal(3), gradient=True),
    one("MatrixDiag", normal(2, 0)),
    *[one("MatrixDiag", typed(d)) for d in TYPES],
    one("MatrixDiagPart", X, gradient=True),
    one("MatrixDiagPart", normal(4, 3), gradient=True),
    one("MatrixDiagPart", normal(2, 1, 1)),
    *[one("MatrixDiagPart", typed(d)) for d in TYPES],
    set_diag_v1(X, normal(2, 3), gradient=True),
    set_diag_v1(normal(4, 3), normal(3), gradient=True),
    set_diag_v1(normal(1, 1), normal(1)),
    *[set_diag_v1(typed(d), typed(d)[0, 1:]) for d in TYPES],
    part(X, 0, gradient=True),
    part(X, [-1, 2]),
    part(X, [-1, 1], gradient=True),
    part(X, 3),
    part(X, -2),
    part(X, [-2, -1]),
    *[part(typed(d), [0, 1]) for d in TYPES],
    *[part(X, [-2, 3], align, gradient=True) for align in ALIGNMENTS],
    *[part(X, [1, 3], align) for align in ALIGNMENTS],
    *[part(normal(4, 3), [-3, 0], align) for align in ALIGNMENTS],
    part(X, 1, "RIGHT_LEFT", gradient=True),
    *[part(typed(d), [0, 1], "RIGHT_LEFT") for d in TYPES],
    diag(normal(2, 3), 0, gradient=True),
    diag(normal(2, 2, 3), [0, 1], 3, 4, gradient=True),
    diag(normal(2), 1, 3),
    diag(normal(2), -1, columns=4),
    diag(normal(3, 3), [-1, 1]),
    *[diag(typed(d), 1) for d in TYPES],
    *[diag(normal(2, 3, 3), [-1, 1], 3, 4, align, gradient=True) for align in ALIGNMENTS],
    *[diag(normal(2, 2), [-2, -1], 3, 2, align) for align in ALIGNMENTS],
    diag(normal(2, 3), 0, align="RIGHT_LEFT", gradient=True),
    *[diag(typed(d), [0, 1], 3, 3, "RIGHT_LEFT") for d in TYPES],
    set_diag(X, normal(2, 3), 1, gradient=True),
    set_diag(X, normal(2, 2, 3), [-1, 0], gradient=True),
    set_diag(X, normal(2, 1), 3),
    set_diag(X, normal(2, 1), -2),
    *[set_diag(typed(d), typed(d)[0, 1:], 1) for d in TYPES],
    *[set_diag(X, normal(2, 4, 3), [-2, 1], align, gradient=True) for align in ALIGNMENTS],
    *[set_diag(X, normal(2, 3, 3), [1, 3], align) for align in ALIGNMENTS],
    set_diag(X, normal(2, 3), 0, "RIGHT_LEFT", gradient=True),
    *[set_diag(typed(d), typed(d)[:, 1:], [0, 1], "RIGHT_LEFT") for d in TYPES],
    band(X, 1, 0, gradient=True),
    band(X, -1, 0, gradient=True),
    band(X, 0, -1, np.int32),
    band(X, 0, 0),
    band(X, 3, 4),
    band(X * np.nan, 1, 1),
    band(X, 1, 2, static=("num_lower", "num_upper")),
    *[band(typed(d), 0, 1) for d in TYPES],
]


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)
