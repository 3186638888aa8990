"""Losses."""

from __future__ import annotations

import numpy as np
import pytest

from anyhub.engines.portable import values
from anyhub.engines.portable.run import Run
from support.op_cases import BACKEND, Case, check, parametrize, plan_of, reference
from support.op_values import FLOATS, draw, row

INF = np.inf


def softmax_of(x: np.ndarray) -> np.ndarray:
    found = np.exp(x - x.max(-1, keepdims=True))
    return (found / found.sum(-1, keepdims=True)).astype(x.dtype)


def dense_cases() -> list[Case]:
    op = "SoftmaxCrossEntropyWithLogits"
    logits, labels = draw("float32", (2, 4)), softmax_of(draw("float32", (2, 4), seed=1))
    large = row("float32", 1000, 0, -1000)[None]
    cases = [
        Case(op, {"features": logits, "labels": labels}, gradient=True),
        Case(op, {"features": logits, "labels": labels * 3}, gradient=True),
        Case(op, {"features": large, "labels": row("float32", 0, 1, 0)[None]}),
        Case(op, {"features": logits, "labels": labels[:1]}),
        Case(op, {"features": logits[:1, :1], "labels": labels[:1, :1]}, gradient=True),
    ]
    for dtype in FLOATS[1:]:
        logits = draw(dtype, (3, 4))
        cases.append(Case(op, {"features": logits, "labels": softmax_of(logits)}, compiled=False))
    return cases


def sparse_cases() -> list[Case]:
    op = "SparseSoftmaxCrossEntropyWithLogits"
    odd = np.asarray([[-INF, 1, 2], [-INF, 1, 2], [1000, 0, -1000]], np.float32)
    labels = row("int32", 0, 3)
    cases = [
        Case(op, {"features": draw("float32", (2, 4)), "labels": labels}, gradient=True),
        Case(op, {"features": odd, "labels": row("int64", 1, 0, 2)}),
        Case(op, {"features": draw("float32", (0, 4)), "labels": labels[:0]}, compiled=False),
    ]
    for dtype in FLOATS:
        pair = {"features": draw(dtype, (2, 4)), "labels": labels.astype(np.int64)}
        cases.append(Case(op, pair, compiled=False))
    return cases


CASES = [
    *dense_cases(),
    *sparse_cases(),
    Case("L2Loss", {"t": draw("float32", (2, 3))}, gradient=True),
    Case("L2Loss", {"t": draw("float32", ())}, gradient=True),
    Case("L2Loss", {"t": draw("float32", (0, 3))}),
    *[Case("L2Loss", {"t": draw(dtype, (3, 2))}, compiled=False) for dtype in FLOATS[1:]],
]


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)


@pytest.mark.skipif(BACKEND == "tensorflow", reason="TensorFlow raises an error on a CPU")
def test_labels_out_of_range_give_nan() -> None:
    op, features = "SparseSoftmaxCrossEntropyWithLogits", draw("float32", (2, 4))
    good = Case(op, {"features": features, "labels": row("int32", 0, 3)})
    bad = Case(op, {"features": features, "labels": row("int32", 4, -1)})
    node = reference(good).node
    inputs = [values.to_device(array) for array in bad.flat()]
    loss, backprop = plan_of(good, node)(Run(), *inputs)
    assert np.isnan(values.to_host(loss)).all()
    assert np.isnan(values.to_host(backprop)).all()
