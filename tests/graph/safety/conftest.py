"""Builds SavedModel messages by hand, so that the gate is tested where there is no TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from anyhub.graph import safety
from anyhub.savedmodel import schema


class Function(NamedTuple):
    """An attribute that names a function."""

    name: str


class Builder:
    """A model with one graph variant, written node by node."""

    def __init__(self, graph: Any = None) -> None:
        self.model = schema.SavedModel(saved_model_schema_version=1)
        self.meta = self.model.meta_graphs.add()
        self.meta.meta_info_def.tags.append("serve")
        self.graph = self.meta.graph_def if graph is None else graph
        self.nodes = self.graph.node
        self.definition = None

    def function(self, name: str, *arguments: str) -> Builder:
        """Start a function; the result adds nodes to it."""
        inner = Builder.__new__(Builder)
        inner.__dict__.update(self.__dict__)
        inner.definition = self.graph.library.function.add()
        inner.definition.signature.name = name
        for argument in arguments:
            inner.definition.signature.input_arg.add(name=argument, type=7)
        inner.nodes = inner.definition.node_def
        return inner

    def node(self, op: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """Add a node; returns its first output as an input is written in this scope."""
        node = self.nodes.add(name=name or f"{op}_{len(self.nodes)}", op=op, input=inputs)
        for key, value in attributes.items():
            _set(node.attr[key], value)
        return node.name if self.definition is None else f"{node.name}:output:0"

    def const(self, *values: bytes, name: str = "") -> str:
        return self.node("Const", name=name, value=texts(*values))

    def call(self, function: str, *inputs: str, name: str = "") -> str:
        return self.node("StatefulPartitionedCall", *inputs, name=name, f=Function(function))

    def signature(self, output: str, key: str = "serving_default", **inputs: str) -> None:
        signature = self.meta.signature_def[key]
        signature.outputs["out"].name = f"{output}:0"
        for argument, tensor in inputs.items():
            signature.inputs[argument].name = f"{tensor}:0"

    def saver(self, filename: str, save: str, restore: str) -> None:
        saver = self.meta.saver_def
        saver.filename_tensor_name, saver.save_tensor_name = f"{filename}:0", f"{save}:0"
        saver.restore_op_name = restore

    def asset(self, tensor: str, filename: str) -> None:
        asset = self.meta.asset_file_def.add(filename=filename)
        asset.tensor_info.name = f"{tensor}:0"

    def init(self, node: str) -> None:
        self.meta.collection_def["saved_model_main_op"].node_list.value.append(node)

    def expose(self, function: str, *bound: int) -> None:
        """Make a function one that users of the loaded model can call."""
        concrete = self.meta.object_graph_def.concrete_functions[function]
        concrete.bound_inputs.extend(bound)
        item = self.meta.object_graph_def.nodes.add()
        item.function.concrete_functions.append(function)

    def scan(self, *assets: str) -> tuple[safety.Finding, ...]:
        return safety.scan(self.model, assets)


def texts(*values: bytes) -> Any:
    tensor = schema.TensorProto(dtype=7, string_val=values)
    if len(values) != 1:
        tensor.tensor_shape.dim.add(size=len(values))
    return tensor


def _set(attribute: Any, value: Any) -> None:
    kinds = {bool: "b", int: "i", float: "f", bytes: "s"}
    if isinstance(value, str):
        attribute.s = value.encode()
    elif isinstance(value, Function):
        attribute.func.name = value.name
    elif isinstance(value, list) and value and isinstance(value[0], Function):
        for function in value:
            attribute.list.func.add(name=function.name)
    elif isinstance(value, list):
        attribute.list.s.extend(value)
    elif type(value) in kinds:
        setattr(attribute, kinds[type(value)], value)
    else:
        attribute.tensor.CopyFrom(value)


@pytest.fixture
def new() -> Callable[[], Builder]:
    return Builder


@pytest.fixture
def build() -> Builder:
    return Builder()


@pytest.fixture
def func() -> type[Function]:
    return Function


@pytest.fixture
def make_texts() -> Callable[..., Any]:
    return texts
