"""What a run costs beside the backend: a plan of ops that do nothing. Prints a line of JSON."""

from __future__ import annotations

import dataclasses
import json
import time
from typing import Any

import keras
import numpy as np

from anyhub.engines.portable import registry
from anyhub.engines.portable.planner import Planner
from anyhub.engines.portable.run import Run
from anyhub.graph.ir import ARGUMENT, Graph, Node, Ref, attr_value
from anyhub.graph.node_values import constant

COUNT = 2000
FLOAT = {"T": attr_value(type=1)}


def main() -> None:
    """Time the plan."""
    for op in ("AddV2", "Neg"):
        known = registry._LOWERINGS["device"][op]
        idle = dataclasses.replace(known, build=lambda _node: lambda x, *_: x)
        registry._LOWERINGS["device"][op] = idle
    plan, x = Planner({}).plan(_chain()), keras.ops.ones((2,))
    best = min(_time(plan, x) for _ in range(20))
    print(json.dumps({"microseconds": best / (2 * COUNT) * 1e6}))


def _chain() -> Graph:
    """An addition of a constant and a function of one input, in turn."""
    nodes = {"x": Node("x", ARGUMENT, attrs=FLOAT), "c": constant("c", np.ones(2, np.float32))}
    last = "x"
    for number in range(COUNT):
        nodes[f"a{number}"] = Node(f"a{number}", "AddV2", (Ref(last), Ref("c")), attrs=FLOAT)
        last = f"n{number}"
        nodes[last] = Node(last, "Neg", (Ref(f"a{number}"),), attrs=FLOAT)
    return Graph("chain", nodes, ("x",), (Ref(last),), ("y",))


def _time(plan: Any, x: Any) -> float:
    started = time.perf_counter()
    plan(Run(), x)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
