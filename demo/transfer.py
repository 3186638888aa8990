"""The consumer's transfer learning: a classifier on top of features from a hub."""

from __future__ import annotations

import shutil
import tempfile
from typing import TYPE_CHECKING, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

if TYPE_CHECKING:
    from pathlib import Path

FROZEN_EPOCHS = 60
FINE_TUNING_EPOCHS = 20
FROZEN_RATE = 1e-2
FINE_TUNING_RATE = 1e-3


class Result(NamedTuple):
    """What one training gave.

    Attributes:
        accuracy: Share of the test images that are classified right.
        weights: How many numbers the training could change.
    """

    accuracy: float
    weights: int


class Digits(NamedTuple):
    """The digits 5 to 9: images in [0, 1], shape [n, 8, 8, 1], and labels from 0."""

    train_images: np.ndarray
    test_images: np.ndarray
    train_labels: np.ndarray
    test_labels: np.ndarray


def high_digits(seed: int) -> Digits:
    """Return the digits that the publisher's model has never seen, half of them for testing."""
    pixels, labels = load_digits(return_X_y=True)
    high = labels >= 5
    images = (pixels[high] / pixels.max()).astype(np.float32).reshape(-1, 8, 8, 1)
    classes = labels[high] - 5
    split = train_test_split(images, classes, test_size=0.5, random_state=seed, stratify=classes)
    return Digits(*split)


def classifier(features: keras.layers.Layer, head: keras.layers.Dense) -> keras.Sequential:
    """Put a linear classifier on top of a feature layer."""
    return keras.Sequential([keras.Input((8, 8, 1)), features, head])


def fit(model: keras.Sequential, digits: Digits, epochs: int, learning_rate: float) -> Result:
    """Train a classifier.

    Args:
        model: Gives logits.
        digits: What to train and test on.
        epochs: How often to go through the training images.
        learning_rate: Adam's step size.
    """
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(digits.train_images, digits.train_labels, epochs=epochs, verbose=0)
    _, accuracy = model.evaluate(digits.test_images, digits.test_labels, verbose=0)
    return Result(accuracy, sum(int(np.prod(weight.shape)) for weight in model.trainable_weights))


def publish(model: tf.train.Checkpoint, version: Path) -> None:
    """Export a loaded model with its present weights as a new version.

    Args:
        model: What `hub.load` returned.
        version: The directory of the new version; must not exist.
    """
    with tempfile.TemporaryDirectory() as export_dir:
        tf.saved_model.save(model, export_dir)
        # Copied beside and renamed, so that nobody ever fetches half of a version.
        partial = version.with_name(f".{version.name}.partial")
        shutil.copytree(export_dir, partial)
    partial.rename(version)
