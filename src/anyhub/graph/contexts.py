"""Under which conditions the nodes of a TF1 graph run.

TF1's control flow sends a value to one output of a Switch and something dead to the other; what
takes or waits for something dead is dead as well, up to a Merge. Between Enter and Exit nodes run
once for each round of a loop. Passes have to know which control edges carry that.

Source: the white paper "Implementation of Control Flow in TensorFlow" (2017).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from anyhub.graph.ir import Graph, Node, Ref, topological_order

if TYPE_CHECKING:
    from collections.abc import Mapping

Condition: TypeAlias = tuple[str, str, int]
Context: TypeAlias = frozenset[Condition]

_SWITCHES = ("Switch", "RefSwitch", "_SwitchN")
_ENTERS = ("Enter", "RefEnter")
_EXITS = ("Exit", "RefExit")
_MERGES = ("Merge", "RefMerge")
_BACK_EDGES = ("NextIteration", "RefNextIteration")


def contexts(graph: Graph) -> Mapping[str, Context]:
    """Find what has to be so for each node to run: branches taken and loops entered.

    Returns:
        For each node a set, empty if it always runs, and once. Conditions are
        ("branch", "predicate:0", output of the Switch) and ("loop", name of the frame, 0).

    Raises:
        SavedModelError: The graph has a cycle that is no loop of TF1.
    """
    found: dict[str, Context] = {}
    outside: dict[Condition, Context] = {}
    for name in topological_order(graph):
        node = graph.nodes[name]
        around = [_of_output(graph, found, ref) for ref in node.inputs if ref.node in found]
        around += [found[control] for control in node.controls if control in found]
        if node.op in _MERGES:
            entering = [
                _of_output(graph, found, ref)
                for ref in node.inputs
                if graph.nodes[ref.node].op not in _BACK_EDGES
            ]
            found[name] = frozenset.intersection(*entering) if entering else frozenset()
            continue
        context: Context = frozenset().union(*around)
        if node.op in _ENTERS:
            loop = ("loop", _frame(node), 0)
            outside[loop] = outside.get(loop, frozenset()) | (context - {loop})
            context |= {loop}
        elif node.op in _EXITS:
            context = _left(context, outside)
        found[name] = context
    return found


def _of_output(graph: Graph, found: Mapping[str, Context], ref: Ref) -> Context:
    node = graph.nodes[ref.node]
    context = found.get(ref.node, frozenset())
    if node.op in _SWITCHES and len(node.inputs) > 1:
        return context | {("branch", str(node.inputs[1]), ref.index)}
    return context


def _left(context: Context, outside: Mapping[Condition, Context]) -> Context:
    """What holds after the innermost loop."""
    loops = [condition for condition in context if condition in outside]
    if not loops:
        return context
    return max((outside[loop] for loop in loops), key=len)


def _frame(node: Node) -> str:
    value = node.attr("frame_name")
    return "" if value is None else value.s.decode("utf-8", "replace")
