"""Where a string tensor comes from: the base of the rules about file names.

A rule follows a tensor backwards, through copies and through the arguments of functions to every
call of them, and allows it only if every way ends at a source that the rule accepts. What cannot
be followed is not allowed: names of nodes and of functions prove nothing.
"""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Any

from anyhub.graph.safety.strings import text_values

if TYPE_CHECKING:
    from anyhub.graph.safety.program import Program, Scope, Site
    from anyhub.graph.safety.roots import Roots

# Real models need about ten steps; the stack must survive hostile ones.
_MAX_STEPS = 50


class Exposure:
    """Who calls the functions of a program."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self.exposed = frozenset(_exposed_functions(program.metagraph))
        self._callers: dict[str, frozenset[str] | None] = {}

    def calls(self, function: str) -> list[Site] | None:
        """The calls of a function; None if it may get arguments in other ways too."""
        contents = self._program.contents
        if function in contents.references:
            return None
        return contents.calls.get(function, [])

    def runners(self, site: Site) -> frozenset[str] | None:
        """The nodes of the main graph that run a node.

        Returns:
            Their names, none if it stands in a function that nobody runs; None if it may be run
            in other ways too.
        """
        if site.scope.function is None:
            return frozenset({site.node.name})
        return self._main_nodes(site.scope, 0)

    def _main_nodes(self, scope: Scope, steps: int) -> frozenset[str] | None:
        if scope.function is None or scope.function in self.exposed or steps > _MAX_STEPS:
            return None
        if scope.function not in self._callers:
            self._callers[scope.function] = None  # the answer to calls in a circle
            self._callers[scope.function] = self._find_main_nodes(scope.function, steps)
        return self._callers[scope.function]

    def _find_main_nodes(self, function: str, steps: int) -> frozenset[str] | None:
        calls = self.calls(function)
        if calls is None:
            return None
        found: set[str] = set()
        for caller in calls:
            if caller.scope.function is None:
                found.add(caller.node.name)
                continue
            nodes = self._main_nodes(caller.scope, steps + 1)
            if nodes is None:
                return None
            found |= nodes
        return frozenset(found)


class SourceRule(abc.ABC):
    """Decides whether a string tensor can only come from accepted sources."""

    def __init__(self, program: Program, roots: Roots, exposure: Exposure) -> None:
        self.program = program
        self.roots = roots
        self.exposure = exposure
        self._verdicts: dict[tuple[str | None, str], bool] = {}

    @abc.abstractmethod
    def accepts_node(self, scope: Scope, node: Any, steps: int) -> bool:
        """Whether the first output of a node is accepted."""

    @abc.abstractmethod
    def accepts_capture(self, node_id: int) -> bool:
        """Whether an object of the object graph is accepted as a captured argument."""

    def allows(self, scope: Scope, tensor: str, steps: int = 0) -> bool:
        """Whether a tensor comes from accepted sources only.

        Args:
            scope: Where the tensor's consumer stands.
            tensor: The consumer's input, as the NodeDef writes it.
            steps: How far it was followed.
        """
        key = (scope.function, tensor)
        if key not in self._verdicts:
            self._verdicts[key] = False  # the answer to a circle
            self._verdicts[key] = steps <= _MAX_STEPS and self._follow(scope, tensor, steps + 1)
        return self._verdicts[key]

    def _follow(self, scope: Scope, tensor: str, steps: int) -> bool:
        name, _, output = tensor.partition(":")
        if name in scope.arguments and name not in scope.by_name:
            return not output and self._follow_argument(scope, scope.arguments[name], steps)
        if scope.function is None and name in self.roots.fed:
            return False
        node = scope.by_name.get(name)
        if node is None or not _is_first_output(scope, output):
            return False
        if node.op == "Identity" and node.input:
            return self.allows(scope, node.input[0], steps)
        return self.accepts_node(scope, node, steps)

    def _follow_argument(self, scope: Scope, position: int, steps: int) -> bool:
        function = scope.function or ""
        calls = self.exposure.calls(function)
        if calls is None:
            return False
        if function in self.exposure.exposed and not self._accepts_bound(scope, position):
            return False
        for call in calls:  # none for what is left over from another model: nobody runs that
            inputs = data_inputs(call.node)
            if position >= len(inputs) or not self.allows(call.scope, inputs[position], steps):
                return False
        return True

    def _accepts_bound(self, scope: Scope, position: int) -> bool:
        functions = self.program.metagraph.object_graph_def.concrete_functions
        if scope.function not in functions:
            return False
        bound = functions[scope.function].bound_inputs
        captured = position - (len(scope.arguments) - len(bound))
        fits = len(bound) <= len(scope.arguments)
        return fits and captured >= 0 and self.accepts_capture(bound[captured])


class FixedText(SourceRule):
    """Accepts constants whose every value is one of some texts."""

    def __init__(
        self, program: Program, roots: Roots, exposure: Exposure, texts: frozenset[bytes]
    ) -> None:
        super().__init__(program, roots, exposure)
        self._texts = texts

    def accepts_node(self, scope: Scope, node: Any, steps: int) -> bool:
        """See the base class."""
        del scope, steps
        return node.op == "Const" and self._accepts_constant(node)

    def accepts_capture(self, node_id: int) -> bool:
        """See the base class."""
        objects = self.program.metagraph.object_graph_def.nodes
        if not 0 <= node_id < len(objects) or objects[node_id].WhichOneof("kind") != "constant":
            return False
        node = self.program.main.by_name.get(objects[node_id].constant.operation)
        return node is not None and node.op == "Const" and self._accepts_constant(node)

    def _accepts_constant(self, node: Any) -> bool:
        values = text_values(node.attr["value"].tensor) if "value" in node.attr else None
        return values is not None and values <= self._texts


def data_inputs(node: Any) -> list[str]:
    """The inputs of a node without control inputs."""
    return [value for value in node.input if not value.startswith("^")]


def _is_first_output(scope: Scope, output: str) -> bool:
    # The main graph writes "node" or "node:0", a function writes "node:name_of_output:0".
    if scope.function is None:
        return output in {"", "0"}
    return output.endswith(":0")


def _exposed_functions(metagraph: Any) -> set[str]:
    """Functions that the user of a loaded model can call with arguments of their choice."""
    if metagraph is None:
        return set()
    graph = metagraph.object_graph_def
    names = set(graph.concrete_functions)
    for item in graph.nodes:
        names.update(item.function.concrete_functions)
        names.add(item.bare_concrete_function.concrete_function_name)
        names.add(item.captured_tensor.concrete_function)
    return names - {""}
