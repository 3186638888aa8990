"""A Keras model as a Reusable SavedModel."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


class Reusable(tf.train.Checkpoint):
    """The interface of Reusable SavedModels over a Keras model."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.variables = [v.value for v in model.variables]
        self.trainable_variables = [v.value for v in model.trainable_variables]
        # Weights of several axes are kernels or embeddings.
        regularized = [v.value for v in model.trainable_variables if len(v.shape) > 1]
        self.regularization_losses = [_l2(regularized[0], 0.01), _l2(regularized[-1], 0.02)]

        @tf.function(autograph=False)
        def call(inputs: Any, training: Any = False) -> Any:
            return model(inputs, training=training)

        self.__call__ = call
        specs = _specs(model)
        for training in (False, True):
            call.get_concrete_function(specs, training=training)


def save_reusable(model: Any, path: str) -> None:
    """Save a model with its traces for inference and training."""
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=True)
    tf.saved_model.save(Reusable(model), path, options=options)


def _specs(model: Any) -> Any:
    return tf.nest.map_structure(
        lambda tensor: tf.TensorSpec(tensor.shape, tensor.dtype), model._inputs_struct
    )


def _l2(weight: Any, factor: float) -> Any:
    return tf.function(lambda: factor * tf.reduce_sum(weight**2), input_signature=[])
