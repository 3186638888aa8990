"""The publisher: train two small models and put them into a hub directory.

    python publisher.py HUB_DIR

Writes `HUB_DIR/demo/python-docs-embedding/1` and `HUB_DIR/demo/digits-features/1`, and what
there is to tell about them into `publisher.json` in the current directory.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import word_vectors
from reusable import ReusableKerasModel, TextEmbedding

SEED = 7
WORD_DIMENSIONS = 64
FEATURES = 32
EPOCHS = 25


def main() -> None:
    """Train, export and report both models."""
    parser = argparse.ArgumentParser(description="Train two models and export them.")
    parser.add_argument("hub", type=Path, help="directory that the hub serves")
    publisher = parser.parse_args().hub / "demo"
    keras.utils.set_random_seed(SEED)
    facts = {
        **publish_text_embedding(publisher / "python-docs-embedding" / "1"),
        **publish_image_features(publisher / "digits-features" / "1"),
    }
    Path("publisher.json").write_text(json.dumps(facts, indent=2))


def publish_text_embedding(directory: Path) -> dict[str, int]:
    """Train and export the text embedding.

    Args:
        directory: Where the SavedModel goes.

    Returns:
        The numbers to report.
    """
    learned = word_vectors.train(WORD_DIMENSIONS, SEED)
    with tempfile.TemporaryDirectory() as scratch:
        vocabulary = Path(scratch) / "vocabulary.txt"
        vocabulary.write_text("\n".join(learned.words))
        model = TextEmbedding(vocabulary, learned.vectors)
        tf.saved_model.save(model, str(directory))
    print(f"text embedding: {learned.tokens:,} words of documentation read,")
    print(f"  {len(learned.words):,} words known, {WORD_DIMENSIONS} dimensions")
    return {"tokens": learned.tokens, "vocabulary": len(learned.words), "dim": WORD_DIMENSIONS}


def publish_image_features(directory: Path) -> dict[str, float]:
    """Train on the digits 0 to 4 and export the part before the classifier.

    Args:
        directory: Where the SavedModel goes.

    Returns:
        The numbers to report.
    """
    images, labels = low_digits()
    split = train_test_split(images, labels, test_size=0.25, random_state=SEED, stratify=labels)
    train_images, test_images, train_labels, test_labels = split
    features = feature_extractor()
    classifier = keras.Sequential([features, keras.layers.Dense(5)])
    classifier.compile(
        optimizer=keras.optimizers.Adam(3e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    classifier.fit(train_images, train_labels, epochs=EPOCHS, verbose=0)
    _, accuracy = classifier.evaluate(test_images, test_labels, verbose=0)
    tf.saved_model.save(ReusableKerasModel(features), str(directory))
    print(f"image features: trained on {len(train_images)} images of the digits 0-4,")
    print(f"  test accuracy {accuracy:.1%}, {features.count_params():,} weights")
    return {"pretrain_images": len(train_images), "pretrain_accuracy": accuracy}


def low_digits() -> tuple[np.ndarray, np.ndarray]:
    """Return the digits 0 to 4: images in [0, 1], shape [n, 8, 8, 1], and labels."""
    pixels, labels = load_digits(return_X_y=True)
    images = (pixels / pixels.max()).astype(np.float32).reshape(-1, 8, 8, 1)
    return images[labels < 5], labels[labels < 5]


def feature_extractor() -> keras.Sequential:
    """Build the part of the network that is published."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            *convolution(16),
            layers.MaxPooling2D(),
            *convolution(32),
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.1, seed=SEED),
            layers.Dense(FEATURES, activation="relu"),
        ]
    )


def convolution(filters: int) -> list[keras.layers.Layer]:
    """Build one convolution with batch normalization and a weight penalty."""
    penalty = keras.regularizers.L2(1e-4)
    return [
        keras.layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_regularizer=penalty),
        # The default momentum suits long training; fine-tuning here takes few steps.
        keras.layers.BatchNormalization(momentum=0.9),
        keras.layers.ReLU(),
    ]


if __name__ == "__main__":
    main()
