"""Graphs made at random, with calls, branches and effects in order."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from anyhub.graph.function_def import function_def
from anyhub.graph.ir import ARGUMENT, Graph, Node, Ref, attr_value
from anyhub.graph.node_values import constant

INT64, RESOURCE, BOOL = 9, 20, 10
RESOURCES = ("r0", "r1")
ARGUMENTS = (*RESOURCES, "x", "y")
TYPES = (RESOURCE, RESOURCE, INT64, INT64)


def types_attr(*numbers: int) -> Any:
    return attr_value(list={"type": numbers})


def argument(name: str, dtype: int, index: int = 0) -> Node:
    return Node(name, ARGUMENT, attrs={"T": attr_value(type=dtype), "index": attr_value(i=index)})


@dataclass
class Body:
    """A function's body that grows; effects on a resource wait for each other as in TensorFlow."""

    rng: random.Random
    nodes: dict[str, Node] = field(default_factory=dict)
    values: list[Ref] = field(default_factory=list)
    last_write: dict[str, str] = field(default_factory=dict)
    reads: dict[str, list[str]] = field(default_factory=dict)
    stateful: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for index, (name, dtype) in enumerate(zip(ARGUMENTS, TYPES, strict=True)):
            self.nodes[name] = argument(name, dtype, index)
        self.values = [Ref("x"), Ref("y")]

    def add(self, op: str, *inputs: Ref, controls: tuple[str, ...] = (), **attrs: Any) -> str:
        name = f"{op.lower()}_{len(self.nodes)}"
        self.nodes[name] = Node(name, op, inputs, tuple(dict.fromkeys(controls)), attrs)
        return name

    def constant(self, value: int) -> Ref:
        name = f"const_{len(self.nodes)}"
        self.nodes[name] = constant(name, np.int64(value))
        return Ref(name)

    def pick(self) -> Ref:
        if self.rng.random() < 0.2:
            return self.constant(self.rng.randint(-5, 5))
        return self.rng.choice(self.values[-4:])

    def after(self, resources: tuple[str, ...], writes: bool) -> tuple[str, ...]:
        found = [self.last_write[r] for r in resources if r in self.last_write]
        if writes:
            found += [name for r in resources for name in self.reads.get(r, ())]
        return tuple(found)

    def touched(self, name: str, resources: tuple[str, ...], writes: bool) -> None:
        self.stateful.append(name)
        for resource in resources:
            if writes:
                self.last_write[resource] = name
                self.reads[resource] = []
            else:
                self.reads.setdefault(resource, []).append(name)

    def compute(self) -> None:
        op = self.rng.choice(["AddV2", "Mul", "Sub", "Maximum"])
        self.values.append(Ref(self.add(op, self.pick(), self.pick(), T=attr_value(type=INT64))))

    def read(self) -> None:
        resource = self.rng.choice(RESOURCES)
        dtype = attr_value(type=INT64)
        controls = self.after((resource,), False)
        name = self.add("ReadVariableOp", Ref(resource), controls=controls, dtype=dtype)
        self.touched(name, (resource,), False)
        self.values.append(Ref(name))

    def write(self) -> None:
        resource = self.rng.choice(RESOURCES)
        op = self.rng.choice(["AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp"])
        controls = self.after((resource,), True)
        name = self.add(
            op, Ref(resource), self.pick(), controls=controls, dtype=attr_value(type=INT64)
        )
        self.touched(name, (resource,), True)

    def log(self) -> None:
        name = self.add(
            "Assert", self.true(), self.pick(), controls=self.after(("log",), True),
            T=types_attr(INT64),
        )  # fmt: skip
        self.touched(name, ("log",), True)

    def true(self) -> Ref:
        name = f"const_{len(self.nodes)}"
        self.nodes[name] = constant(name, np.True_)
        return Ref(name)

    def condition(self) -> Ref:
        return Ref(self.add("Less", self.pick(), self.pick(), T=attr_value(type=INT64)))

    def call(self, op: str, functions: list[str], writes: bool) -> None:
        first, second = self.rng.sample(RESOURCES, 2)
        inputs = [Ref(first), Ref(second), self.pick(), self.pick()]
        everything = (*RESOURCES, "log")
        lists = {"Tin": types_attr(*TYPES), "Tout": types_attr(INT64, INT64)}
        names = [{"name": name} for name in functions]
        if op == "If":
            inputs.insert(0, self.condition())
            attrs = {"then_branch": attr_value(func=names[0]), **lists}
            attrs["else_branch"] = attr_value(func=names[1])
            attrs["Tcond"] = attr_value(type=BOOL)
        elif op == "call":
            op, attrs = functions[0], {}
        else:
            attrs = {"f": attr_value(func=names[0]), **lists}
        controls = self.after(everything, True) if writes else ()
        name = self.add(op, *inputs, controls=controls, **attrs)
        if writes:
            self.touched(name, everything, True)
        self.values += [Ref(name, 0), Ref(name, 1)]

    def graph(self, name: str) -> Graph:
        outputs = (self.values[-1], self.rng.choice(self.values))
        return Graph(name, self.nodes, ARGUMENTS, outputs, ("o0", "o1"), tuple(self.stateful))


def make_program(seed: int, *, writes: bool = True) -> tuple[Graph, dict[str, Any]]:
    """A graph that calls functions that call functions, and its library.

    Args:
        seed: Of the random choices.
        writes: Whether there are effects; if not, variables are only read.
    """
    rng = random.Random(seed)
    library: dict[str, Any] = {}
    names: list[str] = []
    for number in range(rng.randint(2, 6)):
        body = Body(rng)
        for _ in range(rng.randint(1, 7)):
            kind = rng.random()
            if kind < 0.25 and names:
                op = rng.choice(["StatefulPartitionedCall", "If", "call"])
                body.call(op, [rng.choice(names), rng.choice(names)], writes=True)
            elif kind < 0.5 or not writes:
                rng.choice([body.read, body.compute])()
            else:
                rng.choice([body.write, body.write, body.log])()
        graph = body.graph(f"f{number}")
        library[graph.name] = function_def(graph, (INT64, INT64), library)
        names.append(graph.name)
    return graph, library


def node(name: str, op: str, *inputs: str, **attrs: Any) -> Node:
    """A node from names: "x", "x:1", and "^x" for what it waits for."""
    refs = [text.partition(":") for text in inputs if text[0] != "^"]
    return Node(
        name,
        op,
        tuple(Ref(head, int(index or 0)) for head, _, index in refs),
        tuple(text[1:] for text in inputs if text[0] == "^"),
        {key: _attr(value) for key, value in attrs.items()},
    )


def _attr(value: Any) -> Any:
    match value:
        case bool():
            return attr_value(b=value)
        case int():
            return attr_value(i=value)
        case str():
            return attr_value(s=value.encode())
    return value


def dtype(number: int) -> Any:
    return attr_value(type=number)


def function(name: str) -> Any:
    return attr_value(func={"name": name})


def shape(*sizes: int) -> Any:
    return attr_value(shape={"dim": [{"size": size} for size in sizes]})


def make_graph(*nodes: Node, outputs: str = "", controls: str = "", name: str = "g") -> Graph:
    """A graph from nodes; outputs and controls are names with blanks between."""
    refs = [text.partition(":") for text in outputs.split()]
    return Graph(
        name,
        {node.name: node for node in nodes},
        tuple(node.name for node in nodes if node.op == ARGUMENT),
        tuple(Ref(head, int(index or 0)) for head, _, index in refs),
        tuple(f"o{i}" for i in range(len(refs))),
        tuple(controls.split()),
    )
