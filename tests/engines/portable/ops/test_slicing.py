"""Parts of tensors, and tensors whose parts are replaced."""

import ml_dtypes
import numpy as np
import pytest

from anyhub.engines.portable.errors import HostValueError
from support import op_cases
from support.op_cases import Case, check, parametrize

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 5, 4)).astype(np.float32)
TYPES = ["float16", "bfloat16", "float64", "int8", "uint8", "int64", "bool", "complex64"]
TYPES += ["uint16", "uint32", "uint64"]
STRINGS = np.array([[b"a", b"bc", b""], [b"d", b"e", b"f"]], object)
BOUNDS = ("begin", "end", "strides")
MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")


def ints(numbers, dtype=np.int32):
    return np.asarray(numbers, dtype)


def typed(dtype, shape=(2, 3)):
    numbers = np.arange(np.prod(shape)).reshape(shape)
    return numbers.astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)


def slice_(x, begin, size, dtype=np.int32, *, static=("begin", "size"), **options):
    inputs = {"input": x, "begin": ints(begin, dtype), "size": ints(size, dtype)}
    return Case("Slice", inputs, static=static, **options)


def bounds_of(key, dtype=np.int32):
    """The inputs and attributes of StridedSlice that stand for x[key]."""
    rows, masks = [], dict.fromkeys(MASKS, 0)
    for position, item in enumerate(key if isinstance(key, tuple) else (key,)):
        bit = 1 << position
        row = (0, 0, 1)
        if item is Ellipsis:
            masks["ellipsis_mask"] |= bit
        elif item is None:
            masks["new_axis_mask"] |= bit
        elif isinstance(item, int):
            masks["shrink_axis_mask"] |= bit
            row = (item, item + 1, 1)
        else:
            masks["begin_mask"] |= bit * (item.start is None)
            masks["end_mask"] |= bit * (item.stop is None)
            row = (item.start or 0, item.stop or 0, item.step or 1)
        rows.append(row)
    arrays = np.asarray(rows, dtype).reshape(-1, 3).T
    return dict(zip(BOUNDS, arrays, strict=True)), masks


def strided(x, key, dtype=np.int32, *, static=BOUNDS, **options):
    bounds, masks = bounds_of(key, dtype)
    return Case("StridedSlice", {"input": x, **bounds}, masks, static=static, **options)


def grad(x, key, dtype=np.int32, **options):
    bounds, masks = bounds_of(key, dtype)
    inputs = {"shape": ints(x.shape, dtype), **bounds, "dy": x[key].copy()}
    return Case("StridedSliceGrad", inputs, masks, static=("shape", *BOUNDS), **options)


def update(x, key, value, dtype=np.int32, **options):
    bounds, masks = bounds_of(key, dtype)
    inputs = {"input": x, **bounds, "value": value}
    return Case("TensorStridedSliceUpdate", inputs, masks, static=BOUNDS, **options)


KEYS = [
    (slice(1, None, 2), slice(None, -1)),
    (slice(None), 2, slice(None, None, -1)),
    (..., None, -1),
    (None, slice(2, 0, -1), ..., slice(1, 2)),
    (slice(-2, 9), slice(4, 1, -2), slice(3, 3)),
    (slice(None), slice(None), slice(None)),
    (0,),
    (-1, -1, -1),
    (slice(9, 20),),
    (..., slice(1, 3), None),
    (None, None, 1, ..., None),
    (slice(None, None, -3), slice(None, None, 4)),
    (slice(1, 0), 0),
    (),
]
CASES = [
    slice_(X, [1, 0, 2], [2, -1, 1], gradient=True),
    slice_(X, [0, 1, 1], [3, 2, 2], np.int64, gradient=True),
    slice_(X, [0, 1, 1], [3, 2, 2], static=("size",), gradient=True),
    slice_(X, [0, 0, 0], [-1, 5, 4]),
    slice_(X, [3, 5, 0], [0, 0, 4]),
    slice_(np.asarray(1.0, np.float32), [], []),
    slice_(STRINGS, [0, 1], [2, 1], compiled=False),
    *[slice_(typed(dtype), [0, 1], [2, 2]) for dtype in TYPES],
    *[slice_(typed(dtype), [0, 1], [2, 2], static=("size",)) for dtype in TYPES],
    *[strided(X, key, gradient=True) for key in KEYS],
    *[strided(X, key, np.int64) for key in KEYS],
    strided(X, KEYS[0], np.int16),
    strided(X, (slice(None), 2), static=("strides",), gradient=True),
    strided(X, (..., None, -1), static=("strides",), gradient=True),
    strided(X, (1, slice(None), -2), np.int64, static=("strides",)),
    strided(X[:0], (slice(None), 1)),
    strided(np.asarray(1.0, np.float32), (None,)),
    strided(STRINGS, (slice(None), 1), compiled=False),
    strided(STRINGS, (slice(None, None, -1),), compiled=False),
    *[strided(typed(dtype), (slice(None, None, -1), 1)) for dtype in TYPES],
    *[grad(X, key, gradient=key in KEYS[:4]) for key in KEYS],
    grad(X, KEYS[0], np.int64),
    *[grad(typed(dtype), (slice(None, None, -1), 1)) for dtype in TYPES],
    *[update(X, key, -X[key], gradient=key in KEYS[:4]) for key in KEYS if X[key].size],
    update(X, KEYS[0], np.asarray(7.0, np.float32)),
    update(X, (slice(1, 3), slice(0, 2)), X[0, 0], np.int64),
    update(STRINGS, (slice(None), 1), STRINGS[:, 0], compiled=False),
    *[update(typed(dtype), (slice(None), 1), typed(dtype)[:, 2]) for dtype in TYPES],
]
COMPILED_ELSEWHERE = pytest.mark.skipif(op_cases.BACKEND != "jax", reason="compiles on JAX")


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)


@COMPILED_ELSEWHERE
@pytest.mark.parametrize(
    "case",
    [
        strided(X, (slice(None), slice(1, 3)), static=("strides",)),
        slice_(X, [1, 0, 2], [2, -1, 1], static=("size",)),
    ],
    ids=str,
)
def test_sizes_that_nobody_knows_yet_are_refused(case: Case) -> None:
    if not op_cases.HAS_TENSORFLOW:
        pytest.skip("the node comes from TensorFlow")
    with pytest.raises(HostValueError, match="while code is compiled"):
        op_cases._run_compiled(case, op_cases.reference(case).node)
