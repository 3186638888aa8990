"""How many inputs nodes have to have: a damaged graph has nodes with others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyhub.errors import SavedModelError
from anyhub.graph.ir import output_count
from anyhub.graph.op_defs import find_op

if TYPE_CHECKING:
    from anyhub.graph.ir import Node
    from anyhub.graph.op_defs import OpDef

# The engine hands to nodes with this attribute what their gradient's function captures.
_CUSTOM_GRADIENT = "_gradient_op_type"


def check_inputs(node: Node) -> None:
    """Compare a node's inputs with what its op takes, where the op is known.

    Raises:
        SavedModelError: There are more of them, or fewer.
    """
    op = find_op(node.op)
    if op is None or not _is_counted(node, op):
        return
    wanted = sum(count for _, count in output_count(node, op.inputs))
    if len(node.inputs) != wanted:
        names = ", ".join(argument.name for argument in op.inputs) or "none"
        raise SavedModelError(
            f"node {node.name!r} (op {node.op!r}) has {len(node.inputs)} inputs, expected {wanted}"
            f" ({names}); the graph is damaged"
        )


def _is_counted(node: Node, op: OpDef) -> bool:
    counts = {argument.number_attr or argument.type_list_attr for argument in op.inputs} - {""}
    return _CUSTOM_GRADIENT not in node.attrs and counts <= set(node.attrs)
