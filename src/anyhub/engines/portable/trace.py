"""A trace: a concrete function of a model, planned when it is first called."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.collector import paused_collector
from anyhub.engines.portable.nests import leaves, rebuild
from anyhub.errors import EngineError
from anyhub.graph.attributes import dtype_attribute
from anyhub.graph.effects import has_effect
from anyhub.graph.endpoint import endpoint_graph
from anyhub.savedmodel.structured import TensorSpec, TypeSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from anyhub.engines.portable.model_state import ModelState
    from anyhub.graph.endpoint import Endpoint

_execution = primitives("execution")


class Trace:
    """A concrete function.

    Args:
        state: The model that it belongs to.
        name: Its name in the model's library, or that of a signature.
    """

    def __init__(self, state: ModelState, name: str) -> None:
        self._state = state
        self.name = name

    @cached_property
    def endpoint(self) -> Endpoint:
        """Its graph, calls inlined."""
        state = self._state
        return endpoint_graph(
            state.model, self.name, tags=state.tags, library=state.gradients.library
        )

    @cached_property
    def execute(self) -> Callable[[Sequence[Any]], Sequence[Any]]:
        """Runs it: takes its tensors, returns its outputs.

        Raises:
            EngineError: Ops are missing.
        """
        state = self._state
        with paused_collector():
            endpoint = self.endpoint
            plan = state.planner.plan(endpoint.graph)
        captures = [state.capture(capture) for capture in endpoint.captures]
        nodes = endpoint.graph.nodes
        dtypes = [dtype_attribute(nodes[name], "T").name for name in endpoint.arguments]
        executor: Callable[..., Sequence[Any]]
        executor = _execution.Executor(plan, dtypes, captures, state.seed)
        return executor

    def __call__(self, tensors: Sequence[Any], structure: Any) -> Any:
        """Run it.

        Args:
            tensors: A value for each argument, in order.
            structure: The nest of specs that the outputs form, None for a list.

        Returns:
            The outputs: tensors of the backend, arrays of `bytes` objects for strings.
        """
        if len(tensors) != len(self.endpoint.arguments):
            raise EngineError(
                f"function {self.name!r} takes {len(self.endpoint.arguments)} tensors, but its "
                f"description names {len(tensors)}"
            )
        outputs = self._run(list(tensors))
        if structure is None:
            # A function that returns nothing has no structure either.
            return list(outputs) or None
        return _structured(outputs, structure, self.name)

    def _run(self, tensors: Sequence[Any]) -> Sequence[Any]:
        self._state.check_open()
        if not self._has_effects:
            return self.execute(tensors)
        # Else what one thread assigns could be lost in another's.
        with self._state.lock:
            return self.execute(tensors)

    @cached_property
    def _has_effects(self) -> bool:
        return any(map(has_effect, self.endpoint.graph.nodes.values()))

    def by_name(self, tensors: Mapping[str, Any]) -> dict[str, Any]:
        """Run a signature.

        Args:
            tensors: A value for each input by its name.

        Returns:
            The outputs by name.
        """
        endpoint = self.endpoint
        arguments: dict[str, Any] = {}
        for name, value in tensors.items():
            parts = endpoint.input_names[name]
            if len(parts) != 1:
                raise EngineError(
                    f"signature {self.name!r} takes {name!r} in {len(parts)} parts, as a sparse or "
                    "composite tensor; engine 'portable' takes dense ones; use engine='tensorflow'"
                )
            arguments[parts[0]] = value
        outputs = self._run([arguments[name] for name in endpoint.arguments])
        return dict(zip(endpoint.graph.output_names, outputs, strict=True))


def _structured(outputs: Sequence[Any], structure: Any, name: str) -> Any:
    specs = [leaf for leaf in leaves(structure) if leaf is not None]
    composite = [spec for spec in specs if isinstance(spec, TypeSpec)]
    if composite:
        raise EngineError(
            f"function {name!r} returns {composite[0].class_name or composite[0].kind}; engine "
            "'portable' returns dense tensors; use engine='tensorflow'"
        )
    if len([spec for spec in specs if isinstance(spec, TensorSpec)]) != len(outputs):
        raise EngineError(
            f"function {name!r} has {len(outputs)} outputs, but its description names {len(specs)}"
        )
    rest = iter(outputs)
    return rebuild(structure, lambda leaf: next(rest) if isinstance(leaf, TensorSpec) else leaf)
