"""Which engines can run which endpoint of a model, by the ops that they have."""

from __future__ import annotations

import functools
from importlib import resources
from typing import TYPE_CHECKING

from anyhub.engines.tensorflow.extra_ops import find_library
from anyhub.graph.called_ops import CalledOps
from anyhub.graph.endpoint import find_function
from anyhub.graph.op_defs import find_op

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anyhub.savedmodel import ConcreteFunction, MetaGraph, RestoredFunction


class EngineSupport:
    """Finds engines for the endpoints of a variant.

    Args:
        graph: The variant.
        ops: All ops in it.
    """

    def __init__(self, graph: MetaGraph, ops: Iterable[str]) -> None:
        self._graph = graph
        self._called = CalledOps(graph.functions)
        # TensorFlow loads a model as a whole; what it and the known packages lack runs nowhere.
        self._tensorflow = all(find_op(op) or find_library(op) for op in ops)

    def signature(self, name: str) -> tuple[str, ...]:
        """Names of the engines that can run a signature."""
        is_of_objects = bool(self._graph.objects.nodes)
        function = find_function(self._graph, name) if is_of_objects else None
        return self._engines([] if function is None else [function])

    def function(self, function: RestoredFunction) -> tuple[str, ...]:
        """Names of the engines that can run a function, all of its traces."""
        return self._engines(function.concrete_functions)

    def _engines(self, traces: Iterable[ConcreteFunction]) -> tuple[str, ...]:
        names = [trace.name for trace in traces]
        found = ["tensorflow"] if self._tensorflow else []
        if names and all(self._called.ops(name) <= portable_ops() for name in names):
            found.append("portable")
        return tuple(found)


@functools.cache
def portable_ops() -> frozenset[str]:
    """The ops that engine `portable` has, from the list that is generated from its lowerings."""
    file = resources.files("anyhub.engines.portable").joinpath("op_names.txt")
    return frozenset(file.read_text("utf-8").split())
