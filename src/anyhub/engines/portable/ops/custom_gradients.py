"""IdentityN: where `tf.custom_gradient` says how to differentiate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable import values
from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.registry import lower_raw
from anyhub.engines.portable.staging import pack, unpack
from anyhub.engines.portable.tensor_list import zeros
from anyhub.engines.portable.variables import VariableHandle
from anyhub.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anyhub.engines.portable.gradients import CustomGradient, CustomGradients
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute
    from anyhub.engines.portable.run import Run

_control = primitives("control")


@lower_raw(
    "IdentityN",
    limits=(
        "A custom gradient that was not saved with the model is that of the ops it was given for. "
        "Derivatives by resources are not passed on."
    ),
)
def identity_n(node: NodeView) -> Compute:
    gradients = node.gradients
    if gradients is None or not node.has("_gradient_op_type"):
        return _pass_on
    gradient = gradients.find(node.text("_gradient_op_type"))
    if gradient is None:
        return _pass_on
    count = gradient.count

    def run(run: Run, *things: Any) -> list[Any]:
        rule = _Rule(run, gradients, gradient, things[:count], things[count:])
        return [*rule.apply(), *things[count:]]

    return run


def _pass_on(_run: Run, *things: Any) -> tuple[Any, ...]:
    return things


class _Rule:
    """A custom gradient at work."""

    def __init__(
        self,
        run: Run,
        gradients: CustomGradients,
        gradient: CustomGradient,
        things: Sequence[Any],
        further: Sequence[Any],
    ) -> None:
        self._run, self._gradients, self._gradient = run, gradients, gradient
        self._things = things
        self._moving = [i for i in range(len(things)) if self._is_moving(i)]
        self._saved: list[Any] = []
        self._further = [pack(value, self._saved) for value in further]
        # What is read later could be another value, and compiled code could not tell it from now.
        self._handles = gradients.variables(gradient)
        self._saved += map(run.read, self._handles)

    def _is_moving(self, index: int) -> bool:
        """Whether derivatives flow through a value."""
        value = self._things[index]
        if values.is_host(value):
            # A result that is constant by itself may have derivatives all the same.
            is_result = self._gradient.places[index] is None
            return is_result and _is_float(value) and any(map(_control.is_tensor, self._things))
        return bool(_control.is_tensor(value)) and _is_float(value)

    def apply(self) -> list[Any]:
        """The values, with the gradient's derivatives."""
        found = [*self._things]
        tensors = [values.to_device(found[i]) for i in self._moving]
        if tensors:
            results = _control.with_gradient(tensors, self._saved, self._differentiate)
            for i, result in zip(self._moving, results, strict=True):
                found[i] = result
        return found

    def _differentiate(self, upstream: Sequence[Any], saved: Sequence[Any]) -> list[Any]:
        gradient = self._gradient
        left = iter(saved)
        further = [unpack(packed, left) for packed in self._further]
        captured = self._gradients.captured(gradient, further)
        fork = self._run.fork(dict(zip(self._handles, left, strict=True)))
        given = dict(zip(self._moving, upstream, strict=True))
        arguments = [given[i] if i in given else self._nothing(i) for i in range(gradient.count)]
        places = [gradient.places[i] or (0, 0) for i in self._moving]
        wanted = tuple(output for place in places for output in range(*place))
        results = self._gradients.plan(gradient, wanted)(fork, *arguments, *captured)
        found = dict(zip(wanted, results, strict=True))
        return [self._derivative(i, found) for i in self._moving]

    def _nothing(self, index: int) -> Any:
        """Zeros in place of the derivative by a value that has none."""
        value = self._things[index]
        if isinstance(value, VariableHandle):
            value = self._run.read(value)
        if _control.is_tensor(value):
            return K.zeros_like(value)
        is_array = values.is_host(value)
        return zeros(value.shape, self._gradient.types[index]) if is_array else None

    def _derivative(self, index: int, found: Mapping[int, Any]) -> Any:
        place = self._gradient.places[index]
        if place is None:
            return None
        value = self._things[index]
        parts = [values.to_device(found[output]) for output in range(*place)]
        result = parts[0] if len(parts) == 1 else _summed(parts, values.shape_of(value)[0])
        shape, wanted = values.open_shape(result), values.open_shape(value)
        if None not in (*shape, *wanted) and shape != wanted:
            raise EngineError(
                f"custom gradient {self._gradient.function!r} gives a derivative of shape {shape} "
                f"for a tensor of shape {wanted}"
            )
        return values.cast(result, values.dtype_name(value))


def _summed(parts: Sequence[Any], rows: int) -> Any:
    """The tensor that slices of it, some maybe twice, add up to."""
    return K.segment_sum(parts[0], parts[1], num_segments=rows)


def _is_float(value: Any) -> bool:
    return values.dtype_name(value) in _FLOATS


_FLOATS = frozenset({"float16", "bfloat16", "float32", "float64", "complex64", "complex128"})
