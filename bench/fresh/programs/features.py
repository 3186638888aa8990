"""The model that all programs use: a Reusable SavedModel with weights and a vocabulary."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf

FEATURES, UNITS = 256, 64
WORDS = 2000
SEED = 5


class Features(tf.train.Checkpoint):
    """One dense layer, and beside it a table of words.

    Args:
        kernel: Weights of shape [FEATURES, UNITS].
        vocabulary: Text file, one word a line.
    """

    def __init__(self, kernel: np.ndarray, vocabulary: Path) -> None:
        super().__init__()
        self.kernel = tf.Variable(kernel, name="kernel")
        self.variables = self.trainable_variables = [self.kernel]
        lines = tf.lookup.TextFileInitializer(
            str(vocabulary),
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        )
        self.table = tf.lookup.StaticVocabularyTable(lines, num_oov_buckets=1)

    @tf.function
    def __call__(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Map [batch, FEATURES] to [batch, UNITS]."""
        del training  # both traces have to be there; they compute the same
        return tf.tanh(inputs @ self.kernel)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def ids(self, words: tf.Tensor) -> tf.Tensor:
        """Give the line numbers of words."""
        return self.table.lookup(words)


def make(model: str, probe: str) -> None:
    """Save the model, and what it computes.

    Args:
        model: Directory to write.
        probe: `.npz` file to write: `x` of shape [8, FEATURES], `y` of shape [8, UNITS].
    """
    random = np.random.default_rng(SEED)
    vocabulary = Path(model).with_suffix(".txt")
    vocabulary.write_text("\n".join(random.bytes(4).hex() for _ in range(WORDS)))
    kernel = random.normal(size=(FEATURES, UNITS)).astype("float32") / FEATURES**0.5
    features = Features(kernel.astype("float32"), vocabulary)
    for training in (False, True):
        spec = tf.TensorSpec([None, FEATURES], tf.float32)
        features.__call__.get_concrete_function(spec, training=training)
    tf.saved_model.save(features, model)
    x = random.normal(size=(8, FEATURES)).astype("float32")
    np.savez(probe, x=x, y=np.tanh(x @ kernel))
