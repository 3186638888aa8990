"""What a Keras layer needs to call TensorFlow's restored functions."""

from __future__ import annotations

import inspect
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from anyhub.engines.base import Form
from anyhub.errors import LayerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# What `tf.function` says when arguments fit no trace, in the versions 2.15 to 2.21.
_MISMATCH_WORDS = (
    "Could not find matching concrete function",
    "Binding inputs to tf.function failed",
    "got unexpected keyword arguments",
    "Signature specifies",
    "Expected argument",
    "missing required arguments",
    "missing a required argument",
    "cannot compute",
    "Can not cast TensorSpec",
    "takes 0 positional arguments",
    "Expected at most",
)


class TensorFlowLayerSupport:
    """Implements `anyhub.engines.base.LayerSupport` for TensorFlow."""

    def forms(self, function: Callable[..., Any]) -> tuple[Form, ...]:
        """Read the signatures of all concrete functions."""
        target = _callable_of(function)
        functions = getattr(target, "concrete_functions", None)
        if functions is None:
            functions = [target] if hasattr(target, "structured_input_signature") else []
        signatures = (concrete.structured_input_signature for concrete in functions)
        return tuple(Form(tuple(args), dict(kwargs)) for args, kwargs in signatures)

    def parameter_names(self, function: Callable[..., Any]) -> tuple[str, ...]:
        """Read the Python signature."""
        try:
            names = tuple(inspect.signature(_callable_of(function)).parameters)
        except (TypeError, ValueError):
            return ()
        if names == ("args", "kwargs") and hasattr(function, "call"):
            # Keras layers and models: __call__ hides the parameters of call.
            return tuple(inspect.signature(function.call).parameters)
        return names

    def variables(
        self,
        loaded: Any,
        function: Callable[..., Any],  # noqa: ARG002 - other engines look into it
        *,
        by_signature: bool,  # noqa: ARG002 - likewise
    ) -> tuple[list[Any], list[Any]]:
        """What the model lists."""
        trainable = list(getattr(loaded, "trainable_variables", ()))
        known = {id(variable) for variable in trainable}
        return trainable, [v for v in getattr(loaded, "variables", ()) if id(v) not in known]

    def trains_signatures(self) -> bool:
        """Whether a model can be trained through a signature: it lists no variables for it."""
        return False

    def supports_jit(self, function: Callable[..., Any]) -> bool:  # noqa: ARG002 - see portable
        """Whether XLA can compile it: restored functions may hold strings and tables."""
        return False

    def to_tensors(self, value: Any, specs: Sequence[Any], float_dtype: str | None) -> Any:
        """Convert nests of Python values, arrays and tensors."""
        if isinstance(value, dict):
            pairs = [
                (key, self.to_tensors(item, _items(specs, dict, key), float_dtype))
                for key, item in value.items()
            ]
            return OrderedDict(pairs) if isinstance(value, OrderedDict) else dict(pairs)
        if isinstance(value, (list, tuple)) and (not _is_literal(value) or _are_nests(specs)):
            items = [
                self.to_tensors(item, _items(specs, (list, tuple), index), float_dtype)
                for index, item in enumerate(value)
            ]
            return items if isinstance(value, list) else _same_tuple(value, items)
        dtypes = _dtypes(specs)
        if not dtypes and float_dtype is not None:
            return _cast_float(_to_tensor(value, []), tf.as_dtype(float_dtype))
        return _to_tensor(value, dtypes)

    def call_either(
        self, flag: Any, if_true: Callable[[], Any], if_false: Callable[[], Any]
    ) -> Any:
        """Branch in Python where the flag's value is known, in the graph otherwise."""
        if tf.is_tensor(flag):
            known = tf.get_static_value(flag)
            if known is None:
                return tf.cond(tf.cast(flag, tf.bool), if_true, if_false)
            flag = known
        return if_true() if flag else if_false()

    def set_shapes(self, outputs: Any, shapes: Any, inputs: Any) -> Any:
        """Set static shapes, the batch dimension taken from the first input."""
        batch = tf.nest.flatten(inputs)[0].shape[:1]

        def set_shape(tensor: Any, shape: Sequence[int | None]) -> None:
            tensor.set_shape(batch.concatenate(tf.TensorShape(shape)))

        try:
            _each_shape(outputs, shapes, set_shape)
        except (KeyError, TypeError, ValueError) as error:
            found = tf.nest.map_structure(lambda output: tuple(output.shape), outputs)
            raise LayerError(
                f"KerasLayer(output_shape={shapes!r}) does not fit the outputs, whose shapes are "
                f"{found!r}; give the shapes without the batch dimension, nested as the outputs are"
            ) from error
        return outputs

    def is_mismatch(self, error: Exception) -> bool:
        """Recognise TensorFlow's messages for arguments that fit no trace."""
        return isinstance(error, (TypeError, ValueError)) and any(
            words in str(error) for words in _MISMATCH_WORDS
        )


def _callable_of(function: Any) -> Any:
    """The traced function behind a restored object, which is callable by its `__call__`."""
    if inspect.isroutine(function) or hasattr(function, "structured_input_signature"):
        return function
    return function if hasattr(function, "concrete_functions") else function.__call__


def _is_literal(value: Any) -> bool:
    """Whether a list holds only Python numbers and strings, so that it is one tensor."""
    if isinstance(value, (list, tuple)):
        return all(_is_literal(item) for item in value)
    return isinstance(value, (bool, int, float, complex, str, bytes))


def _are_nests(specs: Sequence[Any]) -> bool:
    return bool(specs) and all(isinstance(spec, (list, tuple)) for spec in specs)


def _items(specs: Sequence[Any], kind: Any, key: Any) -> list[Any]:
    found = []
    for spec in specs:
        if not isinstance(spec, kind):
            continue
        if isinstance(spec, dict):
            found += [spec[key]] if key in spec else []
        elif key < len(spec):
            found.append(spec[key])
    return found


def _same_tuple(like: tuple[Any, ...], items: list[Any]) -> Any:
    return type(like)(*items) if hasattr(like, "_fields") else tuple(items)


def _dtypes(specs: Sequence[Any]) -> list[Any]:
    """The element types that the specs accept, each once."""
    found = [spec.dtype for spec in specs if isinstance(getattr(spec, "dtype", None), tf.DType)]
    return list(dict.fromkeys(found))


def _to_tensor(value: Any, dtypes: Sequence[Any]) -> Any:
    if _is_literal(value):
        value = _literal_to_tensor(value, dtypes)
    elif _is_array(value):
        value = tf.convert_to_tensor(value)
    if not isinstance(value, (tf.Tensor, tf.Variable)) or value.dtype in dtypes:
        return value
    safe = [dtype for dtype in dtypes if _is_safe_cast(value.dtype, dtype)]
    # The widest of them loses least.
    return tf.cast(value, max(safe, key=lambda dtype: dtype.size)) if safe else value


def _cast_float(value: Any, dtype: Any) -> Any:
    is_float = isinstance(value, (tf.Tensor, tf.Variable)) and value.dtype.is_floating
    return tf.cast(value, dtype) if is_float and value.dtype != dtype else value


def _is_array(value: Any) -> bool:
    """Whether it is an array of NumPy or another library; Keras' symbols only look like one."""
    is_symbol = type(value).__name__ == "KerasTensor"
    return hasattr(value, "__array__") and not tf.is_tensor(value) and not is_symbol


def _literal_to_tensor(value: Any, dtypes: Sequence[Any]) -> Any:
    """Make a tensor of numbers or strings, of its natural type if that is accepted."""
    natural = tf.convert_to_tensor(value)
    if natural.dtype in dtypes:
        return natural
    # Python does not tell 1 from 1.0, so whole numbers may become floats, but not strings.
    for dtype in sorted(dtypes, key=lambda dtype: not dtype.is_floating):
        try:
            return tf.convert_to_tensor(value, dtype=dtype)
        except (TypeError, ValueError):
            continue
    return natural


def _is_safe_cast(found: Any, wanted: Any) -> bool:
    if found == wanted:
        return False
    if found.is_floating and wanted.is_floating:
        return True
    return bool(
        found.is_integer
        and wanted.is_integer
        and wanted.min <= found.min
        and found.max <= wanted.max
    )


def _each_shape(outputs: Any, shapes: Any, action: Callable[[Any, Any], None]) -> None:
    if isinstance(outputs, dict):
        for key, output in outputs.items():
            _each_shape(output, shapes[key], action)
    elif isinstance(outputs, (list, tuple)):
        for output, shape in zip(outputs, shapes, strict=True):
            _each_shape(output, shape, action)
    else:
        action(outputs, shapes)
