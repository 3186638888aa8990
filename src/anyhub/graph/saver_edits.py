"""Edits the part of a graph that saves and restores values, when values are dropped.

The restore op names every key, so a key that is gone from the files has to go from it too: its
name, slice and type, the output, and the ops that take the value to its variable. Likewise for the
save op.

Source: op definitions of RestoreV2 and SaveV2 (`tensorflow/core/ops/io_ops.cc`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyhub.savedmodel import schema
from anyhub.savedmodel.tensors import read_tensor, tensor_proto

if TYPE_CHECKING:
    from collections.abc import Sequence

# What a restored value passes on its way to the variable.
_PATH_OPS = frozenset({"Identity", "AssignVariableOp", "Assign"})
# Inputs before the tensors: prefix, names, slices.
_SAVE_OFFSET = 3


def drop_saved_keys(graph: Any, keys: set[str]) -> bool:
    """Remove keys from all save and restore ops of a metagraph.

    Args:
        graph: A MetaGraphDef message, changed in place.
        keys: Keys that are no longer in the checkpoint.

    Returns:
        Whether it could be done; if not, the message is as it was.
    """
    copy = schema.GraphDef()
    copy.CopyFrom(graph.graph_def)
    if _edit(copy.node, False, keys) is None:
        return False
    for function in copy.library.function:
        removed = _edit(function.node_def, True, keys)
        if removed is None:
            return False
        _drop_control_outputs(function, removed)
    graph.graph_def.CopyFrom(copy)
    return True


def _drop_control_outputs(function: Any, removed: set[str]) -> None:
    names = [name for name, node in function.control_ret.items() if node in removed]
    for name in names:
        del function.control_ret[name]
    kept = [name for name in function.signature.control_output if name not in names]
    if names:
        function.signature.control_output[:] = kept


def _edit(nodes: Any, in_function: bool, keys: set[str]) -> set[str] | None:
    """Edit one body; returns the names of the removed nodes, None if it cannot be done."""
    by_name = {node.name: node for node in nodes}
    removed: set[str] = set()
    for node in nodes:
        if node.op not in ("RestoreV2", "SaveV2"):
            continue
        names = _constant(by_name, node.input[1])
        slices = _constant(by_name, node.input[2])
        if names is None or slices is None:
            return None
        texts = [name.decode("utf-8", "replace") for name in names]
        kept = [index for index, text in enumerate(texts) if text not in keys]
        if len(kept) == len(texts):
            continue
        if node.op == "RestoreV2":
            gone = _paths_of(nodes, node.name, in_function, set(range(len(texts))) - set(kept))
            if gone is None:
                return None
            removed |= gone
            _renumber_outputs(nodes, node.name, in_function, kept)
        else:
            tensors = [node.input[_SAVE_OFFSET + index] for index in kept]
            rest = list(node.input[_SAVE_OFFSET + len(texts) :])
            node.input[_SAVE_OFFSET:] = [*tensors, *rest]
        dtypes = node.attr["dtypes"].list
        dtypes.type[:] = [dtypes.type[index] for index in kept]
        _set_constant(by_name, node.input[1], [names[index] for index in kept])
        _set_constant(by_name, node.input[2], [slices[index] for index in kept])
    if removed:
        _remove(nodes, removed)
    return removed


def _constant(by_name: Any, reference: str) -> list[bytes] | None:
    node = by_name.get(reference.partition(":")[0])
    if node is None or node.op != "Const":
        return None
    return list(read_tensor(node.attr["value"].tensor).ravel())


def _set_constant(by_name: Any, reference: str, values: Sequence[bytes]) -> None:
    node = by_name[reference.partition(":")[0]]
    node.attr["value"].tensor.CopyFrom(tensor_proto(_objects(values)))
    if "_output_shapes" in node.attr:
        del node.attr["_output_shapes"]


def _objects(values: Sequence[bytes]) -> Any:
    import numpy as np

    result = np.empty(len(values), dtype=object)
    result[:] = values
    return result


def _output(name: str, index: int, in_function: bool) -> set[str]:
    """How other nodes may refer to an output of a restore op."""
    if in_function:
        return {f"{name}:tensors:{index}"}
    return {f"{name}:{index}", name} if index == 0 else {f"{name}:{index}"}


def _paths_of(nodes: Any, name: str, in_function: bool, gone: set[int]) -> set[str] | None:
    """The ops that bring these outputs to their variables, None if something else takes them."""
    taken = set().union(*(_output(name, index, in_function) for index in gone))
    found: set[str] = set()
    grown = True
    while grown:
        grown = False
        for node in nodes:
            if node.name in found or not taken.intersection(node.input):
                continue
            if node.op not in _PATH_OPS:
                return None
            found.add(node.name)
            taken |= {node.name, f"{node.name}:0", f"{node.name}:output:0"}
            grown = True
    return found


def _renumber_outputs(nodes: Any, name: str, in_function: bool, kept: Sequence[int]) -> None:
    prefix = f"{name}:tensors:" if in_function else f"{name}:"
    renamed = {f"{prefix}{old}": f"{prefix}{new}" for new, old in enumerate(kept)}
    if not in_function and kept and kept[0] == 0:
        renamed[name] = name
    for node in nodes:
        for position, text in enumerate(node.input):
            if text in renamed:
                node.input[position] = renamed[text]


def _remove(nodes: Any, names: set[str]) -> None:
    kept = [node for node in nodes if node.name not in names]
    for node in kept:
        inputs = [text for text in node.input if not (text[:1] == "^" and text[1:] in names)]
        if len(inputs) != len(node.input):
            node.input[:] = inputs
    copies = [type(node).FromString(node.SerializeToString()) for node in kept]
    del nodes[:]
    nodes.extend(copies)
