"""Elements in reverse order, or moved around."""

import ml_dtypes
import numpy as np

from support.op_cases import Case, check, parametrize

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 4, 3)).astype(np.float32)
TYPES = ["float16", "bfloat16", "float64", "int8", "uint8", "int64", "bool", "complex64"]
TYPES += ["uint16", "uint32", "uint64"]
STRINGS = np.array([[b"a", b"bc", b""], [b"d", b"e", b"f"]], object)


def typed(dtype, shape=(2, 3)):
    numbers = np.arange(np.prod(shape)).reshape(shape)
    return numbers.astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)


def ints(*numbers, dtype=np.int32):
    return np.asarray(numbers, dtype)


def reverse_v2(x, *axes, dtype=np.int32, **options):
    inputs = {"tensor": x, "axis": ints(*axes, dtype=dtype)}
    return Case("ReverseV2", inputs, static=("axis",), **options)


def reverse(x, *dims, **options):
    inputs = {"tensor": x, "dims": np.asarray(dims, bool)}
    return Case("Reverse", inputs, static=("dims",), **options)


def roll(x, shift, axis, **options):
    inputs = {"input": x, "shift": np.asarray(shift, np.int32), "axis": np.asarray(axis, np.int64)}
    return Case("Roll", inputs, static=("shift", "axis"), **options)


def sequence(x, lengths, seq_dim, batch_dim=0, dtype=np.int64, **options):
    inputs = {"input": x, "seq_lengths": ints(*lengths, dtype=dtype)}
    return Case("ReverseSequence", inputs, {"seq_dim": seq_dim, "batch_dim": batch_dim}, **options)


CASES = [
    reverse_v2(X, 1, gradient=True),
    reverse_v2(X, -1, 0, dtype=np.int64, gradient=True),
    reverse_v2(X),
    reverse_v2(X[:0], 0),
    reverse_v2(np.asarray(1.0, np.float32)),
    reverse_v2(STRINGS, 1, compiled=False),
    *[reverse_v2(typed(dtype), 1) for dtype in TYPES],
    reverse(X, False, True, True, gradient=True),
    reverse(X, False, False, False),
    reverse(X, True, True, True),
    reverse(STRINGS, True, False, compiled=False),
    reverse(np.asarray(1.0, np.float32)),
    *[reverse(typed(dtype), False, True) for dtype in TYPES],
    roll(X, 1, 1, gradient=True),
    roll(X, [1, -2, 5], [0, -1, 1], gradient=True),
    roll(X, [1, 1, 9], [1, 1, 2]),
    roll(X, [0], [0]),
    roll(X[:0], 1, 0),
    roll(STRINGS, 1, 1, compiled=False),
    *[roll(typed(dtype), 1, 1) for dtype in TYPES],
    sequence(X, [1, 3], 1, gradient=True),
    sequence(X, [1, 2, 0, 2], 0, 1, np.int32, gradient=True),
    sequence(X, [2, 1, 4], 1, 2),
    sequence(X, [0, 4], 1, dtype=np.int32),
    sequence(X[:0], [], 1),
    sequence(STRINGS, [2, 3], 1, static=("seq_lengths",), compiled=False),
    *[sequence(typed(dtype), [2, 3], 1) for dtype in TYPES],
]


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)
