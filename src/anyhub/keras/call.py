"""The one behaviour of all KerasLayer classes: which callable, which arguments, which result."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from anyhub.engines import choose_engine, load
from anyhub.engines.describe import describe_mismatch
from anyhub.errors import EngineError, InputError, LayerError, OutputKeyError, SignatureError
from anyhub.keras.arguments import plain_shapes
from anyhub.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from anyhub.keras.arguments import LayerArguments

_LOG = logging.getLogger(__name__)


class HubCall:
    """A model, and how a layer calls it.

    Args:
        arguments: What the layer was made with.
        handle: Where to load from, when it is not the handle of the arguments.
        safe: Whether to refuse a model that would do more than compute.

    Raises:
        HubError: The model cannot be loaded; see `anyhub.load`.
        SignatureError: The model has no such signature, or one must be named.
        LayerError: The arguments contradict the model.
    """

    def __init__(
        self, arguments: LayerArguments, handle: str | None = None, *, safe: bool = False
    ) -> None:
        self.arguments = arguments
        self.engine = choose_engine(arguments.engine, Settings.from_environment())
        self.loaded = (
            load(
                handle or arguments.handle,
                arguments.tags,
                arguments.load_options,
                engine=self.engine.name,
                safe=safe,
            )
            if arguments.has_text_handle
            else arguments.handle
        )
        self._support = self.engine.layer_support()
        self._is_hub_module = bool(getattr(self.loaded, "_is_hub_module_v1", False))
        self.signature, self.output_key = self._complete_names()
        self._function = self._find_function()
        self._forms = self._support.forms(self._function)
        self._parameters = self._support.parameter_names(self._function)
        self.takes_training = "training" in self._parameters
        self._warned = False

    def variables(self) -> tuple[list[Any], list[Any]]:
        """The model's variables: those to train, and the others."""
        return self._support.variables(
            self.loaded, self._function, by_signature=self.signature is not None
        )

    def supports_jit(self) -> bool:
        """Whether Keras may have a compiler take training steps that call the model."""
        return self._support.supports_jit(self._function)

    def regularization_losses(self) -> list[Callable[[], Any]]:
        """The model's regularization losses: functions of nothing that return a scalar.

        Raises:
            LayerError: One of them is not callable.
        """
        losses = list(getattr(self.loaded, "regularization_losses", None) or ())
        for loss in losses:
            if not callable(loss):
                raise LayerError(
                    f"regularization_losses of {self._name} must be functions without arguments "
                    f"that return a scalar, found {type(loss).__name__} {loss!r}"
                )
        return losses

    def input_dtype(self) -> str | None:
        """Name of the dtype of the model's only input, None if there are several or unknown."""
        specs = self._input_specs()
        if self.signature is not None:
            specs = [value for spec in specs if len(spec) == 1 for value in spec.values()]
        found = {spec.dtype.name for spec in specs if hasattr(spec, "dtype")}
        return found.pop() if len(found) == 1 else None

    def check_trainable(self, has_weights: bool) -> None:
        """Refuse training where the model gives no means for it.

        Raises:
            EngineError: The model is used by a signature, which has no training mode.
        """
        if self.signature is not None and not self._support.trains_signatures():
            kind = "a model of the TF1 Hub format" if self._is_hub_module else "a signature"
            raise EngineError(
                f"KerasLayer({self._name}, trainable=True) is not possible on engine "
                f"{self.engine.name!r} with {kind}: signature {self.signature!r} has no training "
                "mode, losses or updates; set trainable=False, or use a SavedModel with __call__"
            )
        if not has_weights and not self._warned:
            self._warned = True
            _LOG.warning("KerasLayer(%s) is trainable but has no trainable weights", self._name)

    def to_tensors(self, inputs: Any, float_dtype: str | None = None) -> Any:
        """Turn Python values in the inputs into tensors of the dtypes that the model takes.

        Args:
            inputs: A nest of tensors, arrays and Python values.
            float_dtype: What floats become where the model does not say what it takes.
        """
        specs = self._input_specs()
        if self.signature is not None and not isinstance(inputs, dict):
            specs = [value for spec in specs if len(spec) == 1 for value in spec.values()]
        return self._support.to_tensors(inputs, specs, float_dtype)

    def __call__(self, inputs: Any, training: Any) -> Any:
        """Call the model.

        Args:
            inputs: A tensor, or a list or dict of tensors.
            training: Whether it is a training call, ignored if the model does not ask.

        Raises:
            InputError: The inputs match no form that the model accepts.
            OutputKeyError: There is no such output.
        """
        args, kwargs = self._bind(inputs)
        if self.takes_training:
            result = self._support.call_either(
                training,
                lambda: self._invoke(args, {**kwargs, "training": True}),
                lambda: self._invoke(args, {**kwargs, "training": False}),
            )
        else:
            result = self._invoke(args, kwargs)
        result = self._select(result)
        if self.arguments.output_shape is not None:
            flat = args[0] if args else list(kwargs.values())
            result = self._support.set_shapes(result, self.arguments.output_shape, flat)
        return result

    def output_shapes(self, input_shape: Any) -> Any:
        """The shapes of the outputs by the argument `output_shape`, with the batch dimension.

        Args:
            input_shape: Shape of the only input, or a nest of shapes.
        """
        return _with_batch(plain_shapes(self.arguments.output_shape), _batch_size(input_shape))

    @property
    def _name(self) -> str:
        handle = self.arguments.handle
        return repr(handle) if self.arguments.has_text_handle else type(handle).__name__

    def _complete_names(self) -> tuple[str | None, str | None]:
        arguments = self.arguments
        signature, output_key = arguments.signature, arguments.output_key
        if self._is_hub_module:
            signature = signature or "default"
            if not arguments.signature_outputs_as_dict:
                output_key = output_key or "default"
        if signature and (output_key is not None) == bool(arguments.signature_outputs_as_dict):
            found = "both" if output_key is not None else "neither"
            raise LayerError(
                f"KerasLayer({self._name}, signature={signature!r}) needs either output_key= or "
                f"signature_outputs_as_dict=True, found {found}"
                + self._available_outputs(signature)
            )
        if arguments.signature_outputs_as_dict and not signature:
            raise LayerError(
                f"KerasLayer({self._name}, signature_outputs_as_dict=True) needs signature=; "
                f"{self._available_signatures()}"
            )
        return signature, output_key

    def _available_signatures(self) -> str:
        names = list(getattr(self.loaded, "signatures", ()))
        if not names:
            return "the model has no signatures"
        return f"signatures of the model: {', '.join(map(repr, names))}"

    def _available_outputs(self, signature: str) -> str:
        function = dict(getattr(self.loaded, "signatures", {})).get(signature)
        outputs = getattr(function, "structured_outputs", None)
        return f"; its outputs: {', '.join(map(repr, outputs))}" if outputs else ""

    def _find_function(self) -> Callable[..., Any]:
        if self.signature is None:
            if callable(self.loaded):
                function: Callable[..., Any] = self.loaded
                return function
            raise SignatureError(
                f"{self._name} is not callable: it was saved without __call__; pass signature= "
                f"and output_key=; {self._available_signatures()}"
            )
        signatures = getattr(self.loaded, "signatures", {})
        if self.signature not in signatures:
            raise SignatureError(
                f"{self._name} has no signature {self.signature!r}; {self._available_signatures()}"
            )
        found: Callable[..., Any] = signatures[self.signature]
        return found

    def _input_specs(self) -> list[Any]:
        """What each form of the function takes as the layer's inputs."""
        if self.signature is None:
            return [form.args[0] for form in self._forms if form.args]
        return [dict(form.kwargs) for form in self._forms]

    def _bind(self, inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Put the inputs where the function takes them."""
        kwargs = self.arguments.call_arguments
        if self.signature is None:
            return (self.to_tensors(inputs),), kwargs
        if not self._forms and not isinstance(inputs, dict):
            return (self.to_tensors(inputs),), kwargs
        by_name = inputs if isinstance(inputs, dict) else self._name_input(inputs)
        return (), {**kwargs, **self.to_tensors(by_name)}

    def _name_input(self, inputs: Any) -> dict[str, Any]:
        names = [
            name for name in self._forms[0].kwargs if name not in self.arguments.call_arguments
        ]
        if len(names) == 1:
            return {names[0]: inputs}
        raise InputError(
            f"signature {self.signature!r} of {self._name} takes {len(names)} inputs by name; call "
            f"the layer with a dict of them: {', '.join(map(repr, names))}"
        )

    def _invoke(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            return self._function(*args, **kwargs)
        except (TypeError, ValueError) as error:
            if not self._forms or not self._support.is_mismatch(error):
                raise
            text = describe_mismatch(self._name, self._forms, self._parameters, args, kwargs)
            raise InputError(text) from error

    def _select(self, result: Any) -> Any:
        if self.output_key is None:
            return result
        if not isinstance(result, dict):
            raise OutputKeyError(
                f"KerasLayer({self._name}, output_key={self.output_key!r}): the model returns "
                f"{type(result).__name__}, not a dict; remove output_key="
            )
        if self.output_key not in result:
            raise OutputKeyError(
                f"{self._name} has no output {self.output_key!r}; available: "
                f"{', '.join(map(repr, sorted(result)))}"
            )
        return result[self.output_key]


def _batch_size(shape: Any) -> int | None:
    """The first dimension of the first shape in a nest of shapes."""
    if isinstance(shape, dict):
        return _batch_size(next(iter(shape.values())))
    first = shape[0]
    return _batch_size(first) if isinstance(first, (list, tuple, dict)) else first


def _with_batch(shapes: Any, batch: int | None) -> Any:
    if isinstance(shapes, dict):
        return {key: _with_batch(shape, batch) for key, shape in shapes.items()}
    if shapes and isinstance(shapes[0], (list, dict)):
        return [_with_batch(shape, batch) for shape in shapes]
    return (batch, *shapes)
