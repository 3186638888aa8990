"""The variables of all models of the corpus."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anyhub.savedmodel.bundle import TensorReference, open_bundle, write_bundle

pytestmark = pytest.mark.corpus


def prefixes(corpus: Path) -> list[Path]:
    found = [path.with_suffix("") for path in sorted(corpus.rglob("variables.index"))]
    assert len(found) >= 90
    return found


def test_all_are_read_and_match_their_checksums(corpus: Path) -> None:
    tensors = 0
    for prefix in prefixes(corpus):
        bundle = open_bundle(prefix)
        bundle.verify_all()
        for key in bundle:
            assert bundle.read(key).shape == bundle.shape(key)
        tensors += len(bundle)
    assert tensors > 1000


def test_copies_have_the_same_tensors(corpus: Path, tmp_path: Path) -> None:
    for prefix in prefixes(corpus):
        bundle = open_bundle(prefix)
        write_bundle(tmp_path / "copy", ((key, TensorReference(bundle, key)) for key in bundle))
        copy = open_bundle(tmp_path / "copy")
        assert list(copy) == list(bundle)
        for key in bundle:
            assert copy.read_raw(key) == bundle.read_raw(key)
            assert copy.entry(key).crc32c == bundle.entry(key).crc32c


@pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"
)
def test_all_equal_what_tensorflow_reads(corpus: Path, tmp_path: Path) -> None:
    import tensorflow as tf

    for prefix in prefixes(corpus):
        bundle = open_bundle(prefix)
        write_bundle(tmp_path / "copy", ((key, TensorReference(bundle, key)) for key in bundle))
        for path in (prefix, tmp_path / "copy"):
            reader = tf.train.load_checkpoint(str(path))
            assert set(reader.get_variable_to_shape_map()) == set(bundle)
            for key in bundle:
                assert_same(bundle.read(key), reader.get_tensor(key))


def assert_same(found: np.ndarray[Any, Any], expected: Any) -> None:
    if found.dtype == object:
        expected = np.array(expected, object)
        assert found.tolist() == expected.tolist()
    else:
        expected = np.asarray(expected)
        assert found.dtype == expected.dtype
        assert found.tobytes() == expected.tobytes()
    assert found.shape == expected.shape
