"""Stateless random ops: the same numbers as TensorFlow's."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from anyhub.engines.portable import philox, streams, values
from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.ops.random_stateless import uniform_int
from anyhub.engines.portable.planner import Planner
from anyhub.engines.portable.run import Run
from anyhub.graph.ir import ARGUMENT, Graph, Node, Ref, attr_value
from support.op_cases import Case, check, parametrize

BACKEND = keras.backend.backend()
FLOATS = ["float32", "float16", "bfloat16", "float64"]
SEEDS = [
    np.asarray([1, 2], np.int32), np.asarray([-5, 7], np.int32),
    np.asarray([2**40 + 3, -9], np.int64),
]  # fmt: skip
SHAPES = [(7, 5), (3,), (), (0, 2), (64,)]
KEY = np.asarray([2**63 + 12345], np.uint64)
COUNTERS = [np.asarray(c, np.uint64) for c in ([0, 2**50 + 1], [2**64 - 3, 2**64 - 1])]
# Numbers of 64 bits are TensorFlow's only where there are 64-bit types; what a case computes
# compiled and without wide inputs is tested below.
WIDE = ("float64", "int64", "uint64")


def array(shape: tuple[int, ...], dtype: type = np.int32) -> np.ndarray:
    return np.asarray(shape, dtype)


def key_inputs(shape: tuple[int, ...], counter: np.ndarray) -> dict[str, Any]:
    return {
        "shape": array(shape), "key": KEY, "counter": counter, "alg": np.asarray(1, np.int32),
    }  # fmt: skip


def float_cases() -> list[Case]:
    cases = []
    for op in ("RandomUniform", "RandomNormal", "TruncatedNormal"):
        for index in range(5):
            dtype, seed = FLOATS[index % 4], SEEDS[index % 3]
            inputs = {"shape": array(SHAPES[index % 5]), "seed": seed}
            is_compiled = dtype not in WIDE or seed.dtype == np.int64
            cases.append(
                Case(f"Stateless{op}", inputs, {"dtype": dtype}, ("shape",), compiled=is_compiled)
            )
            inputs = key_inputs(SHAPES[index % 5], COUNTERS[index % 2])
            cases.append(Case(f"Stateless{op}V2", inputs, {"dtype": dtype}, ("shape", "alg")))
    return cases


def full_int_cases() -> list[Case]:
    cases = []
    for index, dtype in enumerate(["int32", "int64", "uint32", "uint64", "int64"]):
        inputs = {"shape": array(SHAPES[index % 5], np.int64), "seed": SEEDS[index % 3]}
        is_compiled = dtype not in WIDE or SEEDS[index % 3].dtype == np.int64
        op = "StatelessRandomUniformFullInt"
        cases.append(Case(op, inputs, {"dtype": dtype}, ("shape",), compiled=is_compiled))
        inputs = key_inputs(SHAPES[index % 5], COUNTERS[index // 4])
        cases.append(Case(f"{op}V2", inputs, {"dtype": dtype}, ("shape", "alg")))
    return cases


def int_cases() -> list[Case]:
    bounds = [
        ("int32", 0, 10), ("int64", -5, 3), ("int32", -(2**31), 2**31 - 1), ("int64", 7, 8),
        ("int64", -(2**63), 2**63 - 1), ("int32", -1000, 2**31 - 1),
    ]  # fmt: skip
    cases = []
    for index, (dtype, low, high) in enumerate(bounds):
        ends = {"minval": np.asarray(low, dtype), "maxval": np.asarray(high, dtype)}
        shape, seed = SHAPES[index % 5], SEEDS[index % 3]
        inputs = {"shape": array(shape), "seed": seed, **ends}
        cases.append(Case("StatelessRandomUniformInt", inputs, {}, ("shape",)))
        inputs = {**key_inputs(shape, COUNTERS[index % 2]), **ends}
        cases.append(Case("StatelessRandomUniformIntV2", inputs, {}, ("shape", "alg")))
        static = ("shape", "minval", "maxval", "seed")
        cases.append(
            Case("StatelessRandomUniformInt", {"shape": array((40,)), "seed": seed, **ends}, {},
                 static, compiled=False)
        )  # fmt: skip
    return cases


def other_cases() -> list[Case]:
    rng = np.random.default_rng(0)
    cases = [
        Case("StatelessRandomGetKeyCounter", {"seed": seed}, compiled=seed.dtype == np.int64)
        for seed in SEEDS
    ]
    cases += [
        Case("StatelessRandomGetKeyCounterAlg", {"seed": seed}, compiled=seed.dtype == np.int64)
        for seed in SEEDS
    ]
    cases.append(Case("StatelessRandomGetAlg", {}))
    for value in (np.arange(10), np.ones((), np.float32), np.zeros((0, 2), np.float32),
                  rng.normal(size=(50, 2)).astype(np.float32), np.arange(6) > 2):  # fmt: skip
        inputs = {"value": value, **key_inputs((), COUNTERS[0])}
        cases.append(Case("StatelessShuffle", inputs | {"shape": None}, {}, ("alg",)))
        del cases[-1].inputs["shape"]
    words = np.asarray([b"a", b"bc", b"", b"d"], object)
    inputs = {"value": words, **key_inputs((), COUNTERS[0])}
    del inputs["shape"]
    cases.append(Case("StatelessShuffle", inputs, {}, ("alg", "key", "counter"), compiled=False))
    for index, (rows, classes, count) in enumerate([(3, 4, 7), (1, 3, 5), (2, 10, 1), (0, 2, 3)]):
        logits = rng.normal(size=(rows, classes)).astype(
            ["float32", "float64", "float16"][index % 3]
        )
        inputs = {
            "logits": logits, "num_samples": np.asarray(count, np.int32), "seed": SEEDS[index % 3],
        }  # fmt: skip
        attrs = {"output_dtype": ["int64", "int32"][index % 2]}
        cases.append(Case("StatelessMultinomial", inputs, attrs, ("num_samples",)))
    odd = np.asarray([[np.inf, 0, 1, -np.inf], [-np.inf, np.nan, 3, 3], [-1e30, 0, 700, 701]])
    inputs = {"logits": odd, "num_samples": np.asarray(9, np.int32), "seed": SEEDS[0]}
    cases.append(Case("StatelessMultinomial", inputs, {}, ("num_samples",)))
    return cases


CASES = [*float_cases(), *full_int_cases(), *int_cases(), *other_cases()]


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)


def chain(dtype: str) -> Any:
    """The plan of what Keras exports: a seed's key and counter, and numbers from these."""
    attr = attr_value
    nodes = {
        "shape": Node("shape", ARGUMENT, attrs={"T": attr(type=3), "index": attr(i=0)}),
        "seed": Node("seed", ARGUMENT, attrs={"T": attr(type=3), "index": attr(i=1)}),
        "key": Node(
            "key", "StatelessRandomGetKeyCounter", (Ref("seed"),), attrs={"Tseed": attr(type=3)}
        ),
        "alg": Node("alg", "StatelessRandomGetAlg"),
        "it": Node(
            "it", "StatelessRandomUniformV2",
            (Ref("shape"), Ref("key", 0), Ref("key", 1), Ref("alg")),
            attrs={"dtype": attr(type={"float32": 1, "float64": 2}[dtype]), "Tshape": attr(type=3)},
        ),
    }  # fmt: skip
    return Planner({}).plan(Graph("chain", nodes, ("shape", "seed"), (Ref("it"),), ("y",)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_compiled_without_wide_types(dtype: str) -> None:
    shape, seed = array((33, 3)), np.asarray([-3, 2**31 - 1], np.int32)
    plan = chain(dtype)
    expected = philox.uniform(philox.seeded(-3, 2**31 - 1), (33, 3), dtype)

    def compute(tensor: Any) -> Any:
        return plan(Run(), shape, tensor)[0]

    if BACKEND == "jax":
        import jax

        compute = jax.jit(compute)
    elif BACKEND == "tensorflow":
        import tensorflow as tf

        compute = tf.function(compute, autograph=False)
    found = values.to_host(compute(values.to_device(seed)))
    assert found.dtype == values.device_dtype(dtype)
    if found.dtype == expected.dtype:
        np.testing.assert_array_equal(found, expected)
    else:
        np.testing.assert_allclose(found, expected, atol=6e-8, rtol=0)
        assert (found <= expected).all()


def test_few_numbers_of_a_known_seed_are_on_the_host() -> None:
    (few,) = chain("float32")(Run(), array((4,)), SEEDS[0])
    (many,) = chain("float32")(Run(), array((40,)), SEEDS[0])
    assert values.is_host(few)
    assert not values.is_host(many)
    np.testing.assert_array_equal(few, values.to_host(many)[:4])


@pytest.mark.skipif(BACKEND != "jax", reason="only JAX lacks 64-bit types at times")
def test_long_integers_from_narrow_arithmetic() -> None:
    words = philox.seeded(4, 5)
    random = primitives("random")
    for low, high in ((0, 10), (-7, 2**31 - 1), (-(2**31), 2**31 - 1)):
        found = random.uniform_int(words, (99,), "int64", np.asarray(low), np.asarray(high))
        assert found.dtype == "int32"
        np.testing.assert_array_equal(found, philox.uniform_int(words, (99,), "int64", low, high))


@pytest.mark.skipif(BACKEND != "jax", reason="only JAX lacks 64-bit types at times")
def test_key_of_one_narrow_number() -> None:
    import jax
    import jax.numpy as jnp

    key, counter = jnp.asarray([7], jnp.uint32), jnp.asarray([8, 9], jnp.uint32)
    found = jax.jit(lambda k, c: streams.stream(k, c, np.asarray(1)))(key, counter)
    np.testing.assert_array_equal(found, philox.stream(7, (8, 9)))
    np.testing.assert_array_equal(streams.stream(key, counter, np.asarray(1)), found)


@pytest.mark.parametrize("name", ["uniform", "normal", "truncated_normal", "full_int"])
def test_backend_agrees_with_numpy_on_many(name: str) -> None:
    dtype = "int32" if name == "full_int" else "float32"
    words = philox.stream(2**63 + 5, (2**64 - 3, 2**64 - 1))
    found = values.to_host(getattr(primitives("random"), name)(words, (20001,), dtype))
    expected = getattr(philox, name)(words, (20001,), dtype)
    np.testing.assert_allclose(
        found, expected, rtol=0, atol=0 if name in "uniform full_int" else 1e-6
    )


@pytest.mark.skipif(BACKEND != "torch", reason="what torch does on CUDA runs on its CPU as well")
@pytest.mark.parametrize("name", ["uniform", "normal"])
@pytest.mark.parametrize("counter", [(0, 2**50), (2**62 + 5, 7), (2**64 - 3, 2**64 - 1)])
def test_kernels_of_torch(name: str, counter: tuple[int, int]) -> None:
    words = philox.stream(2**63 + 5, counter)
    for shape in ((), (0,), (7, 3)):
        found = primitives("random").BY_KERNELS[name](words, shape)
        expected = getattr(philox, name)(words, shape, "float32")
        assert found.shape == shape
        np.testing.assert_allclose(values.to_host(found), expected, rtol=0, atol=1e-6)


def test_errors() -> None:
    shape = array((2,))
    with pytest.raises(ValueError, match="seed of shape"):
        streams.seeded(np.zeros(3, np.int32))
    with pytest.raises(ValueError, match="no shape"):
        streams.sizes(array((-1,)))
    with pytest.raises(ValueError, match="algorithm 2"):
        streams.stream(KEY, COUNTERS[0], np.asarray(2))
    with pytest.raises(ValueError, match="they must have shapes"):
        streams.stream(KEY[0], COUNTERS[0], np.asarray(1))
    with pytest.raises(ValueError, match="up to, but not including"):
        uniform_int(philox.seeded(1, 2), shape, "int32", np.asarray(3), np.asarray(3))
