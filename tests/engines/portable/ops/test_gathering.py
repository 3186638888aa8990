"""Elements of tensors by their indices."""

import ml_dtypes
import numpy as np
import pytest

from support import op_cases
from support.op_cases import Case, check, parametrize

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4, 5)).astype(np.float32)
TYPES = ["float16", "bfloat16", "float64", "int8", "uint8", "int64", "bool", "complex64"]
TYPES += ["uint16", "uint32", "uint64"]
STRINGS = np.array([[b"a", b"bc", b""], [b"d", b"e", b"f"]], object)


def ints(numbers, dtype=np.int32):
    return np.asarray(numbers, dtype)


def typed(dtype, shape=(2, 3)):
    numbers = np.arange(np.prod(shape)).reshape(shape)
    return numbers.astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)


def gather(x, indices, dtype=np.int32, **options):
    return Case("Gather", {"params": x, "indices": ints(indices, dtype)}, **options)


def gather_v2(x, indices, axis, batch=0, dtype=np.int32, **options):
    inputs = {"params": x, "indices": ints(indices, dtype), "axis": ints(axis)}
    static = ("axis", *options.pop("static", ()))
    return Case("GatherV2", inputs, {"batch_dims": batch}, static=static, **options)


def gather_nd(x, indices, dtype=np.int32, policy="", **options):
    inputs = {"params": x, "indices": ints(indices, dtype)}
    return Case("GatherNd", inputs, {"bad_indices_policy": policy}, **options)


ON_HOST = {"static": ("indices",), "compiled": False}
CASES = [
    gather(X, [[2, 0], [1, 1]], gradient=True),
    gather(X, 1, np.int64, gradient=True),
    gather(X[:, 0, 0], [2, 2, 0]),
    gather(X, np.zeros((0, 2))),
    gather(STRINGS, [1, 0, 1], **ON_HOST),
    *[gather(typed(dtype), [1, 0]) for dtype in TYPES],
    gather_v2(X, [[2, 0], [1, 1]], 0, gradient=True),
    gather_v2(X, [3, 1, 1], -2, gradient=True),
    gather_v2(X, [[3, 1], [0, 0], [2, 3]], 1, 1, gradient=True),
    gather_v2(X, [[3, 1], [0, 0], [2, 4]], 2, 1, gradient=True),
    gather_v2(X, 2, 1, dtype=np.int64),
    gather_v2(X, [1], 2),
    gather_v2(X, [[3], [1], [0]], -1, -1, np.int64),
    gather_v2(X, [3, 1, 0], 1, 1, gradient=True),
    gather_v2(X, [3, 1, 0], 2, 1),
    gather_v2(X, RNG.integers(0, 5, (3, 4, 2)), 2, 2, gradient=True),
    gather_v2(X, RNG.integers(0, 5, (3, 4)), 2, 2),
    gather_v2(X, np.zeros((2, 0)), 1),
    gather_v2(X[:, :0], np.zeros((0,)), 1),
    gather_v2(X, [1, 0], 0, dtype=np.int16),
    gather_v2(STRINGS, [2, 0], 1, **ON_HOST),
    *[gather_v2(typed(dtype), [2, 0, 0], 1) for dtype in TYPES],
    *[gather_v2(typed(dtype), [[2, 0], [0, 1]], 1, 1) for dtype in TYPES],
    gather_nd(X, [[0, 1], [2, 3], [0, 1]], gradient=True),
    gather_nd(X, [[[2]], [[0]]], np.int64, gradient=True),
    gather_nd(X, [[0, 1, 4]], gradient=True),
    gather_nd(X, [1, 2]),
    gather_nd(X[0], np.zeros((2, 0))),
    gather_nd(X, np.zeros((0, 2))),
    gather_nd(X, [[0, 1], [2, 4], [-1, 0]], policy="IGNORE", skip={"tensorflow": "raises"}),
    gather_nd(X, [[0, 1], [2, 4], [-1, 0]], policy="IGNORE", static=("params", "indices")),
    gather_nd(STRINGS, [[1, 0], [0, 1]], **ON_HOST),
    *[gather_nd(typed(dtype), [[1, 2], [0, 0]]) for dtype in TYPES],
]


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)


@pytest.mark.skipif(op_cases.BACKEND == "tensorflow", reason="TensorFlow raises on the CPU")
@pytest.mark.skipif(not op_cases.HAS_TENSORFLOW, reason="the node comes from TensorFlow")
@pytest.mark.parametrize("batch", [0, 1])
def test_indices_out_of_range_give_zeros_on_the_device(batch: int) -> None:
    good = gather_v2(X, [[3, 1], [0, 0], [2, 3]], 1, batch)
    bad = gather_v2(X, [[3, 4], [-1, 0], [2, 99]], 1, batch)
    (found,) = op_cases.plan_of(good, op_cases._node_def(good))(
        op_cases.Run(), *op_cases._inputs(bad)
    )
    wanted = op_cases.reference(gather_v2(X, [[3, 0], [0, 0], [2, 0]], 1, batch)).outputs[0].copy()
    beyond = np.array([[False, True], [True, False], [False, True]])
    wanted[beyond if batch else np.broadcast_to(beyond, (3, 3, 2))] = 0
    np.testing.assert_array_equal(op_cases.values.to_host(found), wanted)


@pytest.mark.skipif(not op_cases.HAS_TENSORFLOW, reason="the node comes from TensorFlow")
def test_indices_out_of_range_raise_on_the_host() -> None:
    good = gather_v2(X, [1], 0)
    arrays = [X, np.array([3], np.int32), np.array(0, np.int32)]
    with pytest.raises(ValueError, match="beyond the size 3"):
        op_cases.plan_of(good, op_cases._node_def(good))(op_cases.Run(), *arrays)
