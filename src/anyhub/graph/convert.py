"""Messages to graphs and back.

Source: `tensorflow/core/framework/function.proto` (how function bodies name inputs: an argument's
name, "node:output:index", "^node") and `node_def.proto` ("node", "node:index", "^node").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyhub.errors import SavedModelError
from anyhub.graph.ir import ARGUMENT, Graph, Node, Ref, attr_value, output_count
from anyhub.graph.op_defs import Argument, find_op
from anyhub.savedmodel import schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def read_function(proto: Any, library: Mapping[str, Any]) -> Graph:
    """Read a FunctionDef.

    Args:
        proto: The message.
        library: All functions by name: a node's op may be one of them.

    Raises:
        SavedModelError: The body refers to what it lacks, or to outputs of an unknown op.
    """
    return _FunctionReader(proto, library).read()


class _FunctionReader:
    def __init__(self, proto: Any, library: Mapping[str, Any]) -> None:
        self._proto = proto
        self._library = library
        self._name = proto.signature.name
        self._protos = {node.name: node for node in proto.node_def}
        self._arguments: dict[str, list[str]] = {}
        self._offsets: dict[str, Mapping[str, tuple[int, int]]] = {}

    def read(self) -> Graph:
        nodes = {node.name: node for node in self._argument_nodes()}
        inputs = tuple(nodes)
        for proto in self._proto.node_def:
            if proto.name in nodes:
                raise SavedModelError(f"function {self._name!r} has two nodes {proto.name!r}")
            nodes[proto.name] = self._node(proto)
        names = tuple(arg.name for arg in self._proto.signature.output_arg)
        outputs = tuple(ref for name in names for ref in self._result(name))
        controls = tuple(self._proto.control_ret[n] for n in sorted(self._proto.control_ret))
        if len(outputs) != len(names):
            names = tuple(f"{i}" for i in range(len(outputs)))
        return Graph(self._name, nodes, inputs, outputs, names, controls)

    def _argument_nodes(self) -> list[Node]:
        found: list[Node] = []
        for position, arg in enumerate(self._proto.signature.input_arg):
            count = self._own_count(arg)
            names = [arg.name] if count is None else [f"{arg.name}_{i}" for i in range(count)]
            self._arguments[arg.name] = names
            known = dict(self._proto.arg_attr[position].attr) if count is None else {}
            for offset, name in enumerate(names):
                dtype = self._own_type(arg, offset)
                attrs = known | {"T": attr_value(type=dtype), "index": attr_value(i=len(found))}
                found.append(Node(name, ARGUMENT, attrs=attrs))
        return found

    def _own_type(self, arg: Any, offset: int) -> int:
        if arg.type_list_attr:
            return int(self._proto.attr[arg.type_list_attr].list.type[offset])
        return int(self._proto.attr[arg.type_attr].type if arg.type_attr else arg.type)

    def _own_count(self, arg: Any) -> int | None:
        """How many tensors an argument of the function itself stands for, None for just one."""
        if arg.number_attr:
            return int(self._proto.attr[arg.number_attr].i)
        return len(self._proto.attr[arg.type_list_attr].list.type) if arg.type_list_attr else None

    def _node(self, proto: Any) -> Node:
        inputs = tuple(r for text in proto.input if text[:1] != "^" for r in self._refs(text))
        controls = tuple(text[1:] for text in proto.input if text[:1] == "^")
        return Node(proto.name, proto.op, inputs, controls, proto.attr, proto.device)

    def _result(self, name: str) -> list[Ref]:
        if name not in self._proto.ret:
            raise SavedModelError(f"function {self._name!r} does not say what {name!r} is")
        return self._refs(self._proto.ret[name])

    def _refs(self, text: str) -> list[Ref]:
        """Read "argument", "argument:index" or "node:output[:index]"."""
        head, _, rest = text.partition(":")
        if head in self._arguments:
            names = self._arguments[head]
            return [Ref(names[self._index(rest, len(names), text)])] if rest else [*map(Ref, names)]
        if head not in self._protos:
            raise SavedModelError(f"function {self._name!r} refers to {text!r}, which it lacks")
        output, _, index = rest.partition(":")
        start, count = self._output(head, output, text)
        if index:
            return [Ref(head, start + self._index(index, count, text))]
        return [Ref(head, start + i) for i in range(count)]

    def _index(self, index: str, count: int, text: str) -> int:
        if not (index.isascii() and index.isdigit() and int(index) < count):
            raise SavedModelError(
                f"function {self._name!r} refers to {text!r}, of which there are {count}"
            )
        return int(index)

    def _output(self, node: str, output: str, text: str) -> tuple[int, int]:
        if node not in self._offsets:
            self._offsets[node] = self._find_offsets(self._protos[node])
        if output not in self._offsets[node]:
            op = self._protos[node].op
            raise SavedModelError(
                f"function {self._name!r} takes {text!r}, but op {op!r} has no output {output!r}"
                + ("" if find_op(op) or op in self._library else " that is known")
            )
        return self._offsets[node][output]

    def _find_offsets(self, proto: Any) -> Mapping[str, tuple[int, int]]:
        node = Node(proto.name, proto.op, attrs=proto.attr)
        arguments = output_arguments(proto.op, self._library)
        found, start = {}, 0
        for name, count in output_count(node, arguments):
            found[name] = (start, count)
            start += count
        return found


def output_arguments(op: str, library: Mapping[str, Any]) -> Sequence[Argument]:
    """The output arguments of an op or function; of unknown ops none."""
    definition = find_op(op)
    if definition is not None:
        return definition.outputs
    if op in library:
        args = library[op].signature.output_arg
        return [Argument(arg.name, arg.number_attr, arg.type_list_attr) for arg in args]
    return ()


def read_graph(proto: Any, inputs: Sequence[str], outputs: Mapping[str, str], name: str) -> Graph:
    """Read a GraphDef between given tensors.

    Args:
        proto: The message.
        inputs: Tensors to feed, e.g. ["x:0"]; they become argument nodes.
        outputs: Tensors to fetch, by name.
        name: How messages call the graph.

    Raises:
        SavedModelError: A tensor does not exist.
    """
    nodes = {node.name: _graph_node(node) for node in proto.node}
    fed = [parse_tensor_name(text) for text in inputs]
    fetched = {key: parse_tensor_name(text) for key, text in outputs.items()}
    for ref in (*fed, *fetched.values()):
        if ref.node not in nodes:
            raise SavedModelError(f"graph {name!r} has no tensor {str(ref)!r}")
    argument_nodes, replaced = _argument_nodes(fed, nodes)
    nodes = {key: _redirect(node, replaced) for key, node in nodes.items()} | argument_nodes
    refs = tuple(replaced.get(ref, ref) for ref in fetched.values())
    return Graph(name, nodes, tuple(argument_nodes), refs, tuple(fetched))


def _graph_node(proto: Any) -> Node:
    inputs = tuple(parse_tensor_name(text) for text in proto.input if text[:1] != "^")
    controls = tuple(text[1:] for text in proto.input if text[:1] == "^")
    return Node(proto.name, proto.op, inputs, controls, proto.attr, proto.device)


def _argument_nodes(
    fed: Sequence[Ref], nodes: Mapping[str, Node]
) -> tuple[dict[str, Node], dict[Ref, Ref]]:
    arguments, replaced = {}, {}
    for index, ref in enumerate(fed):
        source = nodes[ref.node]
        # A placeholder is its own argument; any other tensor gets one that stands for it.
        is_placeholder = source.op in ("Placeholder", "PlaceholderV2", "PlaceholderWithDefault")
        name = ref.node if is_placeholder else f"{ref.node}/fed_{ref.index}"
        attrs = {"index": attr_value(i=index)}
        dtype = source.attr("dtype") or source.attr("T")
        if dtype is not None:
            attrs["T"] = dtype
        if is_placeholder and source.attr("shape") is not None:
            attrs["shape"] = source.attr("shape")
        arguments[name] = Node(name, ARGUMENT, attrs=attrs)
        replaced[ref] = Ref(name)
    return arguments, replaced


def _redirect(node: Node, replaced: Mapping[Ref, Ref]) -> Node:
    if not any(ref in replaced for ref in node.inputs):
        return node
    inputs = tuple(replaced.get(ref, ref) for ref in node.inputs)
    return Node(node.name, node.op, inputs, node.controls, node.attrs, node.device)


def parse_tensor_name(text: str) -> Ref:
    """Read "node" or "node:index".

    Raises:
        SavedModelError: The index is no number.
    """
    name, colon, index = text.rpartition(":")
    if not colon:
        return Ref(text)
    if not (index.isascii() and index.isdigit()):
        raise SavedModelError(f"{text!r} is no tensor name; expected 'node' or 'node:index'")
    return Ref(name, int(index))


def graph_def(graph: Graph, functions: Sequence[Any] = ()) -> Any:
    """Make a GraphDef; arguments become placeholders.

    Args:
        graph: The graph.
        functions: FunctionDef messages for its library.
    """
    proto = schema.GraphDef()
    for node in graph.nodes.values():
        proto.node.append(node_def(node, graph.nodes))
    proto.library.function.extend(functions)
    return proto


def node_def(node: Node, others: Mapping[str, Node]) -> Any:
    """Make a NodeDef that names inputs as main graphs do; arguments become placeholders.

    Args:
        node: The node.
        others: The nodes of its graph; what it should be placed with but is gone is left out.
    """
    inputs = [ref.node if ref.index == 0 else str(ref) for ref in node.inputs]
    inputs += [f"^{name}" for name in node.controls]
    if node.op == ARGUMENT:
        return _placeholder(node)
    proto = schema.NodeDef(name=node.name, op=node.op, input=inputs, device=node.device)
    for key, value in dict(node.attrs).items():
        proto.attr[key].CopyFrom(value)
    if "_class" in proto.attr:
        prefix = "loc:@"
        names = [text.decode("utf-8", "replace") for text in proto.attr["_class"].list.s]
        kept = [name for name in names if name.removeprefix(prefix) in others]
        proto.attr["_class"].list.s[:] = [name.encode() for name in kept]
    return proto


def _placeholder(node: Node) -> Any:
    proto = schema.NodeDef(name=node.name, op="Placeholder")
    for source, target in (("T", "dtype"), ("shape", "shape")):
        if source in node.attrs:
            proto.attr[target].CopyFrom(node.attrs[source])
    shapes = node.attr("_output_shapes")
    if "shape" not in node.attrs and shapes is not None and len(shapes.list.shape) == 1:
        proto.attr["shape"].shape.CopyFrom(shapes.list.shape[0])
    return proto
