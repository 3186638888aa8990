"""Ops on variables: values and parts of them, and steps of optimizers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from anyhub.engines.portable.node_view import NodeView
from anyhub.engines.portable.registry import RAW, find
from anyhub.engines.portable.run import Run
from anyhub.engines.portable.variables import VariableHandle
from anyhub.graph.ir import Node, attr_value
from support.op_cases import HAS_TENSORFLOW
from support.op_variables import SavedCases, VariableCase

RNG = np.random.default_rng(0)


def normal(*shape: int, dtype: str = "float32") -> np.ndarray:
    import ml_dtypes

    numpy_dtype = ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
    return np.asarray(RNG.normal(size=shape) * 3).astype(numpy_dtype)


def positive(*shape: int, dtype: str = "float32") -> np.ndarray:
    return np.abs(normal(*shape, dtype=dtype)) + normal(dtype=dtype) * 0 + np.asarray(0.1, dtype)


def number(value: float, dtype: str = "float32") -> np.ndarray:
    return np.asarray(value, dtype)


def ints(*items: Any, dtype: type = np.int32) -> np.ndarray:
    return np.asarray(items, dtype)


ASSIGNS = ("AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp")


def assign_cases() -> list[VariableCase]:
    cases = []
    for dtype in ("float32", "int64", "float16", "uint32", "bfloat16"):
        value = normal(2, 3, dtype="float32").astype(normal(dtype=dtype).dtype)
        cases += [VariableCase(op, [value], {"value": value + value}) for op in ASSIGNS]
    cases.append(VariableCase("AssignVariableOp", [normal(2)], {"value": normal(2)},
                              {"validate_shape": True}))  # fmt: skip
    cases.append(
        VariableCase(
            "AssignVariableOp", [ints(True, dtype=bool)], {"value": ints(False, dtype=bool)}
        )
    )
    cases.append(
        VariableCase("AssignAddVariableOp", [number(1.5)], {"value": number(2)}, {}, ("value",))
    )
    tf_types = {"float32": "float32", "int64": "int64"}
    for dtype in tf_types:
        cases.append(
            VariableCase("ReadVariableOp", [normal(3).astype(dtype)], {}, {"dtype": dtype})
        )
        cases.append(
            VariableCase("ResourceCountUpTo", [number(3, "int64")], {}, {"limit": 5, "T": "int64"})
        )
    cases.append(VariableCase("VariableShape", [normal(3, 2)], {}, {"out_type": "int64"}))
    cases.append(VariableCase("VariableShape", [normal()], {}, {"out_type": "int32"}))
    cases.append(VariableCase("VarIsInitializedOp", [normal(3)]))
    return cases


def gather_cases() -> list[VariableCase]:
    cases = []
    for index, (shape, indices, batch) in enumerate([
        ((5, 3), ints(4, 0, 0), 0), ((5,), ints([1, 2], [3, 4], dtype=np.int64), 0),
        ((4, 2, 2), np.asarray(3), 0), ((2, 5, 3), ints([4, 0, 0], [1, 1, 2]), 1),
        ((2, 3, 4), ints([[0], [1], [2]], [[3], [3], [0]]), 2), ((2, 5), ints([4, 0], [1, 1]), -1),
        ((5, 3), np.zeros((0, 2), np.int32), 0),
    ]):  # fmt: skip
        dtype = ["float32", "float64", "int32", "float16"][index % 4]
        static = ("indices",) if index % 2 else ()
        attrs = {"batch_dims": batch, "dtype": dtype}
        if batch < 0:
            continue
        cases.append(
            VariableCase(
                "ResourceGather", [normal(*shape, dtype=dtype)], {"indices": indices}, attrs, static
            )
        )
    for shape, indices in [
        ((5, 3), ints([4, 0], [0, 2])),
        ((5, 3), ints([4], [0])), ((2, 3, 2), ints([[1, 2], [0, 0]])),
        ((2, 2), np.zeros((3, 0), np.int32)),
    ]:  # fmt: skip
        cases.append(
            VariableCase(
                "ResourceGatherNd", [normal(*shape)], {"indices": indices}, {"dtype": "float32"}
            )
        )
    return cases


def scatter_cases() -> list[VariableCase]:
    cases = []
    for how in ("Add", "Sub", "Mul", "Div", "Min", "Max", "Update"):
        rows = ints(3, 0, 4) if how == "Update" else ints(3, 0, 3)
        op = f"ResourceScatter{how}"
        cases.append(VariableCase(op, [normal(5, 2)], {"indices": rows, "updates": positive(3, 2)}))
        table = ints(*range(10, 30, 2), dtype=np.int64).reshape(5, 2)
        updates = ints([1, 2], [3, 4], [2, 5], dtype=np.int64)
        cases.append(
            VariableCase(op, [table - 17], {"indices": rows, "updates": updates}, {}, ("indices",))
        )
        cases.append(
            VariableCase(
                op, [normal(5, 2)], {"indices": rows.astype(np.int64), "updates": number(2)}
            )
        )
        cases.append(
            VariableCase(
                op, [normal(5)], {"indices": ints([3, 0], [1, 2]), "updates": positive(2, 2)}
            )
        )
        cases.append(
            VariableCase(op, [normal(5)], {"indices": np.asarray(2), "updates": positive()})
        )
        cases.append(
            VariableCase(op, [normal(5)], {"indices": np.zeros(0, np.int32), "updates": normal(0)})
        )
    for how in ("Add", "Sub", "Min", "Max", "Update"):
        rows = ints([3, 1], [0, 0]) if how == "Update" else ints([3, 1], [3, 1])
        op = f"ResourceScatterNd{how}"
        cases.append(VariableCase(op, [normal(5, 2)], {"indices": rows, "updates": normal(2)}))
        cases.append(
            VariableCase(op, [normal(5, 2)], {"indices": ints([3], [0]), "updates": normal(2, 2)})
        )
        inputs = {"indices": ints([2], [1], dtype=np.int64), "updates": normal(2)}
        cases.append(VariableCase(op, [normal(3)], inputs, {}, ("indices",)))
    return cases


def slice_cases() -> list[VariableCase]:
    cases = []
    for begin, end, strides, masks, shape in [
        ((0, 1), (2, 3), (1, 1), {}, (2, 2)),
        ((1, 0), (2, 3), (1, 2), {"shrink_axis_mask": 1}, (2,)),
        ((0, 3), (0, 0), (1, -1), {"begin_mask": 3, "end_mask": 3}, (4, 3)),
        ((0,), (0,), (1,), {"begin_mask": 1, "end_mask": 1}, (4, 3)),
    ]:  # fmt: skip
        bounds = {"begin": ints(*begin), "end": ints(*end), "strides": ints(*strides)}
        inputs = {**bounds, "value": normal(*shape)}
        op = "ResourceStridedSliceAssign"
        cases.append(VariableCase(op, [normal(4, 3)], inputs, masks, tuple(bounds)))
    return cases


# Inputs after the variables, in the op's order; what is no number is the gradient.
SCALARS: dict[str, tuple[int, str, dict[str, float]]] = {
    "GradientDescent": (1, "delta", {"alpha": 0.1}),
    "Momentum": (2, "grad", {"lr": 0.1, "momentum": 0.9}),
    "KerasMomentum": (2, "grad", {"lr": 0.1, "momentum": 0.9}),
    "Adam": (3, "grad", {
        "beta1_power": 0.81, "beta2_power": 0.998, "lr": 0.1, "beta1": 0.9, "beta2": 0.999,
        "epsilon": 1e-3,
    }),
    "AdamWithAmsgrad": (4, "grad", {
        "beta1_power": 0.81, "beta2_power": 0.998, "lr": 0.1, "beta1": 0.9, "beta2": 0.999,
        "epsilon": 1e-3,
    }),
    "AdaMax": (3, "grad", {
        "beta1_power": 0.81, "lr": 0.1, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-3,
    }),
    "RMSProp": (3, "grad", {"lr": 0.1, "rho": 0.9, "momentum": 0.8, "epsilon": 1e-3}),
    "CenteredRMSProp": (4, "grad", {"lr": 0.1, "rho": 0.9, "momentum": 0.8, "epsilon": 1e-3}),
    "Adagrad": (2, "grad", {"lr": 0.1}),
    "AdagradV2": (2, "grad", {"lr": 0.1, "epsilon": 1e-3}),
    "Adadelta": (3, "grad", {"lr": 0.1, "rho": 0.9, "epsilon": 1e-3}),
    "Ftrl": (3, "grad", {"lr": 0.1, "l1": 0.2, "l2": 0.3, "lr_power": -0.5}),
    "FtrlV2": (3, "grad", {"lr": 0.1, "l1": 0.2, "l2": 0.3, "l2_shrinkage": 0.4, "lr_power": -0.5}),
    "ProximalGradientDescent": (1, "delta", {"alpha": 0.1, "l1": 0.2, "l2": 0.3}),
    "ProximalAdagrad": (2, "grad", {"lr": 0.1, "l1": 0.2, "l2": 0.3}),
    "AddSign": (2, "grad", {"lr": 0.1, "alpha": 0.9, "sign_decay": 0.7, "beta": 0.8}),
    "PowerSign": (2, "grad", {"lr": 0.1, "logbase": 0.9, "sign_decay": 0.7, "beta": 0.8}),
}  # fmt: skip
FLAGS: dict[str, list[dict[str, Any]]] = {
    "Momentum": [{"use_nesterov": True, "use_locking": True}],
    "KerasMomentum": [{"use_nesterov": True}],
    "Adam": [{"use_nesterov": True}], "Adagrad": [{"update_slots": False}],
    "AdagradV2": [{"update_slots": False}], "Ftrl": [{"multiply_linear_by_lr": True}],
    "FtrlV2": [{"multiply_linear_by_lr": True}],
}  # fmt: skip
DENSE_ONLY = {"GradientDescent", "Adam", "AdamWithAmsgrad", "AdaMax", "AddSign", "PowerSign"}


def optimizer_cases() -> list[VariableCase]:
    cases = []
    for name, (slots, gradient, scalars) in SCALARS.items():
        for dtype in ("float32", "float64"):
            cases += step_cases(name, slots, gradient, scalars, dtype)
        changed = dict(scalars)
        if "lr_power" in changed:
            changed["lr_power"] = -0.7
            cases += step_cases(name, slots, gradient, changed, "float32")[:1]
        if "l1" in changed:
            changed["l1"] = 0.0
            cases += step_cases(name, slots, gradient, changed, "float32")[:1]
    return cases


def step_cases(
    name: str, slots: int, gradient: str, scalars: dict[str, float], dtype: str
) -> list[VariableCase]:
    # Averages of squares are above squares of averages in optimizers' slots.
    variables = [
        normal(5, 2, dtype=dtype),
        *(positive(5, 2, dtype=dtype) for _ in range(slots - 1)),
    ]
    if name == "CenteredRMSProp":
        variables[1] = variables[1] * 0.01
        variables[2] = variables[2] + 1
    numbers = {key: number(value, dtype) for key, value in scalars.items()}
    cases = [
        VariableCase(
            f"ResourceApply{name}",
            variables,
            {**numbers, gradient: normal(5, 2, dtype=dtype)},
            flags,
            compiled=dtype == "float32" and not flags,
        )
        for flags in [{}, *FLAGS.get(name, [])]
    ]
    if name not in DENSE_ONLY:
        rows = {"indices": ints(3, 0, 4)}
        inputs = {**numbers, "grad": normal(3, 2, dtype=dtype), **rows}
        cases += [
            VariableCase(
                f"ResourceSparseApply{name}", variables, inputs, flags,
                compiled=dtype == "float32" and not flags,
            )
            for flags in [{}, *FLAGS.get(name, [])]
        ]  # fmt: skip
    return cases


CASES = [*assign_cases(), *gather_cases(), *scatter_cases(), *slice_cases(), *optimizer_cases()]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> SavedCases:
    return SavedCases(CASES, tmp_path_factory.mktemp("variables"))


@pytest.mark.skipif(not HAS_TENSORFLOW, reason="TensorFlow is what ops are compared with")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_matches_tensorflow(case: VariableCase, saved: SavedCases) -> None:
    saved.check(case)


def handle(value: np.ndarray) -> VariableHandle:
    return VariableHandle("v", value.dtype.name, False, lambda: value)


@pytest.mark.parametrize("op", ASSIGNS)
def test_another_shape_is_refused(op: str) -> None:
    compute = built(op)
    with pytest.raises(ValueError, match=r"variable 'v' of shape \(2,\) cannot have shape \(3,\)"):
        compute(Run(), handle(normal(2)), normal(3))


def built(op: str, **attrs: Any) -> Any:
    lowering = find(op, RAW)
    assert lowering is not None
    return lowering.build(NodeView(Node("it", op, attrs=attrs), lambda _: None))


def test_counting_beyond_the_limit_is_an_error() -> None:
    compute, variable, run = (
        built("ResourceCountUpTo", limit=attr_value(i=2)),
        handle(ints(1)[0]),
        Run(),
    )
    compute(run, variable)
    with pytest.raises(ValueError, match="reached its limit, 2"):
        compute(run, variable)


def test_known_indices_out_of_range_are_refused() -> None:
    variable = handle(normal(3, 2))
    with pytest.raises(ValueError, match="index 3 is not below 3"):
        built("ResourceGather")(Run(), variable, ints(0, 3))
    with pytest.raises(ValueError, match="index -1 is not below 3"):
        built("ResourceScatterAdd")(Run(), variable, ints(-1), normal(1, 2))
    with pytest.raises(ValueError, match="index 2 is not below 2"):
        built("ResourceGatherNd")(Run(), variable, ints([0, 2]))
    with pytest.raises(ValueError, match="updates of shape"):
        built("ResourceScatterSub")(Run(), variable, ints(0), normal(1, 3))
    with pytest.raises(ValueError, match="updates of shape"):
        built("ResourceScatterNdAdd")(Run(), variable, ints([0]), normal(1, 3))
