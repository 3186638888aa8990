"""TensorFlow's generators (`tf.random.Generator`): their state is a variable.

It holds a counter of 128 bits and a key of 64 bits, in three 64-bit integers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from anyhub.engines.portable import philox, streams, values
from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.ops.random_stateless import NARROW, uniform_int
from anyhub.engines.portable.registry import lower_raw

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute, Factory
    from anyhub.engines.portable.run import Run
    from anyhub.engines.portable.variables import VariableHandle

_random = primitives("random")

_LIMITS = (
    "The state must have three elements. On JAX without 64-bit types it has the lower halves of "
    "them, and the numbers are others than TensorFlow's."
)


def _skip(run: Run, handle: VariableHandle, algorithm: Any, count: int) -> Any:
    """Move a generator on by the draws of so many numbers; its state before that."""
    streams.check_algorithm(algorithm)
    state = run.read(handle)
    if values.shape_of(state) != (3,):
        raise ValueError(
            f"variable {handle.name!r} of shape {values.shape_of(state)} is no state of a "
            "generator of type Philox; that has shape (3,)"
        )
    blocks = count * philox.WORDS_PER_NUMBER
    if values.is_traced(state):
        run.assign(handle, _random.skipped(state, blocks))
    else:
        # A copy: on torch a tensor of a variable changes with it.
        before = np.array(values.to_host(state))
        words = philox.skipped(_stream(before), blocks)
        key, low, high = words.view(np.uint64)
        new = np.asarray([low, high, key], np.uint64).view(np.int64)
        run.assign(handle, values.cast(values.to_device(new), before.dtype.name))
        return before
    return state


def _stream(state: Any) -> Any:
    if values.is_traced(state):
        return _random.stream_of_state(state)
    low, high, key = (int(number) for number in values.to_host(state))
    return philox.stream(key, (low, high))


@lower_raw("RngReadAndSkip", limits=_LIMITS)
def rng_read_and_skip(_: NodeView) -> Compute:
    return lambda run, handle, algorithm, delta: _skip(
        run, handle, algorithm, int(values.to_host(delta))
    )


@lower_raw("RngSkip", limits=_LIMITS)
def rng_skip(_: NodeView) -> Compute:
    def run(run: Run, handle: VariableHandle, algorithm: Any, delta: Any) -> None:
        _skip(run, handle, algorithm, int(values.to_host(delta)))

    return run


def _draw(name: str) -> Factory:
    def build(node: NodeView) -> Compute:
        dtype = node.dtype("dtype")

        def run(run: Run, handle: VariableHandle, algorithm: Any, shape: Any) -> Any:
            sizes = streams.sizes(shape)
            words = _stream(_skip(run, handle, algorithm, math.prod(sizes)))
            return streams.draw(name, words, sizes, dtype)

        return run

    return build


for _op, _name in {
    "StatefulUniform": "uniform",
    "StatefulStandardNormalV2": "normal",
    "StatefulTruncatedNormal": "truncated_normal",
    "StatefulUniformFullInt": "full_int",
}.items():
    lower_raw(_op, limits=f"{_LIMITS} {NARROW}")(_draw(_name))


@lower_raw("StatefulUniformInt", limits=f"{_LIMITS} {NARROW}")
def stateful_uniform_int(node: NodeView) -> Compute:
    dtype = node.dtype("dtype")

    def run(run: Run, handle: VariableHandle, *inputs: Any) -> Any:
        algorithm, shape, low, high = inputs
        count = math.prod(streams.sizes(shape))
        words = _stream(_skip(run, handle, algorithm, count))
        return uniform_int(words, shape, dtype, low, high)

    return run
