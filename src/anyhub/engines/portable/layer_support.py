"""What a Keras layer needs to call the portable engine's functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from anyhub.engines.portable import values
from anyhub.engines.portable.conversion import to_tensors
from anyhub.engines.portable.nests import leaves
from anyhub.errors import LayerError
from anyhub.savedmodel.structured import TensorSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from anyhub.engines.base import Form


class PortableLayerSupport:
    """Implements `anyhub.engines.base.LayerSupport` for the portable engine."""

    def forms(self, function: Callable[..., Any]) -> tuple[Form, ...]:
        """The forms of a function or signature; none of other callables."""
        return tuple(getattr(_function_of(function), "forms", ()))

    def parameter_names(self, function: Callable[..., Any]) -> tuple[str, ...]:
        """Names of the parameters of a function or signature."""
        return tuple(getattr(_function_of(function), "parameters", ()))

    def variables(
        self, loaded: Any, function: Callable[..., Any], *, by_signature: bool
    ) -> tuple[list[Any], list[Any]]:
        """What the model lists, and what the function takes beyond it; a signature's own."""
        used = _captured_variables(_function_of(function))
        if by_signature:
            return [v for v in used if v.trainable], [v for v in used if not v.trainable]
        trainable = list(getattr(loaded, "trainable_variables", ()))
        known = {id(variable) for variable in trainable}
        rest = {id(v): v for v in (*getattr(loaded, "variables", ()), *used)}
        return trainable, [v for number, v in rest.items() if number not in known]

    def trains_signatures(self) -> bool:
        """Whether a model can be trained through a signature."""
        return True

    def supports_jit(self, function: Callable[..., Any]) -> bool:
        """Whether a compiler can take it: on JAX all but strings, on torch as Python."""
        if keras.backend.backend() == "tensorflow":
            # Where XLA lacks kernels that TensorFlow has, it would refuse the whole step.
            return False
        specs = leaves([[form.args, form.kwargs] for form in self.forms(function)])
        return not any(isinstance(s, TensorSpec) and s.dtype.name == "string" for s in specs)

    def to_tensors(self, value: Any, specs: Sequence[Any], float_dtype: str | None) -> Any:
        """Convert nests of Python values and arrays, and cast where that changes no meaning."""
        return to_tensors(value, specs, float_dtype)

    def call_either(
        self, flag: Any, if_true: Callable[[], Any], if_false: Callable[[], Any]
    ) -> Any:
        """Branch in Python where the flag's value is known, in the program otherwise."""
        if keras.ops.is_tensor(flag) and values.is_traced(flag):
            return keras.ops.cond(keras.ops.cast(flag, "bool"), if_true, if_false)
        return if_true() if flag else if_false()

    def set_shapes(self, outputs: Any, shapes: Any, inputs: Any) -> Any:
        """Check shapes: tensors here always know theirs."""
        del inputs
        found = keras.tree.map_structure(lambda output: tuple(output.shape), outputs)
        if not _fit_shapes(found, shapes):
            raise LayerError(
                f"KerasLayer(output_shape={shapes!r}) does not fit the outputs, whose shapes are "
                f"{found!r}; give the shapes without the batch dimension, nested as the outputs are"
            )
        return outputs

    def is_mismatch(self, error: Exception) -> bool:  # noqa: ARG002 - other engines look at it
        """Whether an error says so itself: then it need not be described again."""
        return False


def _captured_variables(function: Any) -> list[Any]:
    return [] if function is None else function.captured_variables()


def _function_of(function: Any) -> Any:
    """The function behind an object that is callable by its `__call__`."""
    if hasattr(function, "forms"):
        return function
    try:
        return function._restorer.restore(function._node.children["__call__"])
    except (AttributeError, KeyError):
        return None


def _fit_shapes(found: Any, shapes: Any) -> bool:
    if isinstance(found, dict):
        return isinstance(shapes, dict) and all(
            key in shapes and _fit_shapes(shape, shapes[key]) for key, shape in found.items()
        )
    if isinstance(found, list):
        return len(found) == len(shapes) and all(map(_fit_shapes, found, shapes))
    rest = found[1:]
    return len(rest) == len(shapes) and all(
        wanted is None or have == wanted for have, wanted in zip(rest, shapes, strict=True)
    )
