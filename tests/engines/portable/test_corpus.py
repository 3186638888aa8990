"""Real models of TensorFlow 2 compute here what TensorFlow computes of them."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from support.corpus_cases import Case
from support.portable_corpus import compare_all, difference

pytestmark = pytest.mark.corpus


@pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is not None,
    reason="proves that it goes without TensorFlow; see compare_corpus.py for the other way",
)
def test_models_without_text_match(corpus):
    results = [result for result in compare_all(corpus) if not result.is_text]
    failed = [f"{result.case}: {result.problem}" for result in results if result.problem]
    assert len(results) > 100
    assert len(failed) <= 0.03 * len(results), "\n".join(failed)


def test_the_comparison_can_fail():
    wanted = {"y": np.array([1.0, 2.0], np.float32)}
    case = Case("model", "call", "__call__", 0, {}, wanted, True, {})
    assert difference(case, wanted)[1] == ""
    assert difference(case, {"y": np.array([1.0, 2.001], np.float32)})[1]
    assert difference(case, {"y": np.array([1.0, np.nan], np.float32)})[1]
    assert difference(case, {"y": np.array([1.0], np.float32)})[1]
