"""Joining tensors and taking them apart."""

import ml_dtypes
import numpy as np

from support.op_cases import Case, check, parametrize

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 6, 3)).astype(np.float32)
TYPES = ["float16", "bfloat16", "float64", "int8", "uint8", "int64", "bool", "complex64"]
TYPES += ["uint16", "uint32", "uint64"]
STRINGS = np.array([[b"a", b"bc", b""], [b"d", b"e", b"f"]], object)


def ints(*numbers, dtype=np.int32):
    return np.asarray(numbers, dtype)


def typed(dtype, shape=(2, 3)):
    numbers = np.arange(np.prod(shape)).reshape(shape)
    return numbers.astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)


def concat_v2(values, axis, dtype=np.int32, **options):
    inputs = {"values": values, "axis": np.asarray(axis, dtype)}
    return Case("ConcatV2", inputs, static=("axis",), **options)


def concat(values, axis, **options):
    inputs = {"concat_dim": np.asarray(axis, np.int32), "values": values}
    return Case("Concat", inputs, static=("concat_dim",), **options)


def pack(values, axis, **options):
    return Case("Pack", {"values": values}, {"axis": axis}, **options)


def unpack(value, axis, **options):
    return Case("Unpack", {"value": value}, {"num": value.shape[axis], "axis": axis}, **options)


def split(value, axis, count, **options):
    inputs = {"axis": np.asarray(axis, np.int32), "value": value}
    return Case("Split", inputs, {"num_split": count}, static=("axis",), **options)


def split_v(value, sizes, axis, dtype=np.int64, **options):
    inputs = {
        "value": value,
        "size_splits": ints(*sizes, dtype=dtype),
        "axis": np.asarray(axis, np.int32),
    }
    attrs = {"num_split": len(sizes)}
    return Case("SplitV", inputs, attrs, static=("axis", "size_splits"), **options)


def offset(axis, shapes, dtype=np.int32):
    inputs = {
        "concat_dim": np.asarray(axis, np.int32),
        "shape": [ints(*shape, dtype=dtype) for shape in shapes],
    }
    return Case("ConcatOffset", inputs, static=("concat_dim", "shape"))


CASES = [
    concat_v2([X, X[:, :2]], 1, gradient=True),
    concat_v2([X, X[:1], X], 0, np.int64, gradient=True),
    concat_v2([X, X], -1),
    concat_v2([X, X[:, :0]], -2),
    concat_v2([X[:0], X[:0]], 0),
    concat_v2([STRINGS, STRINGS], 0, compiled=False),
    *[concat_v2([typed(dtype), typed(dtype)], 1) for dtype in TYPES],
    concat([X, X[:, :2]], 1, gradient=True),
    concat([X, X, X], -1),
    concat([X, X[:1]], 0),
    *[concat([typed(dtype), typed(dtype)], 1) for dtype in TYPES],
    pack([X, X * 2], 0, gradient=True),
    pack([X, X * 2, X], -1, gradient=True),
    pack([X], 1),
    pack([np.asarray(1, np.int32), np.asarray(2, np.int32)], 0),
    pack([X[:0], X[:0]], -4),
    pack([STRINGS, STRINGS], 1, compiled=False),
    *[pack([typed(dtype), typed(dtype)], 1) for dtype in TYPES],
    unpack(X, 0, gradient=True),
    unpack(X, -1, gradient=True),
    unpack(X, 1),
    unpack(ints(3, 4), 0),
    unpack(X[:1], 0),
    unpack(STRINGS, 1, compiled=False),
    *[unpack(typed(dtype), 1) for dtype in TYPES],
    split(X, 1, 3, gradient=True),
    split(X, -1, 1, gradient=True),
    split(X, 0, 2),
    split(X[:0], 0, 2),
    split(STRINGS, 1, 3, compiled=False),
    *[split(typed(dtype), 1, 3) for dtype in TYPES],
    split_v(X, [1, 2, 3], 1, gradient=True),
    split_v(X, [2, -1, 1], 1, np.int32, gradient=True),
    split_v(X, [3, 0], -1, np.int32),
    split_v(X, [-1, 0], 0),
    split_v(STRINGS, [1, 2], 1, compiled=False),
    *[split_v(typed(dtype), [1, 2], 1) for dtype in TYPES],
    offset(1, [[2, 2, 7], [2, 3, 7], [2, 9, 7]]),
    offset(-1, [[2, 2], [2, 3]]),
    offset(0, [[2, 2], [5, 2]], np.int64),
]


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)
