"""Rows to where indices say, from several tensors or to several."""

import ml_dtypes
import numpy as np
import pytest

from support import op_cases
from support.op_cases import Case, check, parametrize

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 2)).astype(np.float32)
TYPES = ["float16", "bfloat16", "float64", "int8", "uint8", "int64", "bool", "complex64"]
TYPES += ["uint16", "uint32", "uint64"]
STRINGS = np.array([[b"a", b"bc", b""], [b"d", b"e", b"f"]], object)


def typed(dtype, shape=(2, 3)):
    numbers = np.arange(np.prod(shape)).reshape(shape)
    return numbers.astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)


def stitch(indices, data, op="DynamicStitch", **options):
    inputs = {"indices": [np.asarray(index, np.int32) for index in indices], "data": data}
    static = ("indices", *options.pop("static", ()))
    return Case(op, inputs, static=static, **options)


def partition(data, partitions, count, **options):
    inputs = {"data": data, "partitions": np.asarray(partitions, np.int32)}
    static = ("partitions", *options.pop("static", ()))
    return Case("DynamicPartition", inputs, {"num_partitions": count}, static=static, **options)


BOTH = ("DynamicStitch", "ParallelDynamicStitch")
CASES = [
    *[
        case
        for op in BOTH
        for case in [
            stitch([[2, 0], [1, 3]], [X[:2], X[2:]], op, gradient=True),
            stitch([[[3, 0]], 1, [2]], [X[None, :2], X[3], X[2:3]], op, gradient=True),
            stitch([[0, 1], [2, 3]], [X[:2], X[2:]], op),
            stitch([[], []], [X[:0], X[:0]], op),
            stitch([1, 0], [STRINGS[0], STRINGS[1]], op, compiled=False),
            stitch([1, 0], [typed("int32"), typed("int32")], op, static=("data",)),
            *[stitch([[2, 0], [1, 3]], [typed(d), typed(d)], op) for d in TYPES],
        ]
    ],
    stitch([[2, 0, 2], [1, 0]], [X[:3], X[2:]]),
    partition(X, [1, 0, 1, 2], 3, gradient=True),
    partition(X, [[1, 0], [1, 1], [0, 0], [0, 1]], 2, gradient=True),
    partition(X, [1, 1, 1, 1], 3),
    partition(X[:0], [], 2),
    partition(X[0], [0, 1], 2),
    partition(STRINGS, [1, 0], 2, compiled=False),
    partition(typed("int32"), [1, 0], 2, static=("data",)),
    *[partition(typed(d), [1, 0], 2) for d in TYPES],
]


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)


@pytest.mark.skipif(not op_cases.HAS_TENSORFLOW, reason="the node comes from TensorFlow")
def test_a_partition_out_of_range_raises() -> None:
    good = partition(X, [1, 0, 1, 0], 2)
    inputs = op_cases._inputs(partition(X, [1, 0, 2, 0], 2))
    with pytest.raises(ValueError, match="not all in the range from 0 to 1"):
        op_cases.plan_of(good, op_cases._node_def(good))(op_cases.Run(), *inputs)
