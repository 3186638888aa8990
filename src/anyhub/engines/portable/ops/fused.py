"""Functions that `fusion.py` finds in graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.registry import lower

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute

_fused = primitives("fused")


@lower("_LayerNormalization", host=(3,))
def layer_normalization(_: NodeView) -> Compute:
    compute = _fused.layer_normalization

    def run(x: Any, gamma: Any, beta: Any, epsilon: Any) -> Any:
        return compute(x, gamma, beta, float(epsilon))

    return run


@lower("_Swish")
def swish(_: NodeView) -> Compute:
    compute: Compute = _fused.swish
    return compute


@lower("_Gelu")
def gelu(_: NodeView) -> Compute:
    compute: Compute = _fused.gelu
    return compute
