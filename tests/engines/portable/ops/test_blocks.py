"""Blocks of space to the batch or the depth and back, and patches of images."""

import ml_dtypes
import numpy as np
import pytest

from support import op_cases
from support.op_cases import Case, check, parametrize

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 4, 6, 3)).astype(np.float32)
BATCH = RNG.normal(size=(8, 2, 3, 2)).astype(np.float32)
DEEP = RNG.normal(size=(1, 2, 3, 8)).astype(np.float32)
VOLUME = RNG.normal(size=(1, 4, 5, 3, 2)).astype(np.float32)
TYPES = ["float16", "bfloat16", "float64", "int8", "uint8", "int64"]


def ints(*numbers, dtype=np.int32):
    return np.asarray(numbers, dtype)


def typed(dtype, shape):
    numbers = np.arange(np.prod(shape)).reshape(shape) % 100
    return numbers.astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)


def to_batch(x, blocks, paddings, dtype=np.int32, **options):
    inputs = {
        "input": x,
        "block_shape": ints(*blocks, dtype=dtype),
        "paddings": ints(*paddings, dtype=dtype).reshape(-1, 2),
    }
    return Case("SpaceToBatchND", inputs, static=("block_shape", "paddings"), **options)


def from_batch(x, blocks, crops, dtype=np.int32, **options):
    inputs = {
        "input": x,
        "block_shape": ints(*blocks, dtype=dtype),
        "crops": ints(*crops, dtype=dtype).reshape(-1, 2),
    }
    return Case("BatchToSpaceND", inputs, static=("block_shape", "crops"), **options)


def old(op, x, size, pairs, **options):
    name = "paddings" if op == "SpaceToBatch" else "crops"
    inputs = {"input": x, name: ints(*pairs)}
    return Case(op, inputs, {"block_size": size}, static=(name,), **options)


def depth(op, x, size, **options):
    return Case(op, {"input": x}, {"block_size": size, "data_format": "NHWC"}, **options)


def patches(x, kernel, strides, rates, padding, **options):
    attrs = {"ksizes": [1, *kernel, 1], "strides": [1, *strides, 1], "rates": [1, *rates, 1]}
    return Case("ExtractImagePatches", {"images": x}, {**attrs, "padding": padding}, **options)


def volume_patches(x, kernel, strides, padding, **options):
    attrs = {"ksizes": [1, *kernel, 1], "strides": [1, *strides, 1], "padding": padding}
    return Case("ExtractVolumePatches", {"input": x}, attrs, **options)


CASES = [
    to_batch(X, [2, 3], [[0, 0], [1, 2]], gradient=True),
    to_batch(X, [2], [[1, 1]], np.int64, gradient=True),
    to_batch(X[..., 0], [1, 1], [[0, 0], [0, 0]]),
    to_batch(X, [], []),
    to_batch(X[:0], [2, 2], [[0, 0], [0, 0]]),
    *[to_batch(typed(dtype, (1, 4, 2)), [2], [[0, 2]]) for dtype in TYPES],
    from_batch(BATCH, [2, 2], [[0, 1], [1, 2]], gradient=True),
    from_batch(BATCH, [4], [[1, 1]], np.int64, gradient=True),
    from_batch(BATCH, [1, 1], [[0, 0], [0, 0]]),
    from_batch(BATCH, [2, 2], [[2, 2], [0, 0]]),
    from_batch(BATCH, [], []),
    *[from_batch(typed(dtype, (4, 2, 2)), [2], [[0, 1]]) for dtype in TYPES],
    old("SpaceToBatch", X, 2, [[1, 1], [0, 2]], gradient=True),
    old("SpaceToBatch", X, 2, [[0, 0], [0, 0]]),
    old("SpaceToBatch", typed("int64", (1, 3, 3, 1)), 3, [[0, 0], [0, 0]]),
    old("BatchToSpace", BATCH, 2, [[1, 0], [0, 2]], gradient=True),
    old("BatchToSpace", BATCH, 2, [[0, 0], [0, 0]]),
    old("BatchToSpace", typed("int64", (9, 1, 1, 1)), 3, [[0, 0], [0, 0]]),
    depth("SpaceToDepth", X, 2, gradient=True),
    depth("SpaceToDepth", X[:, :3], 3, gradient=True),
    depth("SpaceToDepth", X[:0], 2),
    *[depth("SpaceToDepth", typed(dtype, (1, 4, 2, 1)), 2) for dtype in [*TYPES, "bool"]],
    depth("DepthToSpace", DEEP, 2, gradient=True),
    depth("DepthToSpace", typed("float32", (2, 1, 2, 9)), 3, gradient=True),
    depth("DepthToSpace", DEEP[:0], 2),
    *[depth("DepthToSpace", typed(dtype, (1, 1, 2, 8)), 2) for dtype in [*TYPES, "bool"]],
    patches(X, [2, 3], [1, 2], [1, 1], "VALID", gradient=True),
    patches(X, [3, 3], [2, 1], [1, 2], "SAME", gradient=True),
    patches(X, [2, 2], [2, 2], [1, 1], "VALID", gradient=True),
    patches(X, [1, 1], [3, 3], [1, 1], "SAME"),
    patches(X, [2, 2], [1, 1], [2, 3], "VALID"),
    patches(X, [5, 2], [1, 1], [1, 1], "SAME"),
    *[
        patches(typed(dtype, (1, 3, 4, 2)), [2, 2], [1, 2], [1, 1], "SAME")
        for dtype in [*TYPES, "complex64"]
    ],
    volume_patches(VOLUME, [2, 2, 1], [1, 2, 1], "VALID", gradient=True),
    volume_patches(VOLUME, [3, 2, 2], [2, 2, 2], "SAME", gradient=True),
    volume_patches(VOLUME, [4, 5, 3], [1, 1, 1], "VALID"),
    *[volume_patches(typed(d, (1, 2, 2, 2, 1)), [2, 1, 2], [1, 1, 1], "SAME") for d in TYPES],
]


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)


@pytest.mark.skipif(not op_cases.HAS_TENSORFLOW, reason="the node comes from TensorFlow")
@pytest.mark.parametrize(("op", "x"), [("SpaceToDepth", X), ("DepthToSpace", DEEP)])
def test_channels_first_is_the_same_with_the_axes_exchanged(op: str, x: np.ndarray) -> None:
    # TensorFlow's CPU kernels have no NCHW.
    last, first = ({"block_size": 2, "data_format": name} for name in ("NHWC", "NCHW"))
    wanted = op_cases.reference(Case(op, {"input": x}, last)).outputs[0]
    turned = np.ascontiguousarray(np.moveaxis(x, -1, 1))
    node_def = op_cases._node_def(Case(op, {"input": turned}, first))
    known = Case(op, {"input": x}, last)
    inputs = op_cases._inputs(Case(op, {"input": turned}, first))
    (found,) = op_cases.plan_of(known, node_def)(op_cases.Run(), *inputs)
    np.testing.assert_array_equal(op_cases.values.to_host(found), np.moveaxis(wanted, -1, 1))
