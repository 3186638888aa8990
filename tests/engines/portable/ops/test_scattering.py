"""Tensors some of whose elements are replaced, by their indices."""

import ml_dtypes
import numpy as np
import pytest

from support import op_cases
from support.op_cases import Case, check, parametrize

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4, 2)).astype(np.float32)
TYPES = ["float16", "bfloat16", "float64", "int8", "uint8", "int16", "int64", "complex64"]
TYPES += ["uint16", "uint32", "uint64"]
STRINGS = np.array([[b"a", b"bc", b""], [b"d", b"e", b"f"]], object)


def ints(numbers, dtype=np.int32):
    return np.asarray(numbers, dtype)


def typed(dtype, shape=(2, 3)):
    numbers = np.arange(np.prod(shape)).reshape(shape)
    return numbers.astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)


def normal(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def scatter_nd(indices, updates, shape, dtype=np.int32, policy="", **options):
    inputs = {"indices": ints(indices, dtype), "updates": updates, "shape": ints(shape, dtype)}
    static = ("shape", *options.pop("static", ()))
    return Case("ScatterNd", inputs, {"bad_indices_policy": policy}, static=static, **options)


def tensor_scatter(op, x, indices, updates, dtype=np.int32, policy="", **options):
    name = "input" if op == "ScatterNdNonAliasingAdd" else "tensor"
    inputs = {name: x, "indices": ints(indices, dtype), "updates": updates}
    return Case(op, inputs, {"bad_indices_policy": policy}, **options)


def inplace(op, x, rows, values, **options):
    return Case(op, {"x": x, "i": ints(rows), "v": values}, **options)


SUMS = ["TensorScatterAdd", "TensorScatterSub", "ScatterNdNonAliasingAdd"]
EXTREMES = ["TensorScatterMax", "TensorScatterMin"]
REAL = [dtype for dtype in TYPES if dtype != "complex64"]
TIES = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
RAISES = {"tensorflow": "raises"}
ON_HOST = {"static": ("tensor", "indices", "updates"), "compiled": False}
CASES = [
    scatter_nd([[1], [0], [1]], normal(3, 2), [3, 2], gradient=True),
    scatter_nd([[[1, 0]], [[2, 1]]], normal(2, 1, 2), [3, 2, 2], np.int64, gradient=True),
    scatter_nd([[1, 1], [0, 0]], normal(2), [2, 3]),
    scatter_nd(np.zeros((0, 1)), normal(0, 2), [3, 2]),
    scatter_nd([[1], [7], [-1]], normal(3), [3], policy="IGNORE", skip=RAISES),
    scatter_nd(
        [[1], [1]], np.array([b"a", b"b"], object), [3], static=("indices",), compiled=False
    ),
    scatter_nd([[1], [1]], typed("int32", (2,)), [3], static=("indices", "updates")),
    *[scatter_nd([[1], [1]], typed(d, (2,)), [3]) for d in [*TYPES, "bool"]],
    tensor_scatter("TensorScatterUpdate", X, [[2], [0]], normal(2, 4, 2), gradient=True),
    tensor_scatter("TensorScatterUpdate", X, [[[2, 1]]], normal(1, 1, 2), np.int64, gradient=True),
    tensor_scatter("TensorScatterUpdate", X, [[2, 1, 0], [0, 0, 0]], normal(2), gradient=True),
    tensor_scatter("TensorScatterUpdate", X, np.zeros((0, 2)), normal(0, 2)),
    tensor_scatter(
        "TensorScatterUpdate", X, [[5], [1]], normal(2, 4, 2), policy="IGNORE", skip=RAISES
    ),
    tensor_scatter("TensorScatterUpdate", STRINGS, [[1, 1]], STRINGS[0, :1], **ON_HOST),
    *[
        tensor_scatter("TensorScatterUpdate", typed(d), [[1, 1]], typed(d)[1, 2:])
        for d in [*TYPES, "bool"]
    ],
    *[
        case
        for op in SUMS
        for case in [
            tensor_scatter(op, X, [[2], [0], [2]], normal(3, 4, 2), gradient=True),
            tensor_scatter(op, X, [[2, 1, 0], [2, 1, 0]], normal(2), np.int64, gradient=True),
            tensor_scatter(op, X, [[2, 9], [0, -1]], normal(2, 2), policy="IGNORE", skip=RAISES),
            *[tensor_scatter(op, typed(d), [[1, 1], [1, 1]], typed(d)[1, 1:]) for d in TYPES],
        ]
    ],
    tensor_scatter("TensorScatterAdd", typed("int32"), [[1], [1]], typed("int32"), **ON_HOST),
    tensor_scatter("TensorScatterSub", typed("int32"), [[1], [1]], typed("int32"), **ON_HOST),
    *[
        case
        for op in EXTREMES
        for case in [
            tensor_scatter(op, X, [[2], [0], [2]], normal(3, 4, 2), gradient=True),
            tensor_scatter(op, TIES, [[0], [0], [1]], TIES[[0, 0, 2]], gradient=True),
            tensor_scatter(op, X, [[2, 1, 0]], normal(1), np.int64, gradient=True),
            *[tensor_scatter(op, typed(d), [[1, 1], [1, 1]], typed(d)[1, 1:]) for d in REAL],
            tensor_scatter(op, typed("int32"), [[1], [1]], typed("int32"), **ON_HOST),
        ]
    ],
    *[
        case
        for op in ("InplaceUpdate", "InplaceAdd", "InplaceSub")
        for case in [
            inplace(op, X, [2, 0], normal(2, 4, 2)),
            inplace(op, X, [-1, 4], normal(2, 4, 2)),
            inplace(op, X, [], normal(0, 4, 2)),
            *[inplace(op, typed(d), [1], typed(d)[:1]) for d in ("int32", "float16", "int64")],
            inplace(op, typed("int32"), [1], typed("int32")[:1], static=("x", "i", "v")),
        ]
    ],
    inplace("InplaceAdd", X, [1, 1], normal(2, 4, 2)),
    inplace("InplaceSub", X, [1, 1], normal(2, 4, 2)),
    inplace("InplaceUpdate", typed("bool"), [1], typed("bool")[:1]),
]


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)


@pytest.mark.skipif(not op_cases.HAS_TENSORFLOW, reason="the node comes from TensorFlow")
def test_indices_out_of_range_raise_on_the_host() -> None:
    good = tensor_scatter("TensorScatterAdd", TIES, [[1]], TIES[:1])
    arrays = [TIES, np.array([[3]], np.int32), TIES[:1]]
    with pytest.raises(ValueError, match=r"index \[3\] is beyond the shape \(3, 2\)"):
        op_cases.plan_of(good, op_cases._node_def(good))(op_cases.Run(), *arrays)
