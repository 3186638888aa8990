"""Compares what anyhub reads from real models with what TensorFlow reads.

    python tests/savedmodel/compare_corpus.py [--corpus DIR] [--json]

Prints how many things were compared, and where the two differ; the exit status is 1 if they do.
Compared are: all values of all checkpoints, bit for bit; signatures, tags, assets, nodes, functions
and constants of the messages as TensorFlow parses them; the arguments and results of all traces as
its coder decodes them; and where TensorFlow loads the model, the variables and functions that it
restores. Needs TensorFlow (the main environment).
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from comparison.files import compare_files
from comparison.loaded import compare_loaded
from comparison.report import Report

from anyhub.errors import HubError
from anyhub.savedmodel.reading import read

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"


def find_models(corpus: Path) -> list[Path]:
    """The directories of all models, in order."""
    found = {
        path.parent for name in ("pb", "pbtxt") for path in corpus.rglob(f"saved_model.{name}")
    }
    return sorted(found)


def compare_model(corpus: Path, directory: Path) -> Report:
    """Compare a model."""
    name = str(directory.relative_to(corpus))
    report = Report()
    report.counts["models"] += 1
    try:
        model = read(directory)
        report.counts["models parsed"] += 1
        compare_files(report, name, directory, model)
        compare_loaded(report, name, directory, model)
    except HubError as error:
        report.refused[name] = str(error)
    return report


def compare_corpus(corpus: Path) -> Report:
    """Compare all models."""
    _register_ops()
    total = Report()
    for directory in find_models(corpus):
        total.add(compare_model(corpus, directory))
    return total


def _register_ops() -> None:
    try:
        import tensorflow_text  # noqa: F401
    except ImportError:
        print("tensorflow_text is missing: some models will not load", file=sys.stderr)


def table(report: Report) -> str:
    """The counts as text."""
    lines = [f"{count:13,}  {name}" for name, count in report.counts.items()]
    for title, models in (
        ("models that anyhub refuses", report.refused),
        ("models with variables whose values are refused", report.without_values),
        ("models that TensorFlow does not load", report.not_loaded),
    ):
        lines.append(f"{len(models):13,}  {title}")
        lines += [f"{'':17}{name}: {reason}" for name, reason in models.items()]
    lines.append(f"{len(report.differences):13,}  differences")
    lines += [f"{'':17}{text}" for text in report.differences]
    return "\n".join(lines)


def as_json(report: Report) -> dict[str, Any]:
    """The report for programs."""
    return {
        "counts": dict(report.counts),
        "refused": report.refused,
        "not_loaded": report.not_loaded,
        "without_values": report.without_values,
        "differences": report.differences,
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--corpus", type=Path, default=CORPUS)
    parser.add_argument("--json", action="store_true", help="print a JSON object")
    arguments = parser.parse_args()
    report = compare_corpus(arguments.corpus)
    print(json.dumps(as_json(report), indent=1) if arguments.json else table(report))
    sys.exit(1 if report.differences else 0)


if __name__ == "__main__":
    main()
