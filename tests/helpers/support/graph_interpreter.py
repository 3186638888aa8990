"""Runs small graphs node by node, in any order that their edges allow: what is not said to wait
may come first, so a missing edge shows sooner or later."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from anyhub.graph.attributes import call_target
from anyhub.graph.const_ops import compute
from anyhub.graph.convert import read_function
from anyhub.graph.effects import has_effect
from anyhub.graph.ir import ARGUMENT, Graph, Node
from anyhub.graph.needed import reachable
from anyhub.savedmodel.tensors import read_tensor


class Machine:
    """Variables, a log of what was asserted, and the choice of order."""

    def __init__(self, library: dict[str, Any], variables: dict[str, int], seed: int = 0) -> None:
        self.library = library
        self.variables = {name: np.int64(value) for name, value in variables.items()}
        self.log: list[int] = []
        self._rng = random.Random(seed)

    def run(self, graph: Graph, inputs: list[Any], *, all_effects: bool = False) -> list[Any]:
        """Run a graph; inputs are values, or names of variables for their handles."""
        roots = [*(ref.node for ref in graph.outputs), *graph.controls]
        if all_effects:
            roots += [node.name for node in graph.nodes.values() if has_effect(node)]
        waiting = {name: set(graph.nodes[name].needs()) for name in reachable(graph, roots)}
        results = {name: [value] for name, value in zip(graph.inputs, inputs, strict=True)}
        while waiting:
            ready = sorted(name for name, needs in waiting.items() if not needs)
            name = self._rng.choice(ready)
            del waiting[name]
            for needs in waiting.values():
                needs.discard(name)
            node = graph.nodes[name]
            if node.op != ARGUMENT:
                results[name] = self._node(node, [results[r.node][r.index] for r in node.inputs])
        return [results[ref.node][ref.index] for ref in graph.outputs]

    def _node(self, node: Node, inputs: list[Any]) -> list[Any]:
        target = call_target(node, self.library)
        if target is not None:
            return self._call(target, inputs, node.op == target)
        if node.op == "If":
            branch = "then_branch" if inputs[0] else "else_branch"
            return self._call(node.attrs[branch].func.name, inputs[1:], False)
        if node.op == "Const":
            return [read_tensor(node.attrs["value"].tensor)]
        match node.op:
            case "NoOp":
                pass
            case "ReadVariableOp":
                return [self.variables[inputs[0]]]
            case "AssignVariableOp":
                self.variables[inputs[0]] = inputs[1]
            case "AssignAddVariableOp":
                self.variables[inputs[0]] = self.variables[inputs[0]] + inputs[1]
            case "AssignSubVariableOp":
                self.variables[inputs[0]] = self.variables[inputs[0]] - inputs[1]
            case "Assert":
                self.log.append(int(inputs[1]))
            case _:
                return compute(node, [np.asarray(value) for value in inputs])
        return []

    def _call(self, name: str, inputs: list[Any], all_effects: bool) -> list[Any]:
        body = read_function(self.library[name], self.library)
        return self.run(body, inputs, all_effects=all_effects)
