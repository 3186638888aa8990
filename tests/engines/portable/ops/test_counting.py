"""How many elements are equal, or in a range; and between which bounds an element lies."""

import numpy as np

from support.op_cases import Case, check, parametrize

RNG = np.random.default_rng(0)
NUMBERS = ["float32", "float64", "int32", "int64"]
SORTED = np.sort(RNG.integers(-9, 9, (2, 6)))
VALUES = RNG.integers(-12, 12, (2, 5))


def bound(op, rows, values, out="int32"):
    return Case(op, {"sorted_inputs": rows, "values": values}, {"out_type": out})


def bucketize(x, boundaries):
    return Case("Bucketize", {"input": x}, {"boundaries": boundaries})


def bincount(numbers, size, weights):
    inputs = {"arr": np.asarray(numbers, np.int32), "size": np.asarray(size, np.int32)}
    return Case("Bincount", {**inputs, "weights": weights}, static=("size",))


def dense(numbers, size, weights, binary=False, index=np.int32):
    inputs = {"input": np.asarray(numbers, index), "size": np.asarray(size, index)}
    attrs = {"binary_output": binary}
    return Case("DenseBincount", {**inputs, "weights": weights}, attrs, static=("size",))


def histogram(values, limits, bins, dtype="int32"):
    inputs = {"values": values, "value_range": limits, "nbins": np.asarray(bins, np.int32)}
    return Case("HistogramFixedWidth", inputs, {"dtype": dtype}, static=("nbins",))


def none(dtype="float32"):
    return np.zeros(0, dtype)


SPREAD = RNG.normal(size=(3, 7))
EDGES = np.array([[-np.inf, -1, 0, 1.5], [1.9999, 2, 2.5, np.inf]])
CASES = [
    *[
        case
        for op in ("LowerBound", "UpperBound")
        for case in [
            bound(op, SORTED.astype(np.float32), VALUES.astype(np.float32)),
            bound(op, SORTED.astype(np.int32), VALUES.astype(np.int32), "int64"),
            bound(op, SORTED.astype(np.float32), EDGES.astype(np.float32)),
            bound(op, SORTED[:, :0].astype(np.int32), VALUES.astype(np.int32)),
            bound(op, SORTED.astype(np.int32), VALUES[:, :0].astype(np.int32)),
            *[
                bound(op, SORTED.astype(d), VALUES.astype(d))
                for d in ("float64", "int64", "int8", "int16")
            ],
            *[
                bound(op, np.abs(SORTED // 9 + 1).astype(d), np.abs(VALUES).astype(d))
                for d in ("uint8", "uint16", "uint32", "uint64")
            ],
        ]
    ],
    *[bucketize((SPREAD * 3).astype(d), [-2.5, 0.0, 1.0, 1.0]) for d in NUMBERS],
    bucketize(np.array([np.nan, -np.inf, 1, 2, np.inf], np.float32), [1.0, 2.0]),
    bucketize(np.array([1.0], np.float32), []),
    bucketize(np.zeros((0, 2), np.float32), [1.0]),
    bucketize(np.array(0.1, np.float64), [0.1]),
    *[bincount([1, 3, 1, 0, 9], 4, none(d)) for d in NUMBERS],
    bincount([[1, 3, 1], [0, 9, 3]], 4, np.arange(6, dtype=np.float32).reshape(2, 3)),
    bincount([1, 3, 1], 2, np.array([5, 6, 7], np.int64)),
    bincount([], 3, none()),
    bincount([1], 0, none()),
    *[dense([1, 3, 1, 0, 9], 4, none(d)) for d in NUMBERS],
    dense([[1, 3, 1], [0, 9, 3]], 4, none(), index=np.int64),
    dense([[1, 3, 1], [0, 9, 3]], 4, np.arange(6, dtype=np.float32).reshape(2, 3)),
    dense([[1, 3, 1], [0, 9, 3]], 4, none("int32"), True),
    dense([1, 3, 1], 4, np.array([2, 3, 4], np.float64), True),
    dense([1, 3, 1], 4, np.array([2, 3, 4], np.float64)),
    dense([], 3, none()),
    dense(1, 3, none()),
    *[
        histogram((SPREAD * 3).astype(d), np.array([-4, 5], d), 5, out)
        for d in NUMBERS
        for out in ("int32", "int64")
    ],
    histogram(np.array([0, 1, 2, 5, -4], np.int32), np.array([0, 4], np.int32), 4),
    histogram(np.array([np.inf, -np.inf, 1], np.float32), np.array([0, 4], np.float32), 1),
    histogram(none(), np.array([0, 4], np.float32), 3),
]


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)
