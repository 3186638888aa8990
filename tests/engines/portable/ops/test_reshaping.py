"""The same elements in another shape or order, or repeated."""

import ml_dtypes
import numpy as np
import pytest

from anyhub.errors import EngineError
from support.op_cases import Case, check, parametrize
from support.op_runs import run_op

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 3, 4)).astype(np.float32)
TYPES = ["float16", "bfloat16", "float64", "int8", "uint8", "int64", "bool", "complex64"]
TYPES += ["uint16", "uint32", "uint64"]


def ints(*numbers, dtype=np.int32):
    return np.asarray(numbers, dtype)


def typed(dtype, shape=(2, 3)):
    numbers = np.arange(np.prod(shape)).reshape(shape)
    return numbers.astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)


STRINGS = np.array([[b"a", b"bc", b""], [b"d", b"e", b"f"]], object)


def reshape(x, shape, **options):
    return Case("Reshape", {"tensor": x, "shape": shape}, static=("shape",), **options)


def transpose(x, perm, op="Transpose", **options):
    return Case(op, {"x": x, "perm": perm}, static=("perm",), **options)


def squeeze(x, axes=(), **options):
    return Case("Squeeze", {"input": x}, {"axis": list(axes)}, **options)


def expand(x, axis, **options):
    return Case("ExpandDims", {"input": x, "axis": axis}, static=("axis",), **options)


def broadcast(x, shape, **options):
    return Case("BroadcastTo", {"input": x, "shape": shape}, static=("shape",), **options)


def tile(x, multiples, **options):
    return Case("Tile", {"input": x, "multiples": multiples}, static=("multiples",), **options)


def fill(dims, value, **options):
    return Case("Fill", {"dims": dims, "value": value}, static=("dims",), **options)


def empty(shape, dtype):
    attrs = {"dtype": dtype, "init": True}
    return Case("Empty", {"shape": shape}, attrs, static=("shape",), compiled=dtype != "string")


def broadcast_args(first, second, dtype=np.int32):
    inputs = {"s0": ints(*first, dtype=dtype), "s1": ints(*second, dtype=dtype)}
    return Case("BroadcastArgs", inputs, static=("s0", "s1"))


def gradient_args(first, second, dtype=np.int32):
    inputs = {"s0": ints(*first, dtype=dtype), "s1": ints(*second, dtype=dtype)}
    return Case("BroadcastGradientArgs", inputs, static=("s0", "s1"))


CASES = [
    reshape(X, ints(6, 4), gradient=True),
    reshape(X, ints(-1, 2, dtype=np.int64), gradient=True),
    reshape(X[:1, :1, :1], ints()),
    reshape(np.zeros((0, 6), np.float32), ints(0, -1)),
    reshape(np.zeros((0, 6), np.float32), ints(3, -1)),
    reshape(np.asarray(3.0, np.float32), ints(1, 1)),
    reshape(STRINGS, ints(3, 2), compiled=False),
    *[reshape(typed(dtype), ints(3, -1)) for dtype in TYPES],
    transpose(X, ints(2, 0, 1), gradient=True),
    transpose(X, ints(0, 2, 1, dtype=np.int64), gradient=True),
    transpose(X, ints(-1, 0, -2)),
    transpose(np.asarray(3.0, np.float32), ints()),
    transpose(np.zeros((0, 2), np.float32), ints(1, 0)),
    transpose(STRINGS, ints(1, 0), compiled=False),
    *[transpose(typed(dtype), ints(1, 0)) for dtype in TYPES],
    transpose((X + 1j * X[::-1])[0].astype(np.complex64), ints(1, 0), "ConjugateTranspose"),
    transpose((X + 1j * X[::-1]).astype(np.complex128), ints(2, 1, 0), "ConjugateTranspose"),
    transpose(X, ints(1, 2, 0), "ConjugateTranspose", gradient=True),
    transpose(STRINGS, ints(1, 0), "ConjugateTranspose", compiled=False),
    squeeze(X[:, :1, :, None], gradient=True),
    squeeze(X[:, :1, :, None], [1], gradient=True),
    squeeze(X[:, :1, :, None], [-1]),
    squeeze(X[:, :1, :, None], [-1, 1]),
    squeeze(X),
    squeeze(np.ones((1, 1), np.float32)),
    squeeze(np.ones((1, 0), np.float32)),
    squeeze(STRINGS[:1], compiled=False),
    *[squeeze(typed(dtype, (1, 3))) for dtype in TYPES],
    expand(X, ints(1)[0], gradient=True),
    expand(X, ints(-1)[0], gradient=True),
    expand(X, ints(3, dtype=np.int64)[0]),
    expand(X, ints(-4)),
    expand(np.asarray(2.0, np.float32), ints(0)[0]),
    expand(STRINGS, ints(0)[0], compiled=False),
    *[expand(typed(dtype), ints(1)[0]) for dtype in TYPES],
    broadcast(X[:, :1], ints(2, 3, 4), gradient=True),
    broadcast(X[0], ints(5, 3, 4, dtype=np.int64), gradient=True),
    broadcast(np.asarray(2.0, np.float32), ints(2, 0)),
    broadcast(np.asarray(2.0, np.float32), ints(2, 2), gradient=True),
    broadcast(np.asarray(2.0, np.float32), ints()),
    broadcast(STRINGS, ints(2, 2, 3), compiled=False),
    *[broadcast(typed(dtype, (3,)), ints(2, 3)) for dtype in TYPES],
    tile(X, ints(1, 2, 3), gradient=True),
    tile(X, ints(2, 1, 1, dtype=np.int64), gradient=True),
    tile(X, ints(1, 0, 1)),
    tile(np.asarray(2.0, np.float32), ints()),
    tile(np.zeros((0, 2), np.float32), ints(2, 2)),
    tile(STRINGS, ints(1, 2), compiled=False),
    *[tile(typed(dtype), ints(2, 1)) for dtype in TYPES if dtype != "uint16"],
    fill(ints(2, 3), np.asarray(2.5, np.float32), gradient=True),
    fill(ints(dtype=np.int64), np.asarray(2.5, np.float32)),
    fill(ints(0, 2), np.asarray(2.5, np.float32)),
    fill(ints(2), np.asarray(b"x", object), compiled=False),
    *[fill(ints(2), typed(dtype, (2,))[1]) for dtype in TYPES],
    *[empty(ints(2, 3), dtype) for dtype in ("float32", "string", "int64", "bool", "bfloat16")],
    empty(ints(), "float32"),
    broadcast_args([2, 1, 3], [4, 1]),
    broadcast_args([], [2, 0], np.int64),
    broadcast_args([1, 0], [1]),
    gradient_args([2, 1, 3], [1, 3]),
    gradient_args([1, 1, 3], [4, 1, 3], np.int64),
    gradient_args([1, 3], [1, 3]),
    gradient_args([], [2, 1]),
    gradient_args([1, 0], [2, 1, 1]),
    gradient_args([], []),
    *[Case("DeepCopy", {"x": typed(dtype)}) for dtype in ("float32", "int64", "bool")],
]


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)


@pytest.mark.parametrize(
    ("op", "inputs", "shape"),
    [
        ("Fill", (np.array([2**20, 2**20]), np.float32(1)), r"\[1048576, 1048576\]"),
        ("Tile", (np.ones(2, np.float32), np.array([2**33])), r"\[17179869184\]"),
        ("BroadcastTo", (np.float32(1), np.array([2**40])), r"\[1099511627776\]"),
    ],
)
def test_sizes_beyond_any_machine_are_refused(op, inputs, shape):
    with pytest.raises(EngineError, match=f"op '{op}' .* of shape {shape}"):
        run_op(op, *inputs, static=(0,) if op == "Fill" else (1,))


def test_a_range_beyond_any_machine_is_refused():
    ends = [np.asarray(end) for end in (0, 2**40, 1)]
    with pytest.raises(EngineError, match=r"op 'Range' .* of shape \[1099511627776\]"):
        run_op("Range", *ends, static=(0, 1, 2))
