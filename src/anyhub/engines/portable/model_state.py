"""What all functions of a loaded model share: its variables, its plans, what it captures."""

from __future__ import annotations

import threading
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from anyhub.engines.portable.gradients import CustomGradients
from anyhub.engines.portable.planner import Planner
from anyhub.engines.portable.registry import lowerings
from anyhub.engines.portable.variables import VariableHandle
from anyhub.errors import EngineError, SavedModelError
from anyhub.graph.called_ops import CalledOps
from anyhub.graph.captures import ASSET, VARIABLE
from anyhub.graph.partitions import read_value
from anyhub.savedmodel.tensors import read_tensor

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anyhub.graph.captures import Capture
    from anyhub.savedmodel import SavedModel
    from anyhub.savedmodel.functions import ConcreteFunction
    from anyhub.savedmodel.model import MetaGraph
    from anyhub.savedmodel.variables import Variable


@cache
def drawing_ops() -> frozenset[str]:
    """The ops that draw random numbers from the model's seed."""
    return frozenset(found.op for found in lowerings() if found.family == "random_stateful")


class ModelState:
    """The state of a loaded model.

    Args:
        model: The opened model.
        tags: Which graph variant.
    """

    def __init__(self, model: SavedModel, tags: Any) -> None:
        self._model: SavedModel | None = model
        self.name = model.name
        self.tags = tags
        self.meta_graph: MetaGraph = model.graph(tags)
        self.seed = VariableHandle("seed", "int32", False, lambda: np.zeros(2, np.int32))
        self._resources: dict[int, Any] = {}
        self.lock = threading.RLock()

    @property
    def model(self) -> SavedModel:
        """The opened model.

        Raises:
            EngineError: It was closed.
        """
        self.check_open()
        assert self._model is not None  # noqa: S101 - it is open
        return self._model

    def check_open(self) -> None:
        """Refuse to go on with a model that was closed.

        Raises:
            EngineError: It was.
        """
        if self._model is None:
            raise EngineError(f"model {self.name!r} was closed; load it again")

    def close(self) -> None:
        """Let go of variables, plans and files."""
        self._model = None
        self.handles.clear()
        self._resources.clear()
        self.__dict__.pop("planner", None)
        self.__dict__.pop("gradients", None)

    @cached_property
    def gradients(self) -> CustomGradients:
        """The model's custom gradients."""
        return CustomGradients(self.meta_graph, self.resource)

    @cached_property
    def planner(self) -> Planner:
        """Plans the model's functions."""
        return Planner(self.gradients.library, self.gradients)

    @cached_property
    def variables(self) -> tuple[Variable, ...]:
        """What the file says about variables."""
        return self.model.variables(self.tags)

    @cached_property
    def handles(self) -> dict[int, VariableHandle]:
        """The model's variables by their number among the objects."""
        found = {}
        for variable in self.variables:
            if variable.node_id is not None:
                found[variable.node_id] = self._handle(variable)
        return found

    def _handle(self, variable: Variable) -> VariableHandle:
        return VariableHandle(
            variable.name or variable.path,
            variable.dtype.name,
            variable.trainable,
            lambda: self._initial_value(variable),
        )

    def _initial_value(self, variable: Variable) -> Any:
        if self.model.store.bundle is None:
            raise SavedModelError(
                f"model {self.name!r} has no file 'variables/variables.index': the values of its "
                "variables are missing; fetch the model again"
            )
        if variable.key is None:
            raise EngineError(
                f"variable {variable.path or variable.name!r} of model {self.name!r} was saved "
                "without a value"
            )
        # Weights that a disk or a download damaged would go on unnoticed.
        self.model.store.verify(variable.key)
        return read_value(self.model, variable)

    def captured_variables(self, functions: Iterable[ConcreteFunction]) -> list[Any]:
        """The Keras variables that concrete functions take, each once.

        That of the seed is among them where random numbers are drawn: what a training step does
        not know as a layer's variable would start each step from the same.
        """
        functions = tuple(functions)
        numbers = dict.fromkeys(n for function in functions for n in function.bound_inputs)
        found = [self.handles[n].variable for n in numbers if n in self.handles]
        draws = any(self._called.ops(function.name) & drawing_ops() for function in functions)
        return [*found, self.seed.variable] if draws else found

    @cached_property
    def _called(self) -> CalledOps:
        return CalledOps(self.meta_graph.functions)

    def capture(self, capture: Capture) -> Any:
        """What a function gets for something that it captures.

        Raises:
            EngineError: It is of a kind that this engine does not have.
        """
        if capture.node_id is None:
            raise EngineError(
                f"model {self.name!r} takes {capture.kind} {capture.name!r} from a main graph; "
                "engine 'portable' runs functions of objects; use engine='tensorflow'"
            )
        return self.resource(capture.node_id)

    def resource(self, node_id: int) -> Any:
        """The object of a number as functions take it.

        Raises:
            EngineError: It is of a kind that this engine does not have.
        """
        node = self.meta_graph.objects.nodes[node_id]
        if node.kind == VARIABLE:
            return self.handles[node_id]
        if node.kind == ASSET:
            return self._asset(node)
        path = self.meta_graph.objects.paths.get(node_id, "")
        raise EngineError(
            f"model {self.name!r} uses {path or node_id!r}, a {node.kind}; engine 'portable' has "
            "variables and assets; use engine='tensorflow'"
        )

    def constant(self, node: Any) -> Any:
        """The value of a captured constant, an array that must not be written to."""
        operation = node.details.operation
        return read_tensor(self.meta_graph.nodes[operation].attr["value"].tensor)

    def _asset(self, node: Any) -> Any:
        layout = self.model.layout
        assert layout is not None  # noqa: S101 - it was read from a directory
        name = self.meta_graph.assets[node.details.asset_file_def_index]
        path = np.empty((), object)
        path[()] = str(layout.root / "assets" / name).encode()
        return path
