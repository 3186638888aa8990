"""Word vectors from the English documentation that ships inside Python.

The text is `pydoc_data.topics` (what `help()` shows) and the docstrings of the standard
library. Words that occur near each other are counted; the counts, as positive pointwise mutual
information, are compressed by a truncated singular value decomposition.
"""

from __future__ import annotations

import ast
import re
import sysconfig
from collections import Counter
from pathlib import Path
from pydoc_data.topics import topics
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import scipy.sparse
from sklearn.decomposition import TruncatedSVD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# The exported model splits text in TensorFlow with the same pattern.
NOT_A_WORD = "[^a-z]+"

_MIN_COUNT = 5
_MIN_LETTERS = 2
_WINDOW = 6
_NOT_DOCUMENTATION = frozenset({"test", "tests", "idlelib", "lib2to3", "site-packages"})
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class WordVectors(NamedTuple):
    """What the training gives.

    Attributes:
        words: The vocabulary, the most frequent word first.
        vectors: One row for each word, float32, shape [len(words), dim].
        tokens: How many words of running text were read.
    """

    words: list[str]
    vectors: np.ndarray
    tokens: int


def train(dim: int, seed: int) -> WordVectors:
    """Learn word vectors from Python's own documentation.

    Args:
        dim: Length of each vector.
        seed: Seed of the randomized decomposition.
    """
    texts = [tokenize(text) for text in documentation()]
    counts = Counter(word for text in texts for word in text)
    kept = [(w, n) for w, n in counts.most_common() if n >= _MIN_COUNT and len(w) >= _MIN_LETTERS]
    words = [word for word, _ in kept]
    association = _positive_information(_cooccurrences(texts, words))
    decomposition = TruncatedSVD(dim, random_state=seed)
    vectors = decomposition.fit_transform(association)
    vectors /= np.sqrt(decomposition.singular_values_)
    weights = _rarity(np.array([count for _, count in kept]))
    vectors = _unit_rows(_unit_rows(vectors) - _unit_rows(vectors).mean(axis=0))
    return WordVectors(words, (vectors * weights[:, None]).astype(np.float32), counts.total())


def tokenize(text: str) -> list[str]:
    """Split a text as the exported model does: lower case, letters only."""
    return re.sub(NOT_A_WORD, " ", text.lower()).split()


def documentation() -> Iterator[str]:
    """Yield the help topics and every docstring of the standard library."""
    yield from topics.values()
    library = Path(sysconfig.get_path("stdlib"))
    for path in sorted(library.rglob("*.py")):
        if not _NOT_DOCUMENTATION.intersection(path.relative_to(library).parts):
            yield from _docstrings(path)


def _docstrings(path: Path) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and (text := ast.get_docstring(node)):
            yield text


def _cooccurrences(texts: Iterable[list[str]], words: list[str]) -> scipy.sparse.coo_matrix:
    """Count how often two words stand near each other; closer counts more."""
    number = {word: index for index, word in enumerate(words)}
    # The gap after each text keeps a window from reaching into the next one.
    gap = [-1] * _WINDOW
    ids = np.array([i for text in texts for i in [*(number.get(w, -1) for w in text), *gap]])
    size = len(words)
    total = scipy.sparse.csr_matrix((size, size))
    for distance in range(1, _WINDOW + 1):
        left, right = ids[:-distance], ids[distance:]
        known = (left >= 0) & (right >= 0)
        closeness = np.full(known.sum(), 1 / distance)
        pairs = (left[known], right[known])
        total += scipy.sparse.coo_matrix((closeness, pairs), shape=(size, size)).tocsr()
    return (total + total.T).tocoo()


def _positive_information(counts: scipy.sparse.coo_matrix) -> scipy.sparse.csr_matrix:
    """Turn counts into positive pointwise mutual information."""
    sums = np.asarray(counts.sum(axis=1)).ravel()
    # The power below one keeps rare contexts from getting the highest scores.
    context = sums**0.75 / np.sum(sums**0.75)
    expected = sums[counts.row] / sums.sum() * context[counts.col]
    information = np.log(counts.data / sums.sum() / expected)
    kept = information > 0
    pairs = (counts.row[kept], counts.col[kept])
    return scipy.sparse.csr_matrix((information[kept], pairs), shape=counts.shape)


def _rarity(counts: np.ndarray) -> np.ndarray:
    """Weigh words so that "the" and "of" do not drown a sentence (Arora et al., 2017)."""
    smoothing = 2e-3
    return smoothing / (smoothing + counts / counts.sum())


def _unit_rows(matrix: np.ndarray) -> np.ndarray:
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
