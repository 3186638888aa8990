"""Elements around tensors: zeros, a value, or a mirror image."""

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


def pairs(*found, dtype=np.int32):
    return np.asarray(found, dtype).reshape(-1, 2)


def pad(x, paddings, **options):
    return Case("Pad", {"input": x, "paddings": paddings}, static=("paddings",), **options)


def pad_v2(x, paddings, value, **options):
    inputs = {"input": x, "paddings": paddings, "constant_values": value}
    return Case("PadV2", inputs, static=("paddings",), **options)


def mirror(x, paddings, mode, op="MirrorPad", **options):
    inputs = {"input": x, "paddings": paddings}
    return Case(op, inputs, {"mode": mode}, static=("paddings",), **options)


def mirror_grad(x, paddings, mode, **options):
    return mirror(x, paddings, mode, "MirrorPadGrad", **options)


ONE = np.asarray(1.5, np.float32)
CASES = [
    pad(X, pairs([1, 2], [0, 0], [0, 3]), gradient=True),
    pad(X, pairs([0, 0], [0, 1], [2, 0], dtype=np.int64), gradient=True),
    pad(X, pairs([0, 0], [0, 0], [0, 0])),
    pad(X[:0], pairs([1, 0], [0, 0], [0, 1])),
    pad(np.asarray(2.0, np.float32), pairs()),
    pad(STRINGS, pairs([0, 1], [1, 0]), compiled=False),
    *[pad(typed(dtype), pairs([0, 1], [1, 0])) for dtype in TYPES],
    pad_v2(X, pairs([1, 2], [0, 0], [0, 3]), ONE, gradient=True),
    pad_v2(X, pairs([0, 0], [0, 1], [2, 0], dtype=np.int64), ONE),
    pad_v2(X, pairs([0, 0], [0, 0], [0, 0]), ONE),
    pad_v2(X[:0], pairs([1, 0], [0, 0], [0, 1]), ONE * np.nan),
    pad_v2(STRINGS, pairs([0, 1], [1, 0]), np.asarray(b"x", object), compiled=False),
    *[pad_v2(typed(dtype), pairs([0, 1], [1, 0]), typed(dtype)[0, 1]) for dtype in TYPES],
    mirror(X, pairs([1, 1], [2, 3], [0, 1]), "REFLECT", gradient=True),
    mirror(X, pairs([2, 1], [4, 0], [0, 3]), "SYMMETRIC", gradient=True),
    mirror(X, pairs([0, 0], [1, 0], [0, 0], dtype=np.int64), "REFLECT", gradient=True),
    mirror(X, pairs([0, 0], [0, 1], [0, 0]), "SYMMETRIC"),
    mirror(X, pairs([0, 0], [0, 0], [0, 0]), "REFLECT"),
    mirror(STRINGS, pairs([0, 0], [1, 2]), "REFLECT", compiled=False),
    *[mirror(typed(dtype), pairs([0, 1], [1, 0]), "SYMMETRIC") for dtype in TYPES],
    mirror_grad(X, pairs([0, 0], [1, 1], [0, 1]), "REFLECT", gradient=True),
    mirror_grad(X, pairs([0, 1], [1, 1], [1, 1]), "SYMMETRIC", gradient=True),
    mirror_grad(X, pairs([0, 0], [0, 0], [0, 0]), "SYMMETRIC"),
    mirror_grad(X.astype(np.float64), pairs([0, 0], [0, 1], [0, 0], dtype=np.int64), "REFLECT"),
    mirror_grad(typed("int32", (2, 5)), pairs([0, 0], [1, 2]), "SYMMETRIC"),
    *[
        mirror_grad(typed(dtype, (2, 5)), pairs([0, 0], [1, 1]), "REFLECT")
        for dtype in ("int8", "uint8", "float16", "complex64")
    ],
]


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)
