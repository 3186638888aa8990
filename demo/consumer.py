"""The consumer: knows the URLs of two models and nothing about how they were made.

    python consumer.py BASE_URL PUBLISH_DIR

Writes `map.png` and `consumer.json` into the current directory.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import anyhub as hub
import transfer
import word_map
from sentences import QUESTIONS, STATEMENTS, THEMES

SEED = 11
NEIGHBOURS = 2
CLASSES = 5
TOLERANCE = 1e-5


def main() -> None:
    """Use the models of a hub, and publish an improved one."""
    parser = argparse.ArgumentParser(description="Use the models of a hub.")
    parser.add_argument("base_url", help="where the hub is, e.g. http://127.0.0.1:8080")
    parser.add_argument("publish_dir", type=Path, help="where publishers drop new versions")
    options = parser.parse_args()
    keras.utils.set_random_seed(SEED)
    publisher = options.base_url + "/demo"
    facts = {
        **explore_sentences(publisher + "/python-docs-embedding/1"),
        **fine_tune_digits(publisher + "/digits-features", options.publish_dir / "demo"),
    }
    Path("consumer.json").write_text(json.dumps(facts, indent=2))


def explore_sentences(url: str) -> dict[str, object]:
    """Print nearest neighbours of sentences and draw the map.

    Args:
        url: A text embedding.

    Returns:
        The numbers to report.
    """
    print(f"Nearest of {len(STATEMENTS)} sentences, by {url}\n")
    embed = hub.KerasLayer(url)
    similarity = unit_vectors(embed, QUESTIONS) @ unit_vectors(embed, STATEMENTS).T
    for question, row in zip(QUESTIONS, similarity, strict=True):
        print(f"  {question}")
        for index in np.argsort(-row)[:NEIGHBOURS]:
            print(f"    {row[index]:.2f}  {STATEMENTS[index]}")
    texts = [text for theme in THEMES.values() for text in theme]
    kept = word_map.draw(THEMES, unit_vectors(embed, texts), Path("map.png"))
    return {
        "questions": len(QUESTIONS),
        "statements": len(STATEMENTS),
        "mapped": len(texts),
        "variance_kept": kept,
    }


def unit_vectors(embed: keras.layers.Layer, texts: list[str]) -> np.ndarray:
    """Embed texts as vectors of length one, shape [len(texts), dim]."""
    vectors = np.asarray(embed(tf.constant(texts)))
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    # A text without any known word is all zeros, and stays so.
    return vectors / np.maximum(lengths, np.finfo(vectors.dtype).tiny)


def fine_tune_digits(url: str, publish_dir: Path) -> dict[str, object]:
    """Train a classifier on frozen, then on fine-tuned features, and publish the latter.

    Args:
        url: Image features, without a version.
        publish_dir: Where the publisher of the features keeps its models.

    Returns:
        The numbers to report.
    """
    print(f"\nA classifier of the digits 5-9, on features from {url}/1\n")
    digits = transfer.high_digits(SEED)
    head = keras.layers.Dense(CLASSES)
    frozen_model = transfer.classifier(hub.KerasLayer(url + "/1"), head)
    frozen = transfer.fit(frozen_model, digits, transfer.FROZEN_EPOCHS, transfer.FROZEN_RATE)
    print_result("frozen features", frozen)

    loaded = hub.load(url + "/1")
    layer = hub.KerasLayer(loaded, trainable=True)
    tuned_model = transfer.classifier(layer, head)
    rate = transfer.FINE_TUNING_RATE
    tuned = transfer.fit(tuned_model, digits, transfer.FINE_TUNING_EPOCHS, rate)
    print_result("fine-tuned features", tuned)
    print(f"  (trained with the {len(layer.losses)} weight penalties that the model brings along)")

    transfer.publish(loaded, publish_dir / "digits-features" / "2")
    trained = loaded(digits.test_images).numpy()
    again = float(np.max([difference(trained, latest, digits) for latest in (url + "/2", url)]))
    change = difference(trained, url + "/1", digits)
    # Written so that NaN fails too.
    if not again <= TOLERANCE:
        raise SystemExit(f"{url}/2 is not what was trained: outputs differ by {again}")
    print(f"\n  published {url}/2 and loaded it again")
    print(f"  its outputs differ from what was trained by at most {again:.1g},")
    print(f"  from version 1 by up to {change:.2g}")
    return {
        "train_images": len(digits.train_images),
        "test_images": len(digits.test_images),
        "frozen_accuracy": frozen.accuracy,
        "frozen_weights": frozen.weights,
        "fine_tuned_accuracy": tuned.accuracy,
        "fine_tuned_weights": tuned.weights,
        "reload_difference": again,
    }


def print_result(features: str, result: transfer.Result) -> None:
    """Print one line about a classifier."""
    print(f"  {features:20} {result.weights:5,} weights trained, {result.accuracy:.1%} correct")


def difference(trained: np.ndarray, url: str, digits: transfer.Digits) -> float:
    """Return the largest difference between known outputs and those of a model of the hub."""
    found = np.asarray(hub.KerasLayer(url)(digits.test_images))
    return float(np.abs(found - trained).max())


if __name__ == "__main__":
    main()
