"""Rewrites calls, branches and loops that take handles of variables, and their functions.

Source: `tensorflow/core/ops/functional_ops.cc` for which inputs a function gets.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from anyhub.errors import SavedModelError
from anyhub.graph.attributes import function_names
from anyhub.graph.convert import read_function
from anyhub.graph.freeze_nodes import Held, Rewriter, with_attrs
from anyhub.graph.function_def import function_def
from anyhub.graph.inline import MAX_DEPTH
from anyhub.graph.instantiate import instantiate
from anyhub.graph.ir import Graph, Node, Ref, attr_value
from anyhub.savedmodel.shapes import shape_proto

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class _Form:
    """How an op runs functions.

    Attributes:
        first: The first input that functions get.
        types_in: Attribute that lists the types of these inputs.
        types_out: Attribute that lists the types of the results.
    """

    first: int
    types_in: str
    types_out: str


_CALL, _BRANCH, _LOOP = _Form(0, "Tin", "Tout"), _Form(1, "Tin", "Tout"), _Form(0, "T", "T")
_FORMS: Mapping[str, _Form] = {
    "PartitionedCall": _CALL,
    "StatefulPartitionedCall": _CALL,
    "If": _BRANCH,
    "StatelessIf": _BRANCH,
    "Case": _BRANCH,
    "StatelessCase": _BRANCH,
    "While": _LOOP,
    "StatelessWhile": _LOOP,
}


class Specializer:
    """Makes functions that take values where they took handles.

    Attributes:
        functions: What was made, FunctionDef messages by name.
    """

    def __init__(self, library: Mapping[str, Any]) -> None:
        """Begin with nothing made; `library` holds all functions by name."""
        self._library = library
        self._made: dict[tuple[Any, ...], tuple[str, dict[int, Held]]] = {}
        self._open: list[str] = []
        self.functions: dict[str, Any] = {}

    def knows(self, node: Node) -> bool:
        """Whether a node hands inputs to functions in a way that is known."""
        return node.op in _FORMS or node.op in self._library

    def rewrite(self, node: Node, held: Sequence[Held | None]) -> tuple[Node, dict[int, Held]]:
        """Rewrite a node that hands handles to functions.

        Returns:
            The node, and which of its outputs were handles.

        Raises:
            SavedModelError: A variable is assigned in there or goes where it cannot be followed.
        """
        if node.op not in _FORMS:
            name, outputs = self._special(node.op, node.attrs, held)
            return replace(node, op=name), outputs
        form = _FORMS[node.op]
        given = held[form.first :]
        if any(held[: form.first]):
            raise SavedModelError(f"node {node.name!r} takes the handle of a variable as condition")
        made = {
            function.name: self._special(function.name, function.attr, given)
            for function in _functions(node)
        }
        outputs = self._agreed(node, [made[name][1] for _, name in _bodies(node)])
        if form is _LOOP and {*outputs} != {i for i, item in enumerate(given) if item}:
            raise SavedModelError(
                f"loop {node.name!r} does not hand on the handles of variables as it got them"
            )
        attrs = {key: _renamed(value, made) for key, value in node.attrs.items()}
        # Which inputs are resources is told there, and not what it was.
        attrs = {k: v for k, v in attrs.items() if k != "_read_only_resource_inputs"}
        types = {form.types_in: _typed(node, form.types_in, dict(enumerate(given)))}
        types[form.types_out] = _typed(node, form.types_out, outputs)
        changed = with_attrs(replace(node, attrs=attrs), **types)
        return _with_shapes(changed, outputs), outputs

    def _agreed(self, node: Node, results: Sequence[dict[int, Held]]) -> dict[int, Held]:
        if not results:
            raise SavedModelError(f"node {node.name!r} (op {node.op!r}) names no function")
        kinds = [{i: item.dtype for i, item in outputs.items()} for outputs in results]
        if any(kind != kinds[0] for kind in kinds):
            raise SavedModelError(
                f"the functions of node {node.name!r} differ in which results are variables"
            )
        return results[0]

    def _special(
        self, name: str, attrs: Mapping[str, Any], held: Sequence[Held | None]
    ) -> tuple[str, dict[int, Held]]:
        key = (name, *((item.dtype, item.variable) if item else None for item in held))
        if key in self._made:
            return self._made[key]
        if name in self._open or len(self._open) >= MAX_DEPTH:
            chain = " -> ".join([*self._open[-5:], name])
            raise SavedModelError(f"functions call themselves or nest too deeply: {chain}")
        if name not in self._library:
            raise SavedModelError(f"function {name!r} is not in the library")
        self._open.append(name)
        try:
            self._made[key] = self._make(name, attrs, held)
        finally:
            self._open.pop()
        return self._made[key]

    def _make(
        self, name: str, attrs: Mapping[str, Any], held: Sequence[Held | None]
    ) -> tuple[str, dict[int, Held]]:
        proto = instantiate(self._library[name], attrs)
        body = read_function(proto, self._library)
        if len(held) != len(body.inputs):
            raise SavedModelError(
                f"function {name!r} takes {len(body.inputs)} inputs, but is given {len(held)}"
            )
        pairs = zip(body.inputs, held, strict=True)
        arguments = {argument: item for argument, item in pairs if item is not None}
        nodes = {n: _retyped(node, arguments.get(n)) for n, node in body.nodes.items()}
        known = {Ref(argument): item for argument, item in arguments.items()}
        rewriter = Rewriter(body.with_nodes(nodes), known, self)
        rewritten = replace(rewriter.rewrite(), name=self._free_name(name))
        outputs = {
            i: rewriter.held[ref] for i, ref in enumerate(body.outputs) if ref in rewriter.held
        }
        self._write(proto, rewritten, outputs)
        return rewritten.name, outputs

    def _write(self, proto: Any, body: Graph, outputs: Mapping[int, Held]) -> None:
        types = [
            outputs[index].dtype if index in outputs else argument.type
            for index, argument in enumerate(proto.signature.output_arg)
        ]
        if len(types) != len(body.outputs):
            raise SavedModelError(f"function {proto.signature.name!r} has a list as output")
        made = function_def(body, types, {**self._library, **self.functions})
        made.signature.is_stateful = proto.signature.is_stateful
        for key, value in proto.attr.items():
            if key not in ("_input_shapes", "_read_only_resource_inputs"):
                made.attr[key].CopyFrom(value)
        self.functions[body.name] = made

    def _free_name(self, name: str) -> str:
        made = f"{name}_frozen"
        number = 1
        while made in self._library or made in self.functions:
            number += 1
            made = f"{name}_frozen_{number}"
        return made


def _functions(node: Node) -> list[Any]:
    found = []
    for key in sorted(node.attrs):
        value = node.attrs[key]
        is_one = value.WhichOneof("value") == "func"
        found += [value.func] if is_one else [*value.list.func]
    return found


def _bodies(node: Node) -> list[tuple[str, str]]:
    """The functions whose results are the node's: all but a loop's condition."""
    return [(key, name) for key, name in function_names(node) if key != "cond"]


def _renamed(value: Any, made: Mapping[str, tuple[str, Any]]) -> Any:
    kind = value.WhichOneof("value")
    if kind == "func":
        return attr_value(func={"name": made[value.func.name][0]})
    if kind == "list" and value.list.func:
        names = [{"name": made[function.name][0]} for function in value.list.func]
        return attr_value(list={"func": names})
    return value


def _typed(node: Node, name: str, held: Mapping[int, Held | None]) -> Any:
    value = node.attr(name)
    types = [] if value is None else [*value.list.type]
    changed = [item.dtype if (item := held.get(i)) else t for i, t in enumerate(types)]
    return attr_value(list={"type": changed})


def _with_shapes(node: Node, outputs: Mapping[int, Held]) -> Node:
    value = node.attr("output_shapes")
    if value is None or not value.list.shape:
        return node
    shapes = [*value.list.shape]
    for index, held in outputs.items():
        if index < len(shapes):
            shapes[index] = shape_proto(held.shape)
    return with_attrs(node, output_shapes=attr_value(list={"shape": shapes}))


def _retyped(node: Node, held: Held | None) -> Node:
    if held is None:
        return node
    attrs = {"T": attr_value(type=held.dtype), "index": node.attrs["index"]}
    return replace(node, attrs=attrs)
