"""Compares the portable engine with TensorFlow on whole architectures, weights and all.

    python bench/architectures.py [NAME ...] [--backends jax,torch,tensorflow] [--cache DIRECTORY]

Exports each architecture with TensorFlow and Keras 3 (random weights, moving statistics that
matter), runs it in a process per backend, and prints a Markdown table. When all architectures run
on all backends, the table is written to `docs/architectures.md`. TensorFlow cannot be imported in
the processes of the other backends. `--backends control` measures TensorFlow against itself
without oneDNN: what two right answers may differ by.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from architectures_report import markdown, passes

REPOSITORY = Path(__file__).resolve().parent.parent
HELPERS = REPOSITORY / "tests" / "helpers"
TABLE = REPOSITORY / "docs" / "architectures.md"
BACKENDS = ("jax", "torch", "tensorflow")
LIMIT_SECONDS = 1800


def main() -> None:
    """Export, compare, print and write what came out."""
    every = architectures()
    options = parse_options(every)
    names = options.names or every
    with tempfile.TemporaryDirectory(prefix="architectures-") as temporary:
        cache = options.cache or Path(temporary)
        rows = [
            (name, backend, compare(cache / name, backend))
            for name in names
            if exported(name, cache / name)
            for backend in options.backends
        ]
    table = markdown(rows)
    print(table)
    if not options.names and options.backends == list(BACKENDS):
        TABLE.write_text(table)
    missing = len(names) * len(options.backends) - len(rows)
    sys.exit(1 if missing or not all(passes(figures) for *_, figures in rows) else 0)


def parse_options(every: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Compare the portable engine with TensorFlow.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(every)}")
    parser.add_argument(
        "--backends",
        type=lambda text: text.split(","),
        default=list(BACKENDS),
        help="some of jax, torch, tensorflow, control; default: the first three",
    )
    parser.add_argument("--cache", type=Path, help="keep exports here, and use those that are here")
    return parser.parse_args()


def architectures() -> list[str]:
    """The names of all architectures."""
    code = "from support.architectures.catalogue import *; print(*ARCHITECTURES)"
    return python(["-c", code], "tensorflow").stdout.split()


def exported(name: str, directory: Path) -> bool:
    """Make the export unless it is there."""
    if (directory / "reference.npz").exists():
        return True
    tell(f"{name}: exporting")
    done = python(["-m", "support.architectures.export", name, str(directory)], "tensorflow")
    if done.returncode:
        tell(done.stderr)
    return not done.returncode


def compare(directory: Path, backend: str) -> dict[str, Any]:
    """The figures of one architecture on one backend."""
    figures = measure(directory, backend)
    wide = directory / "float64"
    if wide.exists():
        derivatives = measure(wide, backend)
        for name in ("gradient", "training_gradient"):
            figures[f"{name} in float32"] = figures.get(name)
            figures[name] = derivatives.get(name, derivatives.get("inference"))
    tell(f"{directory.name} on {backend}: {'passes' if passes(figures) else 'FAILS'}")
    for step, figure in figures.items():
        if isinstance(figure, str):
            tell(f"  {step}: {figure}")
    return figures


def measure(directory: Path, backend: str) -> dict[str, Any]:
    """The figures of one export on one backend."""
    control = backend == "control"
    command = ["-m", "support.architectures.compare", str(directory)]
    command += ["--control"] if control else []
    try:
        more = {"TF_ENABLE_ONEDNN_OPTS": "0"} if control else {}
        done = python(command, "tensorflow" if control else backend, **more)
    except subprocess.TimeoutExpired:
        return {"inference": f"no answer after {LIMIT_SECONDS} s"}
    return json.loads(done.stdout) if not done.returncode else {"inference": done.stderr}


def python(arguments: list[str], backend: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run Python with a backend of Keras."""
    environment = {
        **os.environ,
        **more,
        "KERAS_BACKEND": backend,
        "PYTHONPATH": os.pathsep.join([str(HELPERS), str(REPOSITORY / "src")]),
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )


def tell(text: str) -> None:
    """Say how far it is, apart from the table."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
