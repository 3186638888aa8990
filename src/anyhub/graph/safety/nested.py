"""Graphs inside strings.

Ops like DatasetFromGraph run a graph that they get as a string. They are refused by name; the
graphs are scanned all the same, wherever a string holds one, so that allowing such an op does not
allow what its graph does.

A string counts as a graph if it parses as a message that holds nodes, and one of the nodes has an
op that is known. Text never does: the tag before an op's name is the control character 0x12, or
ends with a zero byte where it is written longer than needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError

from anyhub.graph.safety.findings import Family, Finding, quote
from anyhub.graph.safety.known_ops import known_ops
from anyhub.graph.safety.program import Program, Scope
from anyhub.graph.safety.strings import tensor_strings
from anyhub.savedmodel import schema

MAX_NESTING = 3

_SHORTEST = 8  # a node with a name and an op
_FunctionDefLibrary = schema.message_class("FunctionDefLibrary")


class _String(NamedTuple):
    """A string of a program; what a finding calls it is only put together when one is made."""

    value: bytes
    kind: str
    holder: str
    scope: Scope


def nested_programs(program: Program) -> Iterator[Program]:
    """The graphs inside a program's strings, each once."""
    seen: set[bytes] = set()
    for text in _strings(program):
        if len(text.value) < _SHORTEST or text.value in seen:
            continue
        seen.add(text.value)
        graph = parse_graph(text.value)
        if graph is not None:
            yield Program(
                graph,
                name=_name(program, text),
                plain_ops=program.plain_ops,
                nesting=program.nesting + 1,
            )


def nesting_finding(program: Program) -> Finding:
    """What is reported instead of scanning a graph that is wrapped too often."""
    return Finding(
        "GraphDef",
        None,
        "",
        program.place(program.main),
        f"graphs are wrapped into strings more than {MAX_NESTING} times",
        Family.DENIAL_OF_SERVICE,
    )


def parse_graph(text: bytes) -> Any:
    """The graph that a string holds, None if it holds none."""
    if b"\x12" not in text and b"\0" not in text:
        return None
    for read in (_from_graph, _from_metagraph, _from_function, _from_library, _from_saved_model):
        try:
            graph = read(text)
        except DecodeError:
            continue
        if _holds_known_op(graph):
            return graph
    return None


def _from_graph(text: bytes) -> Any:
    return schema.GraphDef.FromString(text)


def _from_metagraph(text: bytes) -> Any:
    return schema.MetaGraphDef.FromString(text).graph_def


def _from_function(text: bytes) -> Any:
    graph = schema.GraphDef()
    graph.library.function.add().ParseFromString(text)
    return graph


def _from_library(text: bytes) -> Any:
    return schema.GraphDef(library=_FunctionDefLibrary.FromString(text))


def _from_saved_model(text: bytes) -> Any:
    graph = schema.GraphDef()
    for metagraph in schema.SavedModel.FromString(text).meta_graphs:
        graph.MergeFrom(metagraph.graph_def)
    return graph


def _holds_known_op(graph: Any) -> bool:
    known = known_ops()
    return any(node.op in known for node in graph.node) or any(
        node.op in known for function in graph.library.function for node in function.node_def
    )


def _strings(program: Program) -> Iterator[_String]:
    for constant in program.contents.constants:
        for value in tensor_strings(constant.tensor):
            yield _String(value, "string constant of node", constant.holder, constant.scope)
    for text in program.contents.texts:
        kind = f"string attribute {quote(text.attribute)} of node"
        yield _String(text.value, kind, text.holder, text.scope)
    if program.metagraph is not None:
        for key, signature in program.metagraph.signature_def.items():
            for tensor in signature.defaults.values():
                for value in tensor_strings(tensor):
                    yield _String(value, "default of signature", key, program.main)


def _name(program: Program, text: _String) -> str:
    inside = f" of function {quote(text.scope.function)}" if text.scope.function else ""
    return f"the {text.kind} {quote(text.holder)}{inside} in the {program.place(text.scope)}"
