"""Complex numbers and their parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.registry import lower

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute

_FUNCTIONS = primitives("complex").FUNCTIONS
_PARTS = {"complex64": "float32", "complex128": "float64"}


@lower("Angle", "ComplexAbs", "Imag", "Real")
def part(node: NodeView) -> Compute:
    source, target = node.dtype("T"), node.dtype("Tout")
    if _PARTS.get(source) != target:
        node.unsupported(f"{target} of {source}")
    found: Compute = _FUNCTIONS[node.op]
    return found


@lower("Complex")
def complex_(node: NodeView) -> Compute:
    source, target = node.dtype("T"), node.dtype("Tout")
    if _PARTS.get(target) != source:
        node.unsupported(f"{target} of {source}")
    found: Compute = _FUNCTIONS["Complex"]
    return found


@lower("Conj", limits="no lists of tensors (type variant)")
def conj(node: NodeView) -> Compute:
    if node.dtype("T") not in _PARTS:
        node.unsupported(f"type {node.dtype('T')}")
    found: Compute = _FUNCTIONS["Conj"]
    return found
