"""What is certain about the tensors of a graph before it runs: values and shapes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from anyhub.errors import SavedModelError
from anyhub.graph.attributes import dtype_attribute
from anyhub.graph.const_ops import EVALUATORS, evaluate
from anyhub.graph.effects import CONTROL_FLOW, is_stateful
from anyhub.graph.ir import ARGUMENT, Graph, Node, Ref
from anyhub.graph.shape_known import Known
from anyhub.graph.shape_rules import result_shape
from anyhub.savedmodel.dtypes import dtype_by_number
from anyhub.savedmodel.shapes import Shape, read_shape
from anyhub.savedmodel.tensors import read_tensor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anyhub.graph.const_call import Array

# Beyond these nothing is computed: weights are no shape arithmetic.
_MAX_INPUT_BYTES = 1 << 20
_MAX_RESULT_ELEMENTS = 1 << 16

# Ops that only move the elements of these inputs, so that it does not matter if some are unknown.
_MOVED: Mapping[str, slice] = {
    "ConcatV2": slice(0, -1),
    "ExpandDims": slice(0, 1),
    "GatherV2": slice(0, 1),
    "Identity": slice(0, 1),
    "Pack": slice(0, None),
    "Reshape": slice(0, 1),
    "Slice": slice(0, 1),
    "Squeeze": slice(0, 1),
    "StridedSlice": slice(0, 1),
    "Unpack": slice(0, 1),
}
_INTEGER_CASTS = ("int32", "int64")
_EVERY_OUTPUT_ALIKE = ("Split", "Unpack")


class Facts:
    """Learns node by node, each after those that it needs."""

    def __init__(self, graph: Graph, shapes: Mapping[str, Shape]) -> None:
        """Start with nothing.

        Args:
            graph: The graph.
            shapes: Shapes of arguments by name, which count more than what arguments say.
        """
        self._graph = graph
        self._given = shapes
        self._values: dict[str, dict[int, Array]] = {}
        self._partial: dict[Ref, tuple[Array, Any]] = {}
        self._shapes: dict[Ref, Shape] = {}

    def values_of(self, name: str) -> Mapping[int, Array]:
        """The known values of a node's outputs."""
        return self._values.get(name, {})

    def shape(self, ref: Ref) -> Shape:
        """The shape of a tensor."""
        value = self._values.get(ref.node, {}).get(ref.index)
        return value.shape if value is not None else self._shapes.get(ref)

    def learn(self, node: Node) -> None:
        """Find out about a node's outputs.

        Raises:
            SavedModelError: It is a damaged constant.
        """
        if node.op == "Const":
            self._learn_constant(node)
        elif node.op == ARGUMENT:
            self._shapes[Ref(node.name)] = self._argument_shape(node)
        elif node.op in ("ReadVariableOp", "VarHandleOp", "VariableV2", "Variable"):
            self._shapes[Ref(node.name)] = self._variable_shape(node)
        elif node.op not in CONTROL_FLOW:
            if not is_stateful(node):
                self._compute(node)
            self._infer(node)

    def _learn_constant(self, node: Node) -> None:
        proto = node.attr("value")
        if proto is None:
            raise SavedModelError(f"constant {node.name!r} has no value")
        shape = read_shape(proto.tensor.tensor_shape)
        self._shapes[Ref(node.name)] = shape
        dtype = dtype_by_number(proto.tensor.dtype)
        if shape is None or None in shape or dtype.numpy is None or dtype.name.startswith("q"):
            return
        count = math.prod(size for size in shape if size is not None)
        if count * max(dtype.itemsize, 1) <= _MAX_INPUT_BYTES:
            self._values[node.name] = {0: read_tensor(proto.tensor)}

    def _argument_shape(self, node: Node) -> Shape:
        if node.name in self._given:
            return self._given[node.name]
        if node.attr("shape") is not None:
            return read_shape(node.attrs["shape"].shape)
        shapes = node.attr("_output_shapes")
        if shapes is None or len(shapes.list.shape) != 1:
            return None
        return read_shape(shapes.list.shape[0])

    def _variable_shape(self, node: Node) -> Shape:
        if node.op == "ReadVariableOp":
            return self._shapes.get(node.inputs[0]) if node.inputs else None
        shape = node.attr("shape")
        return None if shape is None else read_shape(shape.shape)

    def _compute(self, node: Node) -> None:
        if node.op not in EVALUATORS:
            return
        inputs = [self._values.get(ref.node, {}).get(ref.index) for ref in node.inputs]
        known = [value for value in inputs if value is not None]
        if len(known) == len(inputs):
            if sum(nbytes(value) for value in known) <= _MAX_INPUT_BYTES:
                results = evaluate(node, known, max_elements=_MAX_RESULT_ELEMENTS)
                self._values[node.name] = dict(enumerate(results or ()))
        elif node.op in ("Shape", "ShapeN", "Size", "Rank"):
            self._measure(node)
        elif node.op in _MOVED:
            self._move(node, inputs)
        elif node.op == "Cast" and node.inputs[0] in self._partial:
            self._cast(node)

    def _measure(self, node: Node) -> None:
        for index, ref in enumerate(node.inputs):
            shape = self.shape(ref)
            if shape is None:
                continue
            if node.op == "Rank":
                self._set(node, 0, np.asarray(len(shape), object), np.dtype(np.int32))
                continue
            sizes = np.empty(len(shape), object)
            sizes[:] = shape
            if node.op == "Size":
                total = None if None in shape else math.prod(s for s in shape if s is not None)
                sizes = np.asarray(total, object)
            self._set(node, index, sizes, dtype_attribute(node, "out_type").numpy)

    def _set(self, node: Node, index: int, value: Array, dtype: Any) -> None:
        items = value.ravel().tolist()
        if None in items:
            self._partial[Ref(node.name, index)] = value, dtype
        elif not items or max(items) <= np.iinfo(dtype).max:
            self._values.setdefault(node.name, {})[index] = value.astype(dtype)

    def _move(self, node: Node, inputs: Sequence[Array | None]) -> None:
        moved = range(len(inputs))[_MOVED[node.op]]
        dtype = next((self._partial[r][1] for r in node.inputs if r in self._partial), None)
        values: list[Array] = []
        for position, (ref, value) in enumerate(zip(node.inputs, inputs, strict=True)):
            known = self._partial[ref][0] if ref in self._partial else value
            if position in moved and known is None and self.shape(ref) == ():
                known = np.asarray(None, object)
            if known is None or (position not in moved and ref in self._partial):
                return
            values.append(known.astype(object) if position in moved else known)
        dtype = dtype or self._integer_type(node)
        if dtype is None:
            return
        results = evaluate(node, values, max_elements=_MAX_RESULT_ELEMENTS)
        for index, result in enumerate(results or ()):
            self._set(node, index, result, dtype)

    def _integer_type(self, node: Node) -> Any:
        try:
            dtype = dtype_attribute(node, "T")
        except SavedModelError:
            return None
        return dtype.numpy if dtype.name in _INTEGER_CASTS else None

    def _cast(self, node: Node) -> None:
        value, source = self._partial[node.inputs[0]]
        target = dtype_attribute(node, "DstT")
        if target.name in _INTEGER_CASTS and source.name in _INTEGER_CASTS:
            self._set(node, 0, value, target.numpy)

    def _infer(self, node: Node) -> None:
        values = [
            self._partial[ref][0]
            if ref in self._partial
            else self._values.get(ref.node, {}).get(ref.index)
            for ref in node.inputs
        ]
        shapes = [self.shape(ref) for ref in node.inputs]
        shape = result_shape(Known(node, shapes, values))
        self._shapes[Ref(node.name)] = shape
        if node.op in _EVERY_OUTPUT_ALIKE:
            count = node.attr("num") or node.attr("num_split")
            for index in range(1, 0 if count is None else min(count.i, _MAX_RESULT_ELEMENTS)):
                self._shapes[Ref(node.name, index)] = shape


def nbytes(value: Array) -> int:
    """Bytes of a value; of strings all characters."""
    if value.dtype != object:
        return value.nbytes
    return sum(len(text) for text in value.ravel().tolist()) + 8 * value.size
