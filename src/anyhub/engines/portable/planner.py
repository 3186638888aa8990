"""From a graph to a plan: each node to its lowering, constants ahead, all missing ops at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from anyhub.engines.portable import ops as _ops  # noqa: F401 - registers the lowerings
from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.constants import Constants
from anyhub.engines.portable.errors import UnsupportedNodeError
from anyhub.engines.portable.fusion import fuse
from anyhub.engines.portable.node_view import NodeView
from anyhub.engines.portable.plan import Plan, Step
from anyhub.engines.portable.recurrence_finding import find_recurrence
from anyhub.engines.portable.registry import RAW, find
from anyhub.engines.portable.steps import bind, is_supported
from anyhub.errors import EngineError
from anyhub.graph.const_ops import EVALUATORS, evaluate
from anyhub.graph.convert import output_arguments, read_function
from anyhub.graph.effects import is_stateful
from anyhub.graph.inline import inline
from anyhub.graph.input_counts import check_inputs
from anyhub.graph.instantiate import instantiate
from anyhub.graph.ir import ARGUMENT, Graph, Node, Ref, output_count, topological_order
from anyhub.graph.op_defs import Argument
from anyhub.graph.prune import prune
from anyhub.savedmodel.tensors import read_tensor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anyhub.engines.portable.gradients import CustomGradients
    from anyhub.graph.const_call import Array

_fused = primitives("fused")
# An op that `fusion` made has one output.
_UNKNOWN_OUTPUT = (Argument("output"),)
# Slot 0 holds the run; what nobody takes goes to slot 1.
_RUN, _NOWHERE = 0, 1


class Planner:
    """Plans the graphs of a model; a function is planned once.

    Args:
        library: The model's functions, FunctionDef messages by name.
        gradients: The model's custom gradients, None for none.
    """

    def __init__(
        self, library: Mapping[str, Any], gradients: CustomGradients | None = None
    ) -> None:
        self.library = library
        self.gradients = gradients
        self.constants = Constants()
        self._functions: dict[bytes, Plan] = {}
        self._problems: dict[str, list[str]] = {}

    def plan(self, graph: Graph) -> Plan:
        """Plan a graph whose calls are inlined.

        Raises:
            EngineError: Ops are missing, or nodes have attributes that are not supported; all
                of them are named.
            SavedModelError: The graph is damaged.
        """
        self._problems = {}
        plan = _GraphPlanner(self, self._joined(graph)).plan()
        if self._problems:
            raise EngineError(_problem_text(graph.name, self._problems))
        return plan

    def function(self, message: Any) -> Plan:
        """Plan a function that a node names.

        Args:
            message: The attribute's NameAttrList.
        """
        key = message.SerializeToString(deterministic=True)
        if key not in self._functions:
            self._functions[key] = self._plan_function(self._body(message))
        return self._functions[key]

    def _plan_function(self, graph: Graph) -> Plan:
        plan = _GraphPlanner(self, graph).plan()
        if not _fused.IS_WORTH_IT:
            return plan
        found = find_recurrence(graph, lambda part: _GraphPlanner(self, part).plan())
        return replace(plan, recurrence=found)

    def _body(self, message: Any) -> Graph:
        if message.name not in self.library:
            raise EngineError(f"function {message.name!r} is not in the model's library")
        proto = instantiate(self.library[message.name], dict(message.attr))
        return self._joined(prune(inline(read_function(proto, self.library), self.library)))

    def _joined(self, graph: Graph) -> Graph:
        return fuse(graph, self.gradients) if _fused.IS_WORTH_IT else graph

    def report(self, problem: str, node: str) -> None:
        """Remember what cannot be planned, to tell all of it."""
        self._problems.setdefault(problem, []).append(node)


class _GraphPlanner:
    def __init__(self, planner: Planner, graph: Graph) -> None:
        self._planner = planner
        self._graph = graph
        self._slots: list[Any] = [None, None]
        self._places: dict[Ref, int] = {}
        self._known: dict[int, Array] = {}
        self._steps: list[Step] = []

    def plan(self) -> Plan:
        graph = self._graph
        for name in graph.inputs:
            self._places[Ref(name)] = self._new_slot()
        for name in topological_order(graph):
            node = graph.nodes[name]
            if node.op == "Const":
                self._keep(Ref(name), read_tensor(node.attrs["value"].tensor))
            elif node.op == "Identity":
                self._places[Ref(name)] = self._places.get(node.inputs[0], _NOWHERE)
            elif node.op != ARGUMENT:
                self._add(node)
        inputs = tuple(self._places[Ref(name)] for name in graph.inputs)
        outputs = tuple(self._places.get(ref, _NOWHERE) for ref in graph.outputs)
        steps = _with_deaths(self._steps, {*outputs, *self._known})
        return Plan(graph.name, tuple(self._slots), steps, inputs, outputs)

    def _new_slot(self, value: Any = None) -> int:
        self._slots.append(value)
        return len(self._slots) - 1

    def _keep(self, ref: Ref, value: Array) -> None:
        self._planner.constants.add(value)
        slot = self._new_slot(value)
        self._places[ref] = slot
        self._known[slot] = value

    def _add(self, node: Node) -> None:
        check_inputs(node)
        sources = tuple(self._places.get(ref, _NOWHERE) for ref in node.inputs)
        if self._fold(node, sources):
            return
        arguments = output_arguments(node.op, self._planner.library) or _UNKNOWN_OUTPUT
        count = sum(n for _, n in output_count(node, arguments))
        places = tuple(self._new_slot() for _ in range(count))
        self._places |= {Ref(node.name, i): slot for i, slot in enumerate(places)}
        if not is_supported(node.op):
            self._planner.report(node.op, node.name)
            return
        is_single = len(arguments) == 1 and count == 1 and not _is_list(arguments[0])
        try:
            view = NodeView(node, self._planner.function, self._planner.gradients)
            compute = bind(view, self._planner.constants, is_single)
        except UnsupportedNodeError as error:
            self._planner.report(str(error), node.name)
            return
        if find(node.op, RAW) is not None:
            sources = (_RUN, *sources)
        target = places[0] if is_single else places or _NOWHERE
        self._steps.append(Step(compute, sources, target, (), node.name, node.op))

    def _fold(self, node: Node, sources: tuple[int, ...]) -> bool:
        """Compute a node ahead if that can be done on the host."""
        is_open = node.op not in EVALUATORS or any(slot not in self._known for slot in sources)
        if is_open or is_stateful(node):
            return False
        results = evaluate(node, [self._known[slot] for slot in sources])
        if results is None:
            return False
        for index, value in enumerate(results):
            self._keep(Ref(node.name, index), value)
        return True


def _is_list(argument: Any) -> bool:
    return bool(argument.number_attr or argument.type_list_attr)


def _with_deaths(steps: list[Step], kept: set[int]) -> tuple[Step, ...]:
    """Note with each step which slots nobody reads later."""
    seen = {_RUN, _NOWHERE, *kept}
    found = []
    for step in reversed(steps):
        touched = {*step.sources, *(step.target if isinstance(step.target, tuple) else ())}
        found.append(step._replace(dead=tuple(sorted(touched - seen))))
        seen |= touched
    return tuple(reversed(found))


def _problem_text(name: str, problems: Mapping[str, list[str]]) -> str:
    missing = sorted(problem for problem in problems if " " not in problem)
    other = sorted(problem for problem in problems if " " in problem)
    lines = [f"engine 'portable' cannot run {name!r}"]
    if missing:
        lines.append(f"ops that it lacks: {', '.join(missing)}")
    lines += other
    lines.append("use engine='tensorflow', which has all ops, or another endpoint of the model")
    return "; ".join(lines)
