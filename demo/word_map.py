"""A picture of embeddings: a point for each text, similar texts near each other."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.transforms import Bbox
from sklearn.decomposition import PCA

mpl.use("Agg")
from matplotlib import pyplot as plt

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation

# Distinct also for colour-blind readers: the palette of Okabe and Ito, darkened for text.
_COLOURS = ("#0072B2", "#C04A00", "#00805E", "#B0578D", "#444444")
_SENTENCE_MARK, _WORD_MARK = "*", "o"
# Where a label may stand, in points from its mark; the nearest places come first.
_PLACES = [
    (x, y, side)
    for far in (1, 1.3, 1.6, 2)
    for x, y, side in (
        *((6 * far, 0, "left"), (-6 * far, 0, "right")),
        *((0, 9 * far, "center"), (0, -9 * far, "center")),
        *((6 * far, 7 * far, "left"), (-6 * far, 7 * far, "right")),
        *((6 * far, -7 * far, "left"), (-6 * far, -7 * far, "right")),
    )
]


def draw(themes: dict[str, list[str]], vectors: np.ndarray, picture: Path) -> float:
    """Draw texts in two dimensions, one colour for each theme.

    Args:
        themes: The texts of each theme.
        vectors: One row for each text, in the order of the themes.
        picture: The PNG file to write.

    Returns:
        The share of the variance that two dimensions keep.
    """
    projection = PCA(2)
    points = projection.fit_transform(vectors)
    figure, axes = plt.subplots(figsize=(11, 8.5), layout="constrained")
    texts = _scatter(axes, themes, points)
    kept = projection.explained_variance_ratio_
    _decorate(axes, kept)
    figure.canvas.draw()
    _place_labels(axes, texts, points)
    figure.savefig(picture, dpi=120)
    plt.close(figure)
    return float(kept.sum())


def _scatter(axes: Axes, themes: dict[str, list[str]], points: np.ndarray) -> list[tuple[str, str]]:
    """Draw the marks; return the text and colour of each."""
    drawn: list[tuple[str, str]] = []
    for (theme, texts), colour in zip(themes.items(), _COLOURS, strict=True):
        for text in texts:
            x, y = points[len(drawn)]
            mark, size = (_SENTENCE_MARK, 160) if " " in text else (_WORD_MARK, 40)
            axes.scatter(x, y, s=size, color=colour, marker=mark, edgecolor="white", zorder=2)
            drawn.append((text, colour))
        axes.scatter([], [], color=colour, label=theme)
    return drawn


def _decorate(axes: Axes, kept: np.ndarray) -> None:
    axes.scatter([], [], s=120, color="grey", marker=_SENTENCE_MARK, label="a sentence")
    axes.set_title("Words and sentences, as the embedding from the hub sees them", fontsize=14)
    axes.set_xlabel(f"first principal component ({kept[0]:.0%} of the variance)")
    axes.set_ylabel(f"second principal component ({kept[1]:.0%} of the variance)")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.margins(0.15)
    axes.legend(title="theme", frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))


def _place_labels(axes: Axes, texts: list[tuple[str, str]], points: np.ndarray) -> None:
    """Write each label where it covers the least of marks and other labels."""
    marks = axes.transData.transform(points)
    taken: list[Bbox] = []
    # Long labels first: they are the hardest to place.
    for index in sorted(range(len(texts)), key=lambda i: -len(texts[i][0])):
        text, colour = texts[index]
        label = axes.annotate(
            text, points[index], (0, 0), textcoords="offset points", color=colour, va="center"
        )
        if " " in text:
            label.set_fontstyle("italic")
        frame = axes.get_window_extent()
        costs = [
            _cost(_put(label, place), frame, marks, taken) + 8 * math.hypot(*place[:2])
            for place in _PLACES
        ]
        taken.append(_put(label, _PLACES[costs.index(min(costs))]))


def _put(label: Annotation, place: tuple[float, float, str]) -> Bbox:
    x, y, side = place
    label.set_position((x, y))
    label.set_horizontalalignment(side)
    # The box has room above and below the letters, which other labels may use.
    return label.get_window_extent().padded(0, -1)


def _cost(box: Bbox, frame: Bbox, marks: np.ndarray, taken: list[Bbox]) -> float:
    """Return the covered area in pixels; a covered mark counts as much as a letter."""
    shared = [Bbox.intersection(box, other) for other in taken]
    covered = sum(part.width * part.height for part in shared if part is not None)
    inside = Bbox.intersection(box, frame)
    outside = box.width * box.height - (inside.width * inside.height if inside else 0)
    return covered + outside + 150 * box.padded(3).count_contains(marks)
