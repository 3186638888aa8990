"""Stateful random ops: TensorFlow's distributions, and other numbers with each call."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import pytest

from anyhub.engines.portable import philox, values
from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.errors import UnsupportedNodeError
from anyhub.engines.portable.node_view import NodeView
from anyhub.engines.portable.registry import RAW, find
from anyhub.engines.portable.run import Run
from anyhub.engines.portable.variables import VariableHandle
from anyhub.graph.ir import Node, attr_value
from anyhub.savedmodel.dtypes import dtype_by_name
from support.op_cases import HAS_TENSORFLOW
from support.op_variables import SavedCases, VariableCase

BACKEND = keras.backend.backend()
COUNT = 20000
_core = primitives("core")


def seed_handle(first: int = 0, second: int = 0) -> VariableHandle:
    return VariableHandle("seed", "int32", False, lambda: np.asarray([first, second], np.int32))


def op(op: str, name: str = "it", seed: int = 0, seed2: int = 0, **dtypes: str) -> Any:
    attrs = {key: attr_value(type=dtype_by_name(dtype).number) for key, dtype in dtypes.items()}
    if op != "NonDeterministicInts":
        attrs |= {"seed": attr_value(i=seed), "seed2": attr_value(i=seed2)}
    lowering = find(op, RAW)
    assert lowering is not None
    return lowering.build(NodeView(Node(name, op, attrs=attrs), lambda _: None))


def draw(compute: Any, *inputs: Any, run: Run | None = None) -> np.ndarray:
    with _core.wide_types():
        return values.to_host(compute(run or Run(seed=seed_handle()), *inputs))


def shape(*sizes: int) -> np.ndarray:
    return np.asarray(sizes, np.int32)


def distance(sample: np.ndarray, cdf: Any) -> float:
    """Kolmogorov and Smirnov's, times the square root of the size: rarely above 1.95."""
    ordered = np.sort(sample.astype(np.float64).ravel())
    steps = np.arange(len(ordered) + 1) / len(ordered)
    expected = cdf(ordered)
    furthest = np.maximum(steps[1:] - expected, expected - steps[:-1]).max()
    return float(furthest * len(ordered) ** 0.5)


def normal_cdf(x: np.ndarray) -> np.ndarray:
    return np.asarray([0.5 * math.erfc(-v / math.sqrt(2)) for v in x])


def truncated_cdf(x: np.ndarray) -> np.ndarray:
    low, high = normal_cdf(np.asarray([-2.0, 2.0]))
    return (normal_cdf(x) - low) / (high - low)


FLOATS = {
    "RandomUniform": (lambda x: x, 1 / 2, 1 / 12, (0, 1)),
    "RandomStandardNormal": (normal_cdf, 0, 1, (-7, 7)),
    "TruncatedNormal": (truncated_cdf, 0, 0.7737, (-2, 2)),
}


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("name", FLOATS)
def test_floats_are_of_the_distribution(name: str, dtype: str) -> None:
    cdf, mean, variance, (low, high) = FLOATS[name]
    sample = draw(op(name, dtype=dtype), shape(COUNT // 100, 100))
    assert sample.dtype.name == dtype
    assert sample.shape == (COUNT // 100, 100)
    sample = sample.astype(np.float64)
    assert abs(sample.mean() - mean) < 0.02
    assert abs(sample.var() - variance) < 0.03
    assert low <= sample.min() < sample.max() <= high
    if dtype in ("float32", "float64"):
        assert distance(sample, cdf) < 1.95


@pytest.mark.parametrize("name", FLOATS)
@pytest.mark.parametrize("sizes", [(), (0,), (2, 0), (1,), (3, 5)])
def test_shapes(name: str, sizes: tuple[int, ...]) -> None:
    assert draw(op(name, dtype="float32"), shape(*sizes)).shape == sizes


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_integers_are_of_the_distribution(dtype: str) -> None:
    low, high = np.asarray(-3, dtype), np.asarray(4, dtype)
    sample = draw(op("RandomUniformInt", Tout=dtype), shape(COUNT), low, high)
    assert sample.dtype == dtype
    counts = np.bincount(sample.ravel() + 3)
    assert len(counts) == 7
    assert ((counts - COUNT / 7) ** 2 / (COUNT / 7)).sum() < 22.5


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint32", "uint64"])
def test_non_deterministic_ints(dtype: str) -> None:
    sample = draw(op("NonDeterministicInts", dtype=dtype), shape(COUNT))
    info = np.iinfo(dtype)
    assert sample.dtype == dtype
    scaled = (sample.astype(np.float64) - float(info.min)) / 2.0**info.bits
    assert distance(scaled, lambda x: x) < 1.95


def test_non_deterministic_floats_are_refused() -> None:
    with pytest.raises(UnsupportedNodeError, match="float32"):
        op("NonDeterministicInts", dtype="float32")


@pytest.mark.parametrize("size", [0, 1, 7, 300])
def test_shuffle(size: int) -> None:
    value = np.arange(2 * size, dtype=np.float32).reshape(size, 2)
    compute, run = op("RandomShuffle", T="float32"), Run(seed=seed_handle())
    first = draw(compute, values.to_device(value), run=run)
    second = draw(compute, values.to_device(value), run=run)
    for found in (first, second):
        np.testing.assert_array_equal(np.sort(found[:, 0]), value[:, 0])
        np.testing.assert_array_equal(found[:, 1], found[:, 0] + 1)
    if size > 1:
        assert (first != second).any()


def test_shuffle_of_strings_and_scalars() -> None:
    text = np.asarray([b"a", b"b", b"c"], object)
    compute = op("RandomShuffle", T="string")
    assert sorted(compute(Run(seed=seed_handle()), text).tolist()) == text.tolist()
    assert compute(Run(seed=seed_handle()), np.asarray(3)) == 3


def test_shuffles_are_all_as_likely() -> None:
    compute, run = op("RandomShuffle", T="int32"), Run(seed=seed_handle())
    found = [tuple(draw(compute, np.arange(3), run=run)) for _ in range(1200)]
    counts = np.asarray([found.count(order) for order in set(found)])
    assert len(counts) == 6
    assert ((counts - 200) ** 2 / 200).sum() < 20.5


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_multinomial(dtype: str) -> None:
    logits = np.log(np.asarray([[1, 2, 3], [5, 1, 1]], np.float32))
    compute = op("Multinomial", T="float32", output_dtype=dtype)
    sample = draw(compute, values.to_device(logits), np.asarray(COUNT, np.int32))
    assert sample.dtype == dtype
    for row, weights in zip(sample, np.exp(logits), strict=True):
        expected = weights / weights.sum() * COUNT
        assert ((np.bincount(row, minlength=3) - expected) ** 2 / expected).sum() < 13.9


def test_calls_nodes_and_seeds_differ() -> None:
    first, run = op("RandomUniform", dtype="float32"), Run(seed=seed_handle())
    draws = [draw(first, shape(50), run=run), draw(first, shape(50), run=run)]
    others = [
        op("RandomUniform", "other", dtype="float32"),
        op("RandomUniform", seed=1, dtype="float32"),
        op("RandomUniform", seed2=1, dtype="float32"),
    ]
    draws += [draw(other, shape(50)) for other in others]
    draws.append(draw(first, shape(50), run=Run(seed=seed_handle(1))))
    for index, a in enumerate(draws):
        for b in draws[index + 1 :]:
            assert abs(np.corrcoef(a, b)[0, 1]) < 0.5
    np.testing.assert_array_equal(draw(first, shape(50)), draws[0])


def test_the_seed_variable_counts() -> None:
    handle = seed_handle(5, 7)
    run = Run(seed=handle)
    draw(op("RandomUniform", dtype="float32"), shape(50), run=run)
    draw(op("RandomShuffle", T="float32"), np.arange(4), run=run)
    run.commit()
    np.testing.assert_array_equal(values.to_host(handle.read()), [5, 9])


def test_without_a_seed_variable() -> None:
    compute = op("RandomUniform", dtype="float32")
    assert (draw(compute, shape(50), run=Run()) != draw(compute, shape(50), run=Run())).any()


def compiled(function: Any) -> Any:
    if BACKEND == "jax":
        import jax

        return jax.jit(function)
    import tensorflow as tf

    return tf.function(function, autograph=False)


@pytest.mark.skipif(BACKEND == "torch", reason="torch runs op by op")
def test_compiled_draws_are_the_same() -> None:
    handle = seed_handle(3, 4)
    logits = np.log(np.asarray([[1, 2, 3]], np.float32))
    computes = [
        (op("RandomUniform", dtype="float32"), (shape(40),)),
        (op("RandomStandardNormal", dtype="float32"), (shape(40),)),
        (op("TruncatedNormal", dtype="float32"), (shape(40),)),
        (op("RandomUniformInt", Tout="int32"), (shape(40), np.asarray(0), np.asarray(9))),
        (op("Multinomial", T="float32", output_dtype="int32"), (logits, np.asarray(40))),
        (op("RandomShuffle", T="float32"), (np.arange(40, dtype=np.float32),)),
    ]

    def function(state: Any) -> Any:
        run = Run({handle: state}, handle)
        draws = [values.to_device(compute(run, *inputs)) for compute, inputs in computes]
        return draws, run.read(handle)

    found, state = compiled(function)(values.to_device(np.asarray([3, 4], np.int32)))
    np.testing.assert_array_equal(values.to_host(state), [3, 10])
    run = Run(seed=handle)
    for (compute, inputs), value in zip(computes, found, strict=True):
        expected = values.to_host(compute(run, *inputs))
        np.testing.assert_allclose(values.to_host(value), expected, rtol=0, atol=1e-6)


STATES = [np.asarray([5, 6, 2**60 + 7]), np.asarray([-1, -1, -3]), np.asarray([0, 0, 1])]


def generator_cases() -> list[VariableCase]:
    cases = []
    algorithm, size = np.asarray(1, np.int64), {"shape": shape(7, 5)}
    fixed = ("algorithm", "shape", "alg", "delta")
    for index, (name, dtype) in enumerate([
        ("StatefulUniform", "float32"), ("StatefulUniform", "float64"),
        ("StatefulStandardNormalV2", "float32"), ("StatefulStandardNormalV2", "float16"),
        ("StatefulTruncatedNormal", "float32"), ("StatefulTruncatedNormal", "bfloat16"),
        ("StatefulUniformFullInt", "int64"), ("StatefulUniformFullInt", "uint32"),
    ]):  # fmt: skip
        inputs = {"algorithm": algorithm, **size}
        state = STATES[index % 3]
        cases.append(VariableCase(name, [state], inputs, {"dtype": dtype}, fixed))
    for state in STATES:
        bounds = {"minval": np.asarray(-4), "maxval": np.asarray(9)}
        cases += [
            VariableCase("StatefulUniformInt", [state], {"algorithm": algorithm, **size, **bounds},
                         {}, fixed),
            VariableCase("RngSkip", [state], {"algorithm": algorithm, "delta": np.asarray(11)}, {},
                         fixed),
            VariableCase("RngReadAndSkip", [state], {"alg": np.asarray(1, np.int32),
                         "delta": np.asarray(11, np.uint64)}, {}, fixed),
        ]  # fmt: skip
    return cases


GENERATORS = generator_cases()


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> SavedCases:
    return SavedCases(GENERATORS, tmp_path_factory.mktemp("generators"))


@pytest.mark.skipif(not HAS_TENSORFLOW, reason="TensorFlow is what ops are compared with")
@pytest.mark.parametrize("case", GENERATORS, ids=str)
def test_generators_match_tensorflow(case: VariableCase, saved: SavedCases) -> None:
    saved.check(case)


@pytest.mark.skipif(BACKEND != "jax", reason="only JAX lacks 64-bit types at times")
def test_generator_without_wide_types() -> None:
    random = primitives("random")
    state = np.asarray([2**32 - 10, 3, -5]).astype(np.int32)
    found = compiled(lambda s: random.skipped(s, 256))(state)
    np.testing.assert_array_equal(found, [246, 4, -5])
    words = compiled(random.stream_of_state)(state)
    expected = philox.stream(2**32 - 5, (2**32 - 10, 3))
    np.testing.assert_array_equal(words, expected)


def test_a_state_of_another_size_is_refused() -> None:
    lowering = find("RngReadAndSkip", RAW)
    assert lowering is not None
    compute = lowering.build(NodeView(Node("it", "RngReadAndSkip"), lambda _: None))
    handle = VariableHandle("state", "int64", False, lambda: np.zeros(2, np.int64))
    with pytest.raises(ValueError, match="is no state"):
        compute(Run(), handle, np.asarray(1), np.asarray(1))
    with pytest.raises(ValueError, match="algorithm 2"):
        compute(Run(), handle, np.asarray(2), np.asarray(1))
