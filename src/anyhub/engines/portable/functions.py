"""What callers call: functions of a model's objects, and its signatures."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from anyhub.engines.base import Form
from anyhub.engines.portable.arguments import CONVERTED, WIDENED, fit, plain_value
from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.binding import bind, mismatch
from anyhub.engines.portable.trace import Trace
from anyhub.errors import InputError
from anyhub.graph.endpoint import find_function
from anyhub.savedmodel.structured import TensorSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from anyhub.engines.portable.model_state import ModelState
    from anyhub.savedmodel.functions import RestoredFunction
    from anyhub.savedmodel.signatures import Signature

Call = TypeVar("Call", bound="Callable[..., Any]")
not_compiled: Callable[[Call], Call] = primitives("execution").not_compiled


class PortableFunction:
    """A function of a model, called with tensors, arrays and Python values.

    It has the traces that were saved: the call is run by the one whose arguments fit.

    Args:
        state: The model.
        function: What the file says about it.
    """

    def __init__(self, state: ModelState, function: RestoredFunction) -> None:
        self._state = state
        self._function = function
        self._traces = [Trace(state, trace.name) for trace in function.concrete_functions]

    @property
    def path(self) -> str:
        """Where it is among the model's objects, e.g. "encoder.__call__"."""
        return self._function.path

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of its parameters."""
        argspec = self._function.argspec
        return (*argspec.args, *argspec.kwonlyargs)

    @cached_property
    def forms(self) -> tuple[Form, ...]:
        """The ways in which it can be called."""
        signatures = [trace.input_signature for trace in self._function.concrete_functions]
        return tuple(Form(args, kwargs) for args, kwargs in signatures)

    @property
    def traces(self) -> tuple[Trace, ...]:
        """Its concrete functions, in the order of `forms`."""
        return tuple(self._traces)

    @not_compiled
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it.

        Args:
            *args: As the saved function took them.
            **kwargs: Likewise.

        Returns:
            Tensors of the Keras backend, nested as the function returned them; strings are
            NumPy arrays of `bytes` objects.

        Raises:
            InputError: No trace accepts the arguments; the message lists those that exist.
            EngineError: The function uses ops that the engine lacks.
        """
        name = f"{self._state.name!r}" if self.path == "__call__" else repr(self.path)
        index, tensors = bind(name, self._function.argspec, self.forms, args, kwargs)
        structure = self._function.concrete_functions[index].output_signature
        return self._traces[index](tensors, structure)

    def captured_variables(self) -> list[Any]:
        """The variables (`keras.Variable`) that its traces take, each once."""
        return self._state.captured_variables(self._function.concrete_functions)

    def __repr__(self) -> str:
        return f"<function {self.path!r} of model {self._state.name!r}, {len(self._traces)} traces>"


class PortableSignature:
    """A signature of a model: takes tensors by name, returns a dict of tensors.

    Args:
        state: The model.
        name: The signature's name.
        signature: What the file says about it.
    """

    def __init__(self, state: ModelState, name: str, signature: Signature) -> None:
        self._state = state
        self._name = name
        self._signature = signature
        self.trace = Trace(state, name)

    @cached_property
    def structured_input_signature(self) -> tuple[tuple[()], dict[str, TensorSpec]]:
        """What it takes, as `tf.function` would say it."""
        return (), _specs(self._signature.inputs)

    @cached_property
    def structured_outputs(self) -> dict[str, TensorSpec]:
        """What it returns, by name."""
        return _specs(self._signature.outputs)

    @property
    def forms(self) -> tuple[Form, ...]:
        """The one way in which it can be called."""
        return (Form((), self.structured_input_signature[1]),)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of its inputs."""
        return tuple(self._signature.inputs)

    def captured_variables(self) -> list[Any]:
        """The variables (`keras.Variable`) that it takes, each once."""
        function = find_function(self._state.meta_graph, self._name)
        return [] if function is None else self._state.captured_variables([function])

    @not_compiled
    def __call__(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Call it.

        Args:
            *args: The only input, where there is one.
            **kwargs: Inputs by name: tensors, arrays or Python values.

        Returns:
            The outputs by name.

        Raises:
            InputError: An input is missing, unknown, or of another type or shape.
            EngineError: The signature uses ops that the engine lacks.
        """
        given = {**kwargs}
        if len(args) == 1 and not kwargs and len(self.parameters) == 1:
            given = {self.parameters[0]: args[0]}
            args = ()
        plain = {name: plain_value(value) for name, value in given.items()}
        return self.trace.by_name(self._fit(args, plain))

    def _fit(self, args: tuple[Any, ...], given: Mapping[str, Any]) -> dict[str, Any]:
        filled = {**self._signature.defaults, **given}
        specs = self.structured_input_signature[1]
        found: dict[str, Any] = {}
        if not args and {*filled} == {*specs}:
            for name, spec in specs.items():
                value = filled[name]
                fitted = (fit(value, spec, strictness) for strictness in (CONVERTED, WIDENED))
                found[name] = next((value for value in fitted if value is not None), None)
        if len(found) < len(specs) or any(value is None for value in found.values()):
            title = f"signature {self._name!r} of {self._state.name!r}"
            raise InputError(mismatch(title, self.forms, (), args, filled))
        return found

    def __repr__(self) -> str:
        return f"<signature {self._name!r} of model {self._state.name!r}>"


def _specs(infos: Mapping[str, Any]) -> dict[str, TensorSpec]:
    return {
        name: TensorSpec(info.shape, info.dtype, name)
        for name, info in infos.items()
        if info.dtype is not None
    }
