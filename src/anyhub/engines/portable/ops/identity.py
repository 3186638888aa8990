"""Ops that hand on what they get, or as many zeros and ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable import values
from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.registry import lower, lower_host, lower_raw

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute

_FUNCTIONS = primitives("elementwise").FUNCTIONS


# What the debugger's ops say about themselves is for its log.
@lower_raw(
    "Identity", "Snapshot", "GuaranteeConst", "DebugIdentity", "DebugIdentityV2",
    "DebugIdentityV3",
)  # fmt: skip
def identity(_: NodeView) -> Compute:
    return lambda _run, value: value


@lower_raw("PreventGradient", limits="derivatives pass, where TensorFlow raises an error")
def prevent_gradient(_: NodeView) -> Compute:
    return lambda _run, value: value


@lower_raw("StopGradient")
def stop_gradient(_: NodeView) -> Compute:
    def run(_run: Any, value: Any) -> Any:
        return K.stop_gradient(value) if K.is_tensor(value) else value

    return run


@lower_raw("DisableCopyOnRead")
def disable_copy_on_read(_: NodeView) -> Compute:
    # Values of variables are never written to in place here.
    return lambda _run, _handle: None


@lower_host("ZerosLike")
def zeros_like_on_host(node: NodeView) -> Compute:
    return _filled(node, b"", 0)


@lower_host("OnesLike")
def ones_like_on_host(node: NodeView) -> Compute:
    return _filled(node, b"", 1)


def _filled(node: NodeView, text: bytes, number: int) -> Compute:
    fill = text if node.dtype("T") == "string" else number
    return lambda x: np.full(x.shape, fill, x.dtype)


@lower("ZerosLike", limits="no lists of tensors (type variant)")
def zeros_like(node: NodeView) -> Compute:
    if node.dtype("T") == "variant":
        node.unsupported("type variant")
    function: Compute = _FUNCTIONS["ZerosLike"]
    return function


@lower("OnesLike")
def ones_like(_: NodeView) -> Compute:
    function: Compute = _FUNCTIONS["OnesLike"]
    return function


@lower("CheckNumerics", limits="compiled code lets NaN and infinity pass")
def check_numerics(node: NodeView) -> Compute:
    message = node.text("message")

    def run(x: Any) -> Any:
        is_fine = K.all(K.isfinite(x))
        if not values.is_traced(is_fine) and not values.to_host(is_fine):
            raise ValueError(f"{message} : Tensor had {_oddities(values.to_host(x))} values")
        return x

    return run


@lower("CheckNumericsV2", limits="compiled code lets NaN and infinity pass")
def check_numerics_v2(node: NodeView) -> Compute:
    return check_numerics(node)


def _oddities(x: Any) -> str:
    x = x.astype(np.float64)
    found = {"-Inf": x == -np.inf, "+Inf": x == np.inf, "NaN": np.isnan(x)}
    return ", ".join(name for name, where in found.items() if where.any())
