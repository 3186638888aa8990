"""KerasLayer for Keras 2: `tf_keras`, or `tf.keras` of TensorFlow up to 2.15."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from anyhub.engines.keras_backend import is_keras3_installed
from anyhub.errors import MissingDependencyError
from anyhub.keras.arguments import LayerArguments
from anyhub.keras.call import HubCall
from anyhub.keras.choice import wants_tf_keras
from anyhub.keras.embedding import embed_model, extract_model
from anyhub.keras.safe_mode import in_safe_mode

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence


def _import_keras2() -> Any:
    # Up to TensorFlow 2.15 the package `keras` is what `tf.keras` is, unless told otherwise.
    name = "tf_keras" if is_keras3_installed() or wants_tf_keras() else "keras"
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingDependencyError(
            "KerasLayer for Keras 2 needs the package 'tf_keras', which is not installed; "
            "run: pip install tf_keras"
        ) from error


keras = _import_keras2()


@keras.utils.register_keras_serializable(package="anyhub")
class KerasLayer(keras.layers.Layer):  # type: ignore[name-defined,misc,unused-ignore]
    """Wraps a model, or any callable with variables, as a layer of Keras 2.

    Arguments, call arguments and errors are those of the class for Keras 3, see
    `anyhub.keras.keras3.KerasLayer`; `**kwargs` are those of Keras 2's `Layer`.

    Example:
        >>> import anyhub as hub, tf_keras
        >>> embed = hub.KerasLayer("https://example.com/google/nnlm/2")  # doctest: +SKIP
        >>> model = tf_keras.Sequential([embed, tf_keras.layers.Dense(1)])  # doctest: +SKIP
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
        source = extract_model(embedded_model, str(handle)) if embedded_model else None
        # A file from somewhere says which model to run, so Keras' safe mode must hold for it.
        hub_call = HubCall(made_with, source, safe=in_safe_mode(keras.__name__))
        losses = hub_call.regularization_losses()
        # The model decides what it takes, so Keras must not cast.
        casts = kwargs.pop("autocast", True)
        super().__init__(trainable=trainable, autocast=False, **kwargs)
        self._float_dtype = _float_name(self.compute_dtype) if casts else None
        self._embedded_model = embedded_model
        self._hub_call = hub_call
        # As an attribute of its own, TensorFlow finds the model's tables and assets in exports.
        # Under this name, so that checkpoints of the original library find their values.
        self._func = hub_call.loaded
        if not isinstance(hub_call.loaded, keras.layers.Layer):
            self._adopt_variables()
        for loss in losses:
            self.add_loss(self._only_if_trainable(loss))

    @property
    def resolved_object(self) -> Any:
        """The loaded model, or the callable that the layer was made from."""
        return self._hub_call.loaded

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Call the layer; Keras would make each number of a list a tensor of its own."""
        inputs = self._hub_call.to_tensors(inputs, self._float_dtype)
        return super().__call__(inputs, *args, **kwargs)

    def call(self, inputs: Any, training: Any = None) -> Any:
        """Call the model; see the class."""
        if not self.trainable:
            return self._hub_call(inputs, False)
        self._hub_call.check_trainable(bool(self.trainable_weights))
        if training is None:
            training = keras.backend.learning_phase()
        return self._hub_call(inputs, training)

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

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shapes of the outputs; from `output_shape` where it is set."""
        shapes = self._hub_call.arguments.output_shape
        if shapes is None:
            return super().compute_output_shape(input_shape)
        return self._hub_call.output_shapes(input_shape)

    def _only_if_trainable(self, loss: Callable[[], Any]) -> Callable[[], Any]:
        # Keras leaves out losses that are None.
        return lambda: loss() if self.trainable else None

    def _adopt_variables(self) -> None:
        trainable, others = self._hub_call.variables()
        for variable in trainable:
            self._adopt(variable, trainable=True)
        for variable in others:
            self._adopt(variable, trainable=False)

    def _adopt(self, variable: Any, trainable: bool) -> None:
        """Make a variable of the model a weight of this layer, without making a new one."""
        self.add_weight(
            name=variable.name,
            shape=variable.shape,
            dtype=variable.dtype,
            trainable=trainable,
            getter=lambda *_, **__: variable,
            experimental_autocast=False,
        )


def _float_name(dtype: Any) -> str | None:
    """The name of a dtype if it is one of floats."""
    name = str(getattr(dtype, "name", dtype))
    return name if "float" in name else None
