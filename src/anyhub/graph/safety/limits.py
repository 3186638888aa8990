"""Models that are made to exhaust memory: too many nodes, and tensors that are all size.

A few bytes can declare a constant of terabytes. The limits are far above what models need: the
largest of 107 real ones has 20,062 nodes in 432 functions, and a constant of 0.8 MB.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from anyhub.graph.safety.findings import Family, Finding
from anyhub.graph.safety.strings import element_count
from anyhub.graph.safety.tracing import data_inputs

if TYPE_CHECKING:
    from anyhub.graph.safety.program import Constant, Program, Scope, Site

MAX_NODES = 2_000_000
MAX_FUNCTIONS = 100_000
MAX_CONSTANT_BYTES = 1 << 28
"""A constant may declare more only if the file holds half of it."""
MAX_FILLED_ELEMENTS = 1 << 31

# Bytes that an element takes in memory, by the number of its type; 4 for all others. Strings and
# handles take at least the size of their object.
_ITEM_BYTES = {2: 8, 4: 1, 6: 1, 7: 24, 8: 8, 9: 8, 10: 1, 18: 16, 20: 64, 21: 64, 23: 8}

SHAPE_INPUTS = {
    "Fill": 0, "Empty": 0, "BroadcastTo": 1, "RandomUniform": 0, "RandomUniformInt": 0,
    "RandomStandardNormal": 0, "TruncatedNormal": 0, "StatelessRandomUniform": 0,
    "StatelessRandomNormal": 0, "StatelessTruncatedNormal": 0, "StatelessRandomUniformV2": 0,
    "StatelessRandomNormalV2": 0,
}  # fmt: skip


def limit_findings(program: Program) -> Iterator[Finding]:
    """Judge the size of a program."""
    nodes = sum(len(scope.nodes) for scope in program.scopes)
    functions = len(program.graph.library.function)
    if nodes > MAX_NODES or functions > MAX_FUNCTIONS:
        reason = (
            f"has {nodes} nodes and {functions} functions, "
            f"the limits are {MAX_NODES} and {MAX_FUNCTIONS}"
        )
        yield _finding(program, program.main, "GraphDef", "", reason)
    for constant in program.contents.constants:
        reason_or_none = _bomb(constant)
        if reason_or_none is not None:
            yield _finding(program, constant.scope, "Const", constant.holder, reason_or_none)
    for op, position in SHAPE_INPUTS.items():
        for site in program.contents.by_op.get(op, ()):
            elements = _filled_elements(site, position)
            if elements > MAX_FILLED_ELEMENTS:
                reason = f"makes {elements} elements, the limit is {MAX_FILLED_ELEMENTS}"
                yield _finding(program, site.scope, op, site.node.name, reason)


def _bomb(constant: Constant) -> str | None:
    tensor = constant.tensor
    declared = element_count(tensor) * _ITEM_BYTES.get(tensor.dtype % 100, 4)
    if declared <= MAX_CONSTANT_BYTES:
        return None
    held = tensor.ByteSize()
    if held * 2 >= declared:
        return None
    return f"declares {declared} bytes and holds {held}, the limit is {MAX_CONSTANT_BYTES}"


def _filled_elements(site: Site, position: int) -> int:
    inputs = data_inputs(site.node)
    if position >= len(inputs):
        return 0
    node = site.scope.by_name.get(inputs[position].partition(":")[0])
    if node is None or node.op != "Const" or "value" not in node.attr:
        return 0
    elements = 1
    for size in _integers(node.attr["value"].tensor):
        elements *= max(size, 0)
    return elements


def _integers(tensor: Any) -> list[int]:
    """The values of a shape."""
    count = min(element_count(tensor), 255)  # TensorFlow has no more dimensions than that
    if tensor.tensor_content:
        width = 8 if tensor.dtype == 9 else 4
        content = tensor.tensor_content
        starts = range(0, min(len(content), count * width), width)
        return [int.from_bytes(content[i : i + width], "little", signed=True) for i in starts]
    values = list(tensor.int64_val if tensor.dtype == 9 else tensor.int_val)[:count]
    return values + [values[-1]] * (count - len(values)) if values else []


def _finding(program: Program, scope: Scope, op: str, node: str, reason: str) -> Finding:
    return program.finding_in(scope, op, node, reason, Family.DENIAL_OF_SERVICE)
