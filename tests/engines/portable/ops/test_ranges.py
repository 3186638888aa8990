"""Sequences of numbers, and which indices there are."""

import ml_dtypes
import numpy as np
import pytest

from support import op_cases
from support.op_cases import Case, check, parametrize

TYPES = ["float16", "bfloat16", "float64", "int8", "uint8", "int64", "bool", "complex64"]
TYPES += ["uint16", "uint32", "uint64"]
RANGE = ("start", "limit", "delta")
NAN = np.array([[0, np.nan, -0.0], [1, np.inf, 0]])


def array(numbers, dtype=np.int32):
    return np.asarray(numbers).astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)


def range_(start, limit, delta, dtype=np.int32):
    numbers = (start, limit, delta)
    inputs = {name: array(n, dtype) for name, n in zip(RANGE, numbers, strict=True)}
    return Case("Range", inputs, static=RANGE)


def linspace(start, stop, count, dtype=np.float32, **options):
    inputs = {"start": array(start, dtype), "stop": array(stop, dtype), "num": array(count)}
    return Case("LinSpace", inputs, static=("num",), **options)


def one_hot(indices, depth, on, off, axis=-1, dtype=np.float32, index=np.int64, **options):
    inputs = {
        "indices": array(indices, index),
        "depth": array(depth),
        "on_value": array(on, dtype),
        "off_value": array(off, dtype),
    }
    static = ("depth", *options.pop("static", ()))
    return Case("OneHot", inputs, {"axis": axis}, static=static, **options)


def where(condition, static=("condition",)):
    return Case("Where", {"condition": condition}, static=static, compiled=bool(static))


def invert(numbers, dtype=np.int32, **options):
    return Case("InvertPermutation", {"x": array(numbers, dtype)}, **options)


def unravel(indices, dims, dtype=np.int32, static=()):
    inputs = {"indices": array(indices, dtype), "dims": array(dims, dtype)}
    return Case("UnravelIndex", inputs, static=("dims", *static))


def list_diff(x, y, dtype, out="int32"):
    inputs = {"x": array(x, dtype), "y": array(y, dtype)}
    compiled = dtype is not object
    return Case("ListDiff", inputs, {"out_idx": out}, static=("x", "y"), compiled=compiled)


CASES = [
    range_(0, 10, 3),
    range_(10, -1, -4, np.int64),
    range_(0.0, 1.0, 0.1, np.float32),
    range_(0.0, 1.0, 0.3, np.float64),
    range_(3, 3, 1),
    range_(5.0, 1.0, -0.7, np.float32),
    range_(0, 1, 0.1, np.float16),
    range_(0, 1, 0.1, "bfloat16"),
    linspace(0, 1, 11),
    linspace(2, -3, 4, gradient=True),
    linspace(1, 3, 1),
    linspace(1, 3, 2),
    linspace(-1, 1, 7, np.float64),
    linspace(0, np.inf, 3),
    one_hot([0, 2, -1, 3], 3, 2.5, -1, gradient=True),
    one_hot([[0, 2], [1, 9]], 3, 1, 0, 1),
    one_hot([[0, 2], [1, 9]], 3, 1, 0, 0, index=np.int32),
    one_hot(1, 3, 1, 0),
    one_hot([1], 0, 1, 0),
    one_hot(np.zeros((2, 0)), 3, 1, 0),
    one_hot([0, 200], 256, 1, 0, index=np.uint8),
    one_hot([0, -2, 100], 127, 1, 0, index=np.int8),
    one_hot(
        [1, 5],
        2,
        b"yes",
        b"no",
        dtype=object,
        static=("indices", "on_value", "off_value"),
        compiled=False,
    ),
    one_hot([1, 0], 2, 1, 0, static=("indices", "on_value", "off_value")),
    *[one_hot([0, 2], 3, 1, 0, dtype=d) for d in TYPES],
    where(array([[True, False], [True, True]], bool)),
    where(NAN.astype(np.float32)),
    where(NAN > 0, static=()),
    where(NAN),
    where(array([0, 3, -1], np.int64)),
    where(array([0, 3, -1], np.int32)),
    where(array([0, 3j, 1], np.complex64)),
    where(np.zeros((0, 2), bool)),
    where(np.zeros((2, 3), np.uint8)),
    invert([2, 0, 1]),
    invert([3, 0, 2, 1], np.int64),
    invert([]),
    invert([0]),
    invert([2, 0, 1], static=("x",)),
    unravel([5, 0, 3], [2, 3]),
    unravel(5, [2, 3], np.int64),
    unravel([17, 23], [2, 3, 4]),
    unravel([3, 1], [4]),
    unravel([5, 0, 3], [2, 3], static=("indices",)),
    list_diff([1, 2, 3, 2, 5], [2, 7], np.int32),
    list_diff([1, 2, 3, 2, 5], [1], np.int64, "int64"),
    list_diff([b"a", b"b", b"a"], [b"b"], object),
    list_diff([1.5, np.nan, 2], [2, np.nan], np.float32),
    list_diff([], [1], np.int32),
    *[list_diff([1, 2, 3], [1], d) for d in TYPES if d not in {"bool", "complex64"}],
]


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)


@pytest.mark.skipif(not op_cases.HAS_TENSORFLOW, reason="the node comes from TensorFlow")
@pytest.mark.parametrize(
    ("good", "arrays"),
    [
        (range_(0, 10, 3), [array(5), array(1), array(1)]),
        (range_(0, 10, 3), [array(1), array(5), array(0)]),
        (unravel([5], [2, 3]), [array([6]), array([2, 3])]),
    ],
    ids=["range-wrong-way", "range-no-step", "unravel-beyond"],
)
def test_what_makes_no_sense_raises(good: Case, arrays: list[np.ndarray]) -> None:
    with pytest.raises(ValueError, match=r"no range|out of bounds"):
        op_cases.plan_of(good, op_cases._node_def(good))(op_cases.Run(), *arrays)
