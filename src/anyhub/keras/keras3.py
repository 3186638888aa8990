"""KerasLayer for Keras 3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from anyhub.engines import choose_engine
from anyhub.errors import EngineError
from anyhub.keras.arguments import LayerArguments
from anyhub.keras.call import HubCall
from anyhub.keras.embedding import embed_model, extract_model
from anyhub.keras.free_sizes import infer_with_sizes
from anyhub.keras.safe_mode import in_safe_mode
from anyhub.settings import Settings

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

# Keras would make a float input of them, whatever the model takes; the first call knows better.
_SHAPE_ARGUMENTS = ("input_shape", "batch_input_shape", "input_dim")


@keras.saving.register_keras_serializable(package="anyhub")
class KerasLayer(keras.layers.Layer):
    """Wraps a model, or any callable with variables, as a Keras layer.

    The layer's weights are the model's variables. They are frozen unless `trainable=True`; then
    the model runs in training mode in training calls (dropout, batch normalization updates),
    and its regularization losses are losses of the layer.

    Args:
        handle: What `anyhub.load` takes, or a callable object, understood by its attributes
            `variables`, `trainable_variables` and `regularization_losses` where it has them.
        trainable: Whether the weights are trained; may be changed later by `layer.trainable`.
        arguments: Keyword arguments passed to the model in every call.
        tags: Which graph variant to load; see `anyhub.load`.
        signature: Call this signature instead of the model itself. Models of the TF1 Hub
            format use "default" when it is unset.
        signature_outputs_as_dict: Return all outputs of the signature as a dict.
        output_key: Return this item of the dict that the model returns. With `signature`,
            either this or `signature_outputs_as_dict` is needed.
        output_shape: Shape, or nest of shapes, of the outputs without the batch dimension, for
            models whose functions do not tell it.
        load_options: Passed to `anyhub.load` as `options`.
        engine: Passed to `anyhub.load`.
        embed: Whether configurations and `.keras` files carry the model itself instead of the
            handle only.
        **kwargs: `name`, `dtype` and the other arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: A tensor, or a list or dict of tensors, of the shapes and dtypes that the model
            accepts. Python values become tensors; floats are cast to the model's width, under a
            mixed precision policy too: the model computes, and returns, what it was saved with.
        training: Whether it is a training call.

    Raises:
        HubError: As `anyhub.load`, and: SignatureError, LayerError for arguments that do not
            fit the model; in calls InputError and OutputKeyError.

    Example:
        >>> import anyhub as hub, keras
        >>> embed = hub.KerasLayer("https://example.com/google/nnlm/2")  # doctest: +SKIP
        >>> model = keras.Sequential([embed, keras.layers.Dense(1)])  # doctest: +SKIP
    """

    def __init__(
        self,
        handle: str | os.PathLike[str] | Callable[..., Any],
        trainable: bool = False,
        arguments: dict[str, Any] | None = None,
        *,
        tags: str | Sequence[str] | None = None,
        signature: str | None = None,
        signature_outputs_as_dict: bool | None = None,
        output_key: str | None = None,
        output_shape: Any = None,
        load_options: Any = None,
        engine: str | None = None,
        embed: bool = False,
        embedded_model: str | None = None,
        **kwargs: Any,
    ) -> None:
        made_with = LayerArguments(
            handle=handle,
            arguments=arguments,
            tags=tags,
            signature=signature,
            signature_outputs_as_dict=bool(signature_outputs_as_dict),
            output_key=output_key,
            output_shape=output_shape,
            load_options=load_options,
            engine=engine,
            embed=embed,
        )
        _check_backend(engine)
        source = extract_model(embedded_model, str(handle)) if embedded_model else None
        # A file from somewhere says which model to run, so Keras' safe mode must hold for it.
        hub_call = HubCall(made_with, source, safe=in_safe_mode(keras.__name__))
        losses = hub_call.regularization_losses()
        for name in _SHAPE_ARGUMENTS:
            kwargs.pop(name, None)
        super().__init__(trainable=trainable, **kwargs)
        # The model decides what it takes; Keras must neither convert nor refuse it.
        self._convert_input_args = False
        self._allow_non_tensor_positional_args = True
        self.supports_jit = hub_call.supports_jit()
        self._embedded_model = embedded_model
        self._hub_call = hub_call
        # As an attribute of its own, TensorFlow finds the model's tables and assets in exports.
        self._func = hub_call.loaded
        self._regularization_losses = tuple(losses)
        if isinstance(hub_call.loaded, keras.layers.Layer):
            # Keras tracks its weights; a model asks the weights, not this layer, if they train.
            if not trainable:
                self.trainable = False
        else:
            self._adopt_variables()
        self.built = True

    @property
    def resolved_object(self) -> Any:
        """The loaded model, or the callable that the layer was made from."""
        return self._hub_call.loaded

    @property
    def compute_dtype(self) -> Any:
        """Dtype of the model's input, so that Keras makes fitting inputs in Sequential."""
        return self._hub_call.input_dtype() or super().compute_dtype

    @property
    def variable_dtype(self) -> Any:
        """The same: a difference from `compute_dtype` means mixed precision to Keras."""
        return self.compute_dtype

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Call the layer; Keras refuses nests that mix tensors and Python values."""
        floats = super().compute_dtype if self.autocast else None
        floats = floats if floats is not None and "float" in floats else None
        return super().__call__(self._hub_call.to_tensors(inputs, floats), *args, **kwargs)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Call the model; see the class."""
        if self.trainable:
            self._hub_call.check_trainable(bool(self.trainable_weights))
        if training is None or not self.trainable:
            training = False
        return self._hub_call(inputs, training)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Shapes and dtypes of the outputs, by tracing the model."""

        # The Layer class would ask `compute_output_shape`, which does not know dtypes.
        def trace(*args: Any, **kwargs: Any) -> Any:
            return keras.Operation.compute_output_spec(self, *args, **kwargs)

        return infer_with_sizes(trace, args, kwargs) if _needs_sizes() else trace(*args, **kwargs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shapes of the outputs; from `output_shape` where it is set.

        Args:
            input_shape: Shape of the only input, or a nest of shapes.
        """
        if self._hub_call.arguments.output_shape is not None:
            return self._hub_call.output_shapes(input_shape)
        inputs = _symbols(input_shape, self.compute_dtype)
        outputs = self.compute_output_spec(inputs)
        return keras.tree.map_structure(lambda output: output.shape, outputs)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the layer as JSON values.

        Raises:
            NotImplementedError: The layer was made from an object instead of a handle.
            LayerError: An argument is not JSON.
        """
        made_with = self._hub_call.arguments
        config = {**super().get_config(), **made_with.to_config()}
        if made_with.embed:
            if self._embedded_model is None:
                self._embedded_model = embed_model(str(made_with.handle))
            config["embedded_model"] = self._embedded_model
        return config

    def _get_own_losses(self) -> list[Any]:
        # Keras asks each layer here, which `add_loss` cannot serve outside of a call.
        losses = list(super()._get_own_losses())
        if self.trainable:
            losses += [loss() for loss in self._regularization_losses]
        return losses

    def _adopt_variables(self) -> None:
        trainable, others = self._hub_call.variables()
        for variable in trainable:
            self._adopt(variable, trainable=True)
        for variable in others:
            if isinstance(variable, keras.Variable) or _holds_numbers(variable):
                self._adopt(variable, trainable=False)

    def _adopt(self, variable: Any, trainable: bool) -> None:
        """Make a variable of the model a weight of this layer; both share the value."""
        if isinstance(variable, keras.Variable):
            variable.trainable = trainable
        else:
            variable = _weight_of(variable, trainable, trains=trainable and self.trainable)
        # Freezes the weight when the layer is frozen, but remembers what it can be.
        self._track_variable(variable)


def _needs_sizes() -> bool:
    # Keras on JAX stands symbols in for free sizes, with which graphs cannot compute.
    return bool(keras.backend.backend() == "jax")


def _holds_numbers(variable: Any) -> bool:
    """Whether a TensorFlow variable can be a weight; other state is saved with the model."""
    is_number = variable.dtype.name not in ("string", "resource", "variant")
    return is_number and bool(variable.shape.is_fully_defined())


def _weight_of(variable: Any, trainable: bool, *, trains: bool) -> Any:
    """The Keras variable that stands for a TensorFlow variable.

    Layers that share a variable share its Keras variable, so that an optimizer sees it once; only
    a frozen and a training layer have one each, since it holds the switch.
    """
    weights = variable.__dict__.setdefault("_anyhub_keras_weights", {})
    if (trainable, trains) not in weights:
        weights[trainable, trains] = keras.Variable(
            variable,
            dtype=variable.dtype.name,
            trainable=trainable,
            autocast=False,
            name=variable.name.partition(":")[0].replace("/", "_") or None,
        )
    return weights[trainable, trains]


def _symbols(shape: Any, dtype: str) -> Any:
    """Symbolic tensors of a shape or a nest of shapes."""
    if isinstance(shape, dict):
        return {key: _symbols(item, dtype) for key, item in shape.items()}
    if shape and isinstance(shape[0], (list, tuple, dict)):
        return [_symbols(item, dtype) for item in shape]
    return keras.KerasTensor(shape, dtype)


def _check_backend(engine: str | None) -> None:
    backend = keras.backend.backend()
    chosen = choose_engine(engine, Settings.from_environment()).name
    if chosen == "tensorflow" and backend != "tensorflow":
        raise EngineError(
            f"KerasLayer on engine 'tensorflow' needs the TensorFlow backend of Keras, found "
            f"{backend!r}; set the environment variable KERAS_BACKEND=tensorflow"
        )
