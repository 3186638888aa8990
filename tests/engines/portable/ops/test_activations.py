"""Activations, and the ops that are their derivatives."""

from __future__ import annotations

import numpy as np

from support.op_cases import Case, check, parametrize
from support.op_values import COMPLEX, FLOATS, INTEGERS, draw, row

NAN, INF = np.nan, np.inf
EDGES = [NAN, INF, -INF, -1000, 1000]
KINKS = [-1, 0, 0.5, 6, 7, 3]
POINTWISE = ("Relu", "Relu6", "Elu", "Selu", "Softplus", "Softsign")
OF_INTEGERS = ("Relu", "Relu6")


def pointwise_cases(op: str) -> list[Case]:
    cases = [
        Case(op, {"features": draw("float32", (2, 3), -9, 9)}, gradient=True),
        Case(op, {"features": row("float32", *KINKS)}, gradient=True),
        Case(op, {"features": row("float32", *EDGES)}),
        Case(op, {"features": draw("float32", ())}, compiled=False),
        Case(op, {"features": draw("float32", (0, 2))}, compiled=False),
    ]
    dtypes = (*FLOATS[1:], *(INTEGERS if op in OF_INTEGERS else ()))
    return cases + [
        Case(op, {"features": draw(dtype, (6,), -9, 9)}, compiled=False) for dtype in dtypes
    ]


def leaky_relu_cases() -> list[Case]:
    cases = [
        Case("LeakyRelu", {"features": row("float32", *KINKS, -2)}, {"alpha": alpha}, gradient=True)
        for alpha in (0.2, 0.0, 1.5, -0.5)
    ]
    cases += [Case("LeakyRelu", {"features": draw(dtype, (5,))}, {"alpha": 0.1}, compiled=False)
              for dtype in FLOATS]  # fmt: skip
    return [*cases, Case("LeakyRelu", {"features": row("float32", *EDGES)}, {"alpha": 0.3})]


def softmax_cases(op: str) -> list[Case]:
    odd = np.asarray([[-INF, 1, 2], [1000, 1000, 0], [-1000, 0, 1000]], np.float32)
    cases = [
        Case(op, {"logits": draw("float32", (2, 3))}, gradient=True),
        Case(op, {"logits": draw("float32", (2, 2, 3))}, gradient=True),
        Case(op, {"logits": odd}),
        Case(op, {"logits": draw("float32", (4,))}),
        Case(op, {"logits": draw("float32", (0, 3))}),
        Case(op, {"logits": draw("float32", (3, 1))}, compiled=False),
    ]
    return cases + [
        Case(op, {"logits": draw(dtype, (2, 5))}, compiled=False) for dtype in FLOATS[1:]
    ]


# Op: names of the gradient and of the other input, which element types beyond floats.
GRADS = {
    "ReluGrad": ("gradients", "features", INTEGERS),
    "Relu6Grad": ("gradients", "features", INTEGERS),
    "EluGrad": ("gradients", "outputs", ()),
    "SeluGrad": ("gradients", "outputs", ()),
    "SoftplusGrad": ("gradients", "features", ()),
    "SoftsignGrad": ("gradients", "features", ()),
    "SigmoidGrad": ("dy", "y", COMPLEX),
    "TanhGrad": ("dy", "y", COMPLEX),
    "SqrtGrad": ("dy", "y", COMPLEX),
    "RsqrtGrad": ("dy", "y", COMPLEX),
    "InvGrad": ("dy", "y", COMPLEX),
    "ReciprocalGrad": ("dy", "y", COMPLEX),
}


def grad_cases(op: str) -> list[Case]:
    gradient, other, more = GRADS[op]

    def case(g: np.ndarray, x: np.ndarray, **options: bool) -> Case:
        inputs = {gradient: g, other: x}
        ordered = inputs if gradient != "dy" else {"y": x, "dy": g}
        is_unsigned = op == "Relu6Grad" and x.dtype.name in ("uint16", "uint32", "uint64")
        skip = {"torch": "no order of these integers"} if is_unsigned else {}
        return Case(op, ordered, skip=skip, **options)

    x = draw("float32", (2, 3), 0.1, 0.9) if other == "y" else draw("float32", (2, 3))
    cases = [case(draw("float32", (2, 3), seed=1), x)]
    if op in ("ReluGrad", "Relu6Grad", "EluGrad", "SeluGrad"):
        cases.append(case(row("float32", 1, 2, 3, 4, 5, 6), row("float32", *KINKS)))
    for dtype in (*FLOATS[1:], *more):
        x = draw(dtype, (6,), 0.1, 0.9) if other == "y" else draw(dtype, (6,))
        cases.append(case(draw(dtype, (6,), 1, 3, 1), x, compiled=False))
    return cases


def leaky_relu_grad_cases() -> list[Case]:
    return [
        Case("LeakyReluGrad", {"gradients": row(dtype, 1, 2, 3, 4), "features": row(dtype, *x)},
             {"alpha": 0.3})
        for dtype in FLOATS for x in ([-1, 0, 1, 2],)
    ]  # fmt: skip


CASES = [
    *[case for op in POINTWISE for case in pointwise_cases(op)],
    *leaky_relu_cases(),
    *[case for op in ("Softmax", "LogSoftmax") for case in softmax_cases(op)],
    *[case for op in GRADS for case in grad_cases(op)],
    *leaky_relu_grad_cases(),
]


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)
