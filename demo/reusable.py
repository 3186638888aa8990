"""The two kinds of models that the publisher exports, as Reusable SavedModels.

Code that loads such a model counts on a few names: `__call__`, `variables`,
`trainable_variables` and `regularization_losses`. `tf.train.Checkpoint` is the base class because
it saves plain lists of variables under those names (`tf.Module` has them as properties, which
are not saved).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import tensorflow as tf

from word_vectors import NOT_A_WORD

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import keras
    import numpy as np


class TextEmbedding(tf.train.Checkpoint):
    """Sentences in, one vector each out; splitting and look-up happen inside the graph.

    Args:
        vocabulary_file: One word a line; becomes an asset of the SavedModel.
        vectors: One row for each line of the file, shape [words, dim].
    """

    def __init__(self, vocabulary_file: Path, vectors: np.ndarray) -> None:
        super().__init__()
        lines = tf.lookup.TextFileInitializer(
            str(vocabulary_file),
            key_dtype=tf.string,
            key_index=tf.lookup.TextFileIndex.WHOLE_LINE,
            value_dtype=tf.int64,
            value_index=tf.lookup.TextFileIndex.LINE_NUMBER,
        )
        self.table = tf.lookup.StaticVocabularyTable(lines, num_oov_buckets=1)
        # Unknown words start as zeros, so that they add nothing until someone fine-tunes.
        unknown = tf.zeros([1, vectors.shape[1]])
        self.embeddings = tf.Variable(tf.concat([vectors, unknown], axis=0), name="embeddings")
        self.variables = [self.embeddings]
        self.trainable_variables = [self.embeddings]

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def __call__(self, sentences: tf.Tensor) -> tf.Tensor:
        """Embed sentences.

        Args:
            sentences: Texts, shape [batch].

        Returns:
            Vectors, float32, shape [batch, dim]; zeros for a text without a known word.
        """
        letters = tf.strings.regex_replace(tf.strings.lower(sentences), NOT_A_WORD, " ")
        ids = self.table.lookup(tf.strings.split(letters).to_sparse())
        return tf.nn.safe_embedding_lookup_sparse(self.embeddings, ids, combiner="sqrtn")


class ReusableKerasModel(tf.train.Checkpoint):
    """A Keras 3 model behind the reusable interface, which Keras 3's own export does not write.

    Args:
        model: A model with one input; it must be built.
    """

    def __init__(self, model: keras.Model) -> None:
        super().__init__()
        # A function is not saved as part of this object; the model would bring all its layers.
        self._apply = partial(model)
        self.variables = [variable.value for variable in model.variables]
        self.trainable_variables = [variable.value for variable in model.trainable_variables]
        self.regularization_losses = [
            tf.function(_penalty(variable), input_signature=[])
            for variable in model.trainable_variables
            if variable.regularizer is not None
        ]
        images = tf.TensorSpec(model.input_shape, tf.float32, name="images")
        for training in (True, False):
            self.__call__.get_concrete_function(images, training=training)

    @tf.function
    def __call__(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Apply the model; in training, dropout works and batch-norm averages move."""
        return self._apply(inputs, training=training)


def _penalty(variable: keras.Variable) -> Callable[[], tf.Tensor]:
    return lambda: variable.regularizer(variable.value)
