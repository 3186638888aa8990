"""Random numbers that differ from call to call."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Any

import numpy as np

from anyhub.engines.portable import philox, streams, values
from anyhub.engines.portable.ops.random_stateless import multinomial, permuted, uniform_int
from anyhub.engines.portable.registry import lower_raw

if TYPE_CHECKING:
    from collections.abc import Callable

    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute, Factory
    from anyhub.engines.portable.run import Run

_OTHER = (
    "The distribution is TensorFlow's, the numbers are not: they depend on the model's seed "
    "variable, the node, and how many draws came before."
)


def _source(node: NodeView, first: str = "seed", second: str = "seed2") -> Callable[[Run], Any]:
    """What gives the streams of a node's draws."""
    text = f"{node.integer(first)} {node.integer(second)} {node.node.name}"
    digest = hashlib.sha256(text.encode()).digest()
    own = np.zeros(6, np.uint32)
    own[:2] = np.frombuffer(digest[:8], np.uint32)
    return lambda run: streams.combined(_next_stream(run), own)


def _next_stream(run: Run) -> Any:
    if run.seed is None:
        return philox.seeded(secrets.randbits(63), 0)
    seed = run.read(run.seed)
    if values.is_traced(seed):
        run.assign(run.seed, seed + values.to_device(np.asarray([0, 1], np.int32)))
    else:
        seed = values.to_host(seed)
        run.assign(run.seed, values.to_device(seed + np.asarray([0, 1], np.int32)))
    return streams.seeded(seed)


def _floats(name: str) -> Factory:
    def build(node: NodeView) -> Compute:
        dtype, source = node.dtype("dtype"), _source(node)
        return lambda run, shape: streams.draw(name, source(run), streams.sizes(shape), dtype)

    return build


for _op, _name in {
    "RandomUniform": "uniform",
    "RandomStandardNormal": "normal",
    "TruncatedNormal": "truncated_normal",
}.items():
    lower_raw(_op, limits=_OTHER)(_floats(_name))


@lower_raw("RandomUniformInt", limits=_OTHER)
def random_uniform_int(node: NodeView) -> Compute:
    dtype, source = node.dtype("Tout"), _source(node)
    return lambda run, shape, low, high: uniform_int(source(run), shape, dtype, low, high)


@lower_raw("RandomShuffle", limits=_OTHER)
def random_shuffle(node: NodeView) -> Compute:
    source = _source(node)

    def run(run: Run, value: Any) -> Any:
        shape = values.shape_of(value)
        return permuted(value, streams.order(source(run), shape[0])) if shape else value

    return run


@lower_raw("Multinomial", limits=_OTHER)
def multinomial_(node: NodeView) -> Compute:
    dtype, source = node.dtype("output_dtype"), _source(node)
    return lambda run, logits, count: multinomial(
        source(run), logits, int(values.to_host(count)), dtype
    )


@lower_raw("NonDeterministicInts", limits=_OTHER)
def non_deterministic_ints(node: NodeView) -> Compute:
    dtype = node.dtype("dtype")
    if dtype not in ("int32", "int64", "uint32", "uint64"):
        node.unsupported(f"element type {dtype!r}")
    return lambda run, shape: streams.draw(
        "full_int", _next_stream(run), streams.sizes(shape), dtype
    )
