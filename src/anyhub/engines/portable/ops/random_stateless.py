"""Random numbers that a seed determines: the same as TensorFlow's CPU kernels draw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable import streams, values
from anyhub.engines.portable.registry import lower_raw

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute, Factory

_FLOATS = {
    "StatelessRandomUniform": "uniform",
    "StatelessRandomNormal": "normal",
    "StatelessTruncatedNormal": "truncated_normal",
    "StatelessRandomUniformFullInt": "full_int",
}
NARROW = (
    "On JAX without 64-bit types results of 64 bits keep what 32 bits hold: of a float its upper "
    "bits, of an integer its lower ones."
)


def _from_seed(name: str) -> Factory:
    def build(node: NodeView) -> Compute:
        dtype = node.dtype("dtype")
        return lambda _run, shape, seed: streams.draw(
            name, streams.seeded(seed), streams.sizes(shape), dtype
        )

    return build


def _from_key(name: str) -> Factory:
    def build(node: NodeView) -> Compute:
        dtype = node.dtype("dtype")

        def run(_run: Any, shape: Any, key: Any, counter: Any, algorithm: Any) -> Any:
            words = streams.stream(key, counter, algorithm)
            return streams.draw(name, words, streams.sizes(shape), dtype)

        return run

    return build


for _op, _name in _FLOATS.items():
    lower_raw(_op, limits=NARROW)(_from_seed(_name))
    lower_raw(f"{_op}V2", limits=NARROW)(_from_key(_name))


@lower_raw("StatelessRandomUniformInt", limits=NARROW)
def stateless_random_uniform_int(node: NodeView) -> Compute:
    dtype = node.dtype("dtype")

    def run(_run: Any, shape: Any, seed: Any, low: Any, high: Any) -> Any:
        return uniform_int(streams.seeded(seed), shape, dtype, low, high)

    return run


@lower_raw("StatelessRandomUniformIntV2", limits=NARROW)
def stateless_random_uniform_int_v2(node: NodeView) -> Compute:
    dtype = node.dtype("dtype")

    def run(_run: Any, shape: Any, *inputs: Any) -> Any:
        key, counter, algorithm, low, high = inputs
        return uniform_int(streams.stream(key, counter, algorithm), shape, dtype, low, high)

    return run


def uniform_int(words: Any, shape: Any, dtype: str, low: Any, high: Any) -> Any:
    """Integers from low up to, but not including, high.

    Raises:
        ValueError: There are none.
    """
    if values.is_host(low) and values.is_host(high) and low >= high:
        raise ValueError(f"random integers from {low} up to, but not including, {high}")
    return streams.draw("uniform_int", words, streams.sizes(shape), dtype, low, high)


@lower_raw("StatelessRandomGetKeyCounter")
def stateless_random_get_key_counter(_: NodeView) -> Compute:
    return lambda _run, seed: streams.key_and_counter(streams.seeded(seed))


@lower_raw("StatelessRandomGetKeyCounterAlg")
def stateless_random_get_key_counter_alg(_: NodeView) -> Compute:
    algorithm = np.asarray(streams.PHILOX, np.int32)
    return lambda _run, seed: (*streams.key_and_counter(streams.seeded(seed)), algorithm)


@lower_raw("StatelessRandomGetAlg")
def stateless_random_get_alg(_: NodeView) -> Compute:
    algorithm = np.asarray(streams.PHILOX, np.int32)
    return lambda _run: algorithm


@lower_raw("StatelessShuffle")
def stateless_shuffle(_: NodeView) -> Compute:
    def run(_run: Any, value: Any, key: Any, counter: Any, algorithm: Any) -> Any:
        words = streams.stream(key, counter, algorithm)
        shape = values.shape_of(value)
        return permuted(value, streams.permutation(words, shape[0])) if shape else value

    return run


def permuted(value: Any, order: Any) -> Any:
    """A value's rows in another order, on the host where both are there."""
    if values.is_host(value) and values.is_host(order):
        return value[order]
    return K.take(values.to_device(value), values.to_device(order), axis=0)


@lower_raw(
    "StatelessMultinomial",
    limits="TensorFlow's draws from large batches depend on the number of its threads; these are "
    "those of one thread. On JAX without 64-bit types sums have 32 bits.",
)
def stateless_multinomial(node: NodeView) -> Compute:
    dtype = node.dtype("output_dtype")

    def run(_run: Any, logits: Any, count: Any, seed: Any) -> Any:
        return multinomial(streams.seeded(seed), logits, int(values.to_host(count)), dtype)

    return run


def multinomial(words: Any, logits: Any, count: int, dtype: str) -> Any:
    """Draw classes, that many for each row of unnormalized logarithms of probabilities.

    Raises:
        ValueError: The logits are no matrix, or there are no classes.
    """
    shape = values.shape_of(logits)
    if len(shape) != 2 or shape[1] == 0:
        raise ValueError(f"logits of shape {shape}; they must have two dimensions, and classes")
    if 0 in (shape[0], count):
        return values.to_device(np.zeros((shape[0], count), dtype))
    logits = values.cast(values.to_device(logits), "float64")
    is_finite = K.isfinite(logits)
    top = K.max(K.where(is_finite, logits, -np.inf), axis=1, keepdims=True)
    total = K.cumsum(K.where(is_finite, K.exp(logits - top), 0.0), axis=1)
    drawn = values.to_device(streams.draw("uniform", words, (shape[0], count), "float64"))
    wanted = values.cast(drawn, "float64") * total[:, -1:]
    is_below = total[:, None, :] <= wanted[:, :, None]
    return values.cast(K.sum(values.cast(is_below, "int32"), axis=2), dtype)
