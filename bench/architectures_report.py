"""The table of `architectures.py`."""

from __future__ import annotations

import datetime
import platform
from importlib import metadata
from typing import Any

PACKAGES = ("keras", "tensorflow", "jax", "torch", "numpy")
# Figure, heading, tolerance. Gradients come with the name of the weight that is worst.
COLUMNS = (
    ("serving", "signature", 1e-4),
    ("inference", "inference", 1e-4),
    ("training", "training", 1e-4),
    ("gradient", "gradients, inference", 1e-3),
    ("training_gradient", "gradients, training", 1e-3),
    ("moved", "moving averages", 1e-4),
    ("regularization", "regularization", 1e-4),
)
# Without these a row does not pass; the others are missing where the architecture has none.
REQUIRED = ("serving", "inference", "gradient", "regularization")

TEXT = """\
# Architectures on the portable engine

Made by `python bench/architectures.py` on {date} with {versions}; Python {python}.

Each architecture was exported by Keras 3 with random weights and moving statistics that matter,
and compared with what TensorFlow computes of the same SavedModel. The signature is that of
`model.export`; the rest are figures of a Reusable SavedModel. TensorFlow could not be imported
in the processes of JAX and torch.

Outputs: largest absolute deviation, at most 1e-4; outputs are around 1. Gradients of a weighted
sum of the outputs: largest deviation over all weights, relative to the weight's largest derivative
(at least a hundredth of the model's largest), at most 1e-3. Moving averages after one call in
training, and regularization losses: largest deviation relative to the largest value (at least 1),
at most 1e-4. A dash: the architecture has none, or its training is random. Images are small: 96x96
for most.

Where there are two figures of gradients, the first is of the same architecture in float64, and the
one that counts; that in brackets is of float32. These architectures have so many ReLUs and pools
that for any image some get a value that is a rounding error away from a kink, and two right
derivatives differ by what passes there: TensorFlow's own do from one set of its kernels to another
(`--backends control`).

{passed} of {count} rows pass.

"""


def passes(figures: dict[str, Any]) -> bool:
    """Whether all figures that are there are within tolerance, and none is missing."""
    known = [(name, tolerance) for name, _, tolerance in COLUMNS if name in figures]
    if not set(REQUIRED) <= set(figures):
        return False
    return not isinstance(figures.get("random"), str) and all(
        _is_within(figures[name], tolerance) for name, tolerance in known
    )


def markdown(rows: list[tuple[str, str, dict[str, Any]]]) -> str:
    """The page: how it was made and a row for each architecture and backend."""
    passed = sum(passes(figures) for *_, figures in rows)
    facts = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "versions": ", ".join(f"{name} {_version(name)}" for name in PACKAGES),
        "python": platform.python_version(),
    }
    titles = [title for _, title, _ in COLUMNS]
    lines = [_line("architecture", "backend", *titles, "result"), "|---" * (len(COLUMNS) + 3) + "|"]
    lines += [_line(name, backend, *_cells(figures)) for name, backend, figures in rows]
    text = TEXT.format(passed=passed, count=len(rows), **facts)
    return text + "\n".join(lines) + "\n"


def _cells(figures: dict[str, Any]) -> list[str]:
    cells = []
    for name, _, _ in COLUMNS:
        narrow = figures.get(f"{name} in float32")
        further = "" if narrow is None else f" ({_cell(narrow)})"
        cells.append(_cell(figures.get(name)) + further)
    return [*cells, "passes" if passes(figures) else "**fails**"]


def _cell(figure: Any) -> str:
    if isinstance(figure, list):
        figure = figure[0]
    if figure is None:
        return "-"
    return "error" if isinstance(figure, str) else f"{figure:.1e}"


def _is_within(figure: Any, tolerance: float) -> bool:
    if isinstance(figure, list):
        figure = figure[0]
    return not isinstance(figure, str) and figure <= tolerance


def _line(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
