"""A graph with its functions, and what one walk over its nodes collects.

Every rule reads from these collections, so a large model is walked once.

Source: `tensorflow/core/framework/{graph,function,node_def,attr_value}.proto`. A node runs a
function by an attribute that holds it, or by bearing the function's name as its op.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from anyhub.graph.safety.findings import Family, Finding

_CALL_OPS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
# Kinds of attribute values that hold neither strings nor functions.
_PLAIN_KINDS = frozenset({"type", "shape", "i", "b", "f", "placeholder", None})


@dataclass(frozen=True, eq=False)
class Scope:
    """The nodes of the main graph or of one function.

    Attributes:
        function: The function's name, None for the main graph.
        nodes: NodeDef messages.
        definition: The FunctionDef message, None for the main graph.
    """

    function: str | None
    nodes: Any
    definition: Any = None

    @cached_property
    def by_name(self) -> Mapping[str, Any]:
        """Nodes by name; a name that two nodes share is left out, as it proves nothing."""
        found: dict[str, Any] = {}
        for node in self.nodes:
            found[node.name] = None if node.name in found else node
        return {name: node for name, node in found.items() if node is not None}

    @cached_property
    def arguments(self) -> Mapping[str, int]:
        """Positions of the function's arguments by name; empty if one of them is a list."""
        arguments = self.definition.signature.input_arg if self.definition is not None else ()
        if any(argument.number_attr or argument.type_list_attr for argument in arguments):
            return {}
        return {argument.name: position for position, argument in enumerate(arguments)}


class Site(NamedTuple):
    """A node and the scope that it stands in."""

    scope: Scope
    node: Any


class Text(NamedTuple):
    """A string inside a model.

    Attributes:
        scope: Where it stands.
        holder: The name of the node, or of the function whose own attribute it is.
        attribute: The attribute that holds it.
        value: The string.
    """

    scope: Scope
    holder: str
    attribute: str
    value: bytes


class Constant(NamedTuple):
    """A tensor inside an attribute of a node."""

    scope: Scope
    holder: str
    attribute: str
    tensor: Any


@dataclass(frozen=True)
class Contents:
    """What the nodes of a program hold.

    Attributes:
        by_op: The nodes of each op that is not plain.
        calls: The nodes that do nothing but call a function, by the function's name.
        references: Every other mention of a function: from here it may get any argument.
        edges: The functions that each scope mentions, once a mention.
        texts: String attributes.
        constants: Tensor attributes.
        shared_names: Scopes where two nodes share a name, and the name.
    """

    by_op: dict[str, list[Site]] = field(default_factory=lambda: defaultdict(list))
    calls: dict[str, list[Site]] = field(default_factory=lambda: defaultdict(list))
    references: set[str] = field(default_factory=set)
    edges: dict[str | None, list[str]] = field(default_factory=lambda: defaultdict(list))
    texts: list[Text] = field(default_factory=list)
    constants: list[Constant] = field(default_factory=list)
    shared_names: list[tuple[Scope, str]] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Program:
    """A graph and its function library.

    Attributes:
        graph: The GraphDef message.
        name: What it is, e.g. "variant ['serve']".
        metagraph: The MetaGraphDef message around it, None for a graph inside a string.
        asset_files: The model's own asset files, relative to its `assets` directory.
        plain_ops: Ops that no rule looks at: their nodes are not collected.
        nesting: How many strings it is wrapped into.
    """

    graph: Any
    name: str
    metagraph: Any = None
    asset_files: frozenset[str] = frozenset()
    plain_ops: frozenset[str] = frozenset()
    nesting: int = 0

    @cached_property
    def scopes(self) -> tuple[Scope, ...]:
        """The main graph, then every function, also those that share a name."""
        library = self.graph.library.function
        functions = (Scope(f.signature.name, f.node_def, f) for f in library)
        return (Scope(None, self.graph.node), *functions)

    @property
    def main(self) -> Scope:
        """The main graph."""
        return self.scopes[0]

    @cached_property
    def functions(self) -> Mapping[str, Scope]:
        """The functions by name."""
        return {scope.function: scope for scope in self.scopes if scope.function is not None}

    def place(self, scope: Scope) -> str:
        """How a finding calls the graph that a scope belongs to."""
        kind = "graph" if scope.function is None else "function library"
        return f"{kind} {'inside' if self.nesting else 'of'} {self.name}"

    def finding(self, site: Site, reason: str, family: Family) -> Finding:
        """Report a node."""
        return self.finding_in(site.scope, site.node.op, site.node.name, reason, family)

    def finding_in(self, scope: Scope, op: str, node: str, reason: str, family: Family) -> Finding:
        """Report something in a scope that need not be a node."""
        return Finding(op, scope.function, node, self.place(scope), reason, family)

    @cached_property
    def contents(self) -> Contents:
        """What the nodes hold."""
        return _Collector(self).collect()


class _Collector:
    """One walk over all nodes of a program."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._functions = program.functions
        self._found = Contents()

    def collect(self) -> Contents:
        for scope in self._program.scopes:
            if scope.definition is not None:
                self._collect_function(scope)
            for node in scope.nodes:
                self._collect_node(scope, node)
            self._collect_names(scope)
        library = self._program.graph.library
        self._found.references.update(g.gradient_func for g in library.gradient)
        self._found.references.update(g.gradient_func for g in library.registered_gradients)
        # Passes of TensorFlow swap functions that a string attribute names.
        named = (text.value.decode("utf-8", "replace") for text in self._found.texts)
        self._found.references.update(name for name in named if name in self._functions)
        return self._found

    def _collect_function(self, scope: Scope) -> None:
        definition = scope.definition
        if "api_implements" in definition.attr:  # TensorFlow may put it in another one's place
            self._found.references.add(scope.function or "")
        maps = [definition.attr, *(entry.attr for entry in definition.arg_attr.values())]
        for attributes in maps:
            for name, value in attributes.items():
                self._collect_value(scope, scope.function or "", name, value)

    def _collect_node(self, scope: Scope, node: Any) -> None:
        op = node.op
        if op not in self._program.plain_ops:
            self._found.by_op[op].append(Site(scope, node))
        if op in self._functions:
            self._collect_call(scope, node, op)
        attributes = node.attr
        for name in attributes:  # items() takes half as long again
            value = attributes[name]
            kind = value.WhichOneof("value")
            if kind in _PLAIN_KINDS:
                continue
            if kind == "func" and name == "f" and op in _CALL_OPS:
                self._collect_call(scope, node, value.func.name)
                self._collect_parameters(scope, node.name, name, value.func)
            else:
                self._collect_value(scope, node.name, name, value)

    def _collect_names(self, scope: Scope) -> None:
        names = [node.name for node in scope.nodes]
        names.extend(scope.arguments)
        if len(set(names)) < len(names):
            self._found.shared_names.append((scope, Counter(names).most_common(1)[0][0]))

    def _collect_call(self, scope: Scope, node: Any, function: str) -> None:
        self._found.calls[function].append(Site(scope, node))
        self._found.edges[scope.function].append(function)

    def _collect_value(self, scope: Scope, holder: str, name: str, value: Any) -> None:
        kind = value.WhichOneof("value")
        if kind == "s":
            self._found.texts.append(Text(scope, holder, name, value.s))
        elif kind == "tensor":
            self._found.constants.append(Constant(scope, holder, name, value.tensor))
        elif kind == "func":
            self._collect_reference(scope, holder, name, value.func)
        elif kind == "list":
            values = value.list
            for text in values.s:
                self._found.texts.append(Text(scope, holder, name, text))
            for tensor in values.tensor:
                self._found.constants.append(Constant(scope, holder, name, tensor))
            for function in values.func:
                self._collect_reference(scope, holder, name, function)

    def _collect_reference(self, scope: Scope, holder: str, name: str, function: Any) -> None:
        self._found.references.add(function.name)
        self._found.edges[scope.function].append(function.name)
        self._collect_parameters(scope, holder, name, function)

    def _collect_parameters(self, scope: Scope, holder: str, name: str, function: Any) -> None:
        for parameter, value in function.attr.items():
            self._collect_value(scope, holder, f"{name}.{parameter}", value)
