"""Custom gradients: functions of a model that compute the derivatives of parts of it.

`tf.custom_gradient` leaves an IdentityN around the results and arguments of what it decorates. Its
attribute names a function in the model's library, which takes the derivatives of the node's
outputs and then what Python's function captured: objects of the model, and tensors of the function
that the node is in, or of those around it. The latter become further inputs of the node, so that
they follow it wherever its function is inlined to.

Source: `_trace_gradient_functions` in `tensorflow/python/saved_model/save.py` and
`_gen_gradient_func` in `function_deserialization.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from anyhub.engines.portable.capturing_library import CapturingLibrary
from anyhub.engines.portable.gradient_captures import is_tensor
from anyhub.errors import EngineError
from anyhub.graph.captures import VARIABLE
from anyhub.graph.convert import read_function
from anyhub.graph.inline import inline
from anyhub.graph.prune import prune
from anyhub.savedmodel.dtypes import dtype_by_number
from anyhub.savedmodel.structured import TypeSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from anyhub.engines.portable.plan import Plan
    from anyhub.graph.ir import Graph
    from anyhub.savedmodel.model import MetaGraph

_SLICES = "INDEXED_SLICES_SPEC"


@dataclass(frozen=True)
class CustomGradient:
    """A function that computes derivatives.

    Attributes:
        function: Its name in the library.
        types: The element types of its inputs.
        places: For each input of the node where its derivative is among the function's outputs,
            the first and the last but one; None for those that get none.
        captures: Its inputs after the derivatives: numbers of the model's objects, None for those
            that are further inputs of the node.
    """

    function: str
    types: tuple[str, ...]
    places: tuple[tuple[int, int] | None, ...]
    captures: tuple[int | None, ...]

    @property
    def count(self) -> int:
        """How many of the node's inputs are its own."""
        return len(self.types) - len(self.captures)


class CustomGradients:
    """The custom gradients of a model.

    Args:
        meta_graph: The model.
        resource: Gives what stands for an object of the model, a variable say, by its number.

    Attributes:
        library: The model's functions, with what custom gradients capture.
    """

    def __init__(self, meta_graph: MetaGraph, resource: Callable[[int], Any]) -> None:
        self._meta_graph = meta_graph
        self._resource = resource
        self._plans: dict[tuple[str, tuple[int, ...]], Plan] = {}
        self.library: Mapping[str, Any] = CapturingLibrary(meta_graph)

    def find(self, op_type: str) -> CustomGradient | None:
        """What computes the derivatives of nodes with an attribute; None if nothing was saved."""
        return find_gradient(self._meta_graph, op_type)

    def variables(self, gradient: CustomGradient) -> list[Any]:
        """What stands for the variables that a gradient's function captures."""
        nodes = self._meta_graph.objects.nodes
        numbers = [n for n in gradient.captures if n is not None and nodes[n].kind == VARIABLE]
        return [self._resource(number) for number in numbers]

    def captured(self, gradient: CustomGradient, further: Sequence[Any]) -> list[Any]:
        """The inputs of a gradient's function after the derivatives.

        Args:
            gradient: The gradient.
            further: The further inputs of the node.

        Raises:
            EngineError: The node does not have them.
        """
        if gradient.captures.count(None) != len(further):
            raise EngineError(
                f"custom gradient {gradient.function!r} captures a tensor that this model does not "
                "hand to the function it is for"
            )
        left = iter(further)
        return [next(left) if n is None else self._resource(n) for n in gradient.captures]

    def plan(self, gradient: CustomGradient, outputs: tuple[int, ...]) -> Plan:
        """The plan of a gradient's function, made when it is first needed.

        Args:
            gradient: The gradient.
            outputs: Which of its outputs to compute.

        Raises:
            EngineError: It has ops that are missing.
        """
        # Only training needs it: what it lacks must not keep anybody from inference.
        from anyhub.engines.portable.planner import Planner

        key = gradient.function, outputs
        if key not in self._plans:
            self._plans[key] = Planner(self.library, self).plan(self.graph(gradient, outputs))
        return self._plans[key]

    def graph(self, gradient: CustomGradient, outputs: tuple[int, ...]) -> Graph:
        """The graph of a gradient's function that gives some of its outputs, calls inlined."""
        body = read_function(self.library[gradient.function], self.library)
        return prune(inline(_with_outputs(body, outputs), self.library))


def _with_outputs(graph: Graph, outputs: tuple[int, ...]) -> Graph:
    return replace(
        graph,
        outputs=tuple(graph.outputs[i] for i in outputs),
        output_names=tuple(graph.output_names[i] for i in outputs),
    )


def find_gradient(meta_graph: MetaGraph, op_type: str) -> CustomGradient | None:
    """What computes the derivatives of nodes with an attribute; None if nothing was saved."""
    name = meta_graph.gradients.get(op_type)
    proto = None if name is None else meta_graph.functions.get(name)
    if name is None or proto is None:
        return None
    concrete = meta_graph.concrete_functions.get(name)
    bound = () if concrete is None else concrete.bound_inputs
    captures = tuple(None if is_tensor(meta_graph, number) else number for number in bound)
    types = tuple(dtype_by_number(arg.type).name for arg in proto.signature.input_arg)
    signature = None if concrete is None else concrete.output_signature
    places = _places(signature, len(types) - len(captures), len(proto.signature.output_arg))
    return CustomGradient(name, types, places, captures)


def _places(signature: Any, count: int, outputs: int) -> tuple[tuple[int, int] | None, ...]:
    found: list[tuple[int, int] | None] = []
    start = 0
    for spec in _flat(signature):
        size = 0 if spec is None else 1
        if isinstance(spec, TypeSpec):
            if spec.kind != _SLICES:
                raise EngineError(f"a custom gradient gives a {spec.kind}")
            size = spec.num_flat_components or 3
        found.append((start, start + size) if size else None)
        start += size
    if len(found) != count or start != outputs:
        raise EngineError(
            f"a custom gradient gives {outputs} tensors as {len(found)} derivatives, but has "
            f"{count} to give"
        )
    return tuple(found)


def _flat(signature: Any) -> list[Any]:
    if isinstance(signature, (list, tuple)):
        return [spec for part in signature for spec in _flat(part)]
    return [signature]
