"""Recurrent cells: TensorFlow's kernels against the engine's."""

from __future__ import annotations

from typing import Any

import numpy as np

from anyhub.engines.portable import values
from support.op_cases import Case, check, parametrize, reference, run_eagerly


def random(*shape: int, dtype: Any = np.float32, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng([seed, *shape]).normal(size=shape) / 2).astype(dtype)


def weights(units: int, dtype: Any = np.float32, inputs: int = 3) -> dict[str, np.ndarray]:
    names = ("wci", "wcf", "wco")
    peepholes = {name: random(units, dtype=dtype, seed=seed) for seed, name in enumerate(names)}
    return {
        "w": random(inputs + units, 4 * units, dtype=dtype),
        **peepholes,
        "b": random(4 * units, dtype=dtype),
    }


def cell(batch: int = 2, dtype: Any = np.float32, **attrs: Any) -> Case:
    inputs = {
        "x": random(batch, 3, dtype=dtype),
        "cs_prev": random(batch, 4, dtype=dtype, seed=1),
        "h_prev": random(batch, 4, dtype=dtype, seed=2),
        **weights(4, dtype),
    }
    return Case("LSTMBlockCell", inputs, attrs)


def block(op: str, length: int = 5, dtype: Any = np.float32, **attrs: Any) -> Case:
    inputs = {
        "seq_len_max": np.asarray(length, np.int64),
        "x": random(5, 2, 3, dtype=dtype),
        "cs_prev": random(2, 4, dtype=dtype, seed=1),
        "h_prev": random(2, 4, dtype=dtype, seed=2),
        **weights(4, dtype),
    }
    # Derivatives are sums over time in another order.
    return Case(
        op, inputs, attrs, ("seq_len_max",),
        # TensorFlow takes BlockLSTM's derivative for BlockLSTMV2 too, whose gates differ in order.
        gradient=op == "BlockLSTM" and dtype == np.float32 and not attrs.get("use_peephole"),
        tolerance=(1e-4, 1e-5) if dtype == np.float32 else None,
    )  # fmt: skip


CASES = [
    cell(),
    cell(use_peephole=True),
    cell(cell_clip=0.1, forget_bias=0.0),
    cell(cell_clip=-1.0, forget_bias=2.5),
    cell(batch=1),
    cell(dtype=np.float16),
    block("BlockLSTM"),
    block("BlockLSTM", use_peephole=True),
    block("BlockLSTM", cell_clip=0.0, forget_bias=0.5),
    block("BlockLSTM", dtype=np.float16),
    block("BlockLSTMV2"),
    block("BlockLSTMV2", use_peephole=True, cell_clip=0.2),
    *[
        Case("GRUBlockCell", {
            "x": random(batch, 3), "h_prev": random(batch, 4, seed=1), "w_ru": random(7, 8),
            "w_c": random(7, 4, seed=2), "b_ru": random(8), "b_c": random(4),
        })
        for batch in (1, 2, 5)
    ],
]  # fmt: skip


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)


SHORT = [block(op, length) for op in ("BlockLSTM", "BlockLSTMV2") for length in (1, 2)]


# TensorFlow leaves gates after the end uninitialised.
@parametrize(SHORT)
def test_short_sequences_match_tensorflow(case: Case) -> None:
    expected, length = reference(case), int(case.inputs["seq_len_max"])
    found = [values.to_host(value) for value in run_eagerly(case, expected.node)]
    for index, (value, wanted) in enumerate(zip(found, expected.outputs, strict=True)):
        until = None if index in (1, 6) else length
        np.testing.assert_allclose(value[:until], wanted[:until], rtol=1e-5, atol=1e-6)
