"""Reads off a TF2 model's saver which variable of the main graph holds which value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyhub.savedmodel.tensors import read_tensor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anyhub.savedmodel.model import MetaGraph

_CALLS = ("StatefulPartitionedCall", "PartitionedCall")


def restored_handles(graph: MetaGraph) -> Mapping[str, str]:
    """For each checkpoint key, the tensor of the main graph that is the variable's handle."""
    call = graph.nodes.get(graph.proto.saver_def.restore_op_name)
    if call is None or call.op not in _CALLS:
        return {}
    function = graph.functions.get(call.attr["f"].func.name)
    if function is None:
        return {}
    data = [text for text in call.input if text[:1] != "^"]
    arguments = [arg.name for arg in function.signature.input_arg]
    passed = dict(zip(arguments, data, strict=False))
    nodes = {node.name: node for node in function.node_def}
    found = {}
    for node in function.node_def:
        if node.op == "AssignVariableOp" and node.input[0] in passed:
            key = _restored_key(nodes, node.input[1])
            if key is not None:
                found[key] = passed[node.input[0]]
    return found


def _restored_key(nodes: Mapping[str, Any], reference: str) -> str | None:
    """The key whose value a tensor is, followed back through Identity to RestoreV2."""
    for _ in range(len(nodes)):
        name, _, output = reference.partition(":")
        node = nodes.get(name)
        if node is None or not node.input:
            return None
        if node.op == "RestoreV2":
            return _name_of(nodes, node, output)
        if node.op != "Identity":
            return None
        reference = node.input[0]
    return None


def _name_of(nodes: Mapping[str, Any], node: Any, output: str) -> str | None:
    names = nodes.get(node.input[1].partition(":")[0])
    index = output.rpartition(":")[2]
    if names is None or names.op != "Const" or not index.isdecimal():
        return None
    values = read_tensor(names.attr["value"].tensor).ravel()
    return values[int(index)].decode("utf-8", "replace") if int(index) < len(values) else None
