"""The portable engine against the same architectures written in Keras, and against TensorFlow.

python bench/portable_speed.py [--rounds 15] [--only NAME]

Ratios above 1 mean that the loaded model is faster. Both sides of a ratio run in one process, in
turn; loading runs in fresh processes, in turn: TensorFlow in the environment of this process, the
engine there and in `light`, where TensorFlow is not installed. Writes
bench/results/portable_speed.md.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PARTS = HERE / "portable"
RESULT = HERE / "results" / "portable_speed.md"
NAMES = ("ResNet50", "EfficientNetB0", "MobileNetV2", "BERT-style", "LSTM", "GRU")
LOADED = ("EfficientNetB0", "BERT-style")
LIGHT = str(HERE.parent / ".venvs" / "light" / "bin" / "python")
PACKAGES = ("keras", "jax", "torch", "tensorflow", "numpy")


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", default="")
    parser.add_argument("--backends", default="jax,torch")
    options = parser.parse_args()
    names = [name for name in NAMES if options.only in name]
    backends = options.backends.split(",")
    lines = [_title()]
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            _run("tensorflow", "export.py", name, f"{folder}/{name}")
        lines += ["", *_steps(folder, names, backends, options.rounds)]
        wanted = [name for name in LOADED if name in names]
        lines += ["", *_first_results(folder, wanted, backends)]
    lines += ["", f"Own time of a run for each op, eagerly: {_overhead()}."]
    print("\n".join(lines[-1:]))
    RESULT.write_text("\n".join(lines) + "\n", "utf-8")


def _title() -> str:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    return f"# Speed of the portable engine\n\n{datetime.date.today()}, 2 cores, {versions}."


def _steps(folder: str, names: list[str], backends: list[str], rounds: int) -> list[str]:
    lines = [
        "| architecture | backend | step | native / loaded | 10 to 90 % | ms |",
        "|---|---|---|---|---|---|",
    ]
    print("\n".join(lines))
    for name in names:
        for backend in backends:
            for text in _run(backend, "compare.py", name, f"{folder}/{name}", str(rounds)):
                found = json.loads(text)
                lines.append(
                    f"| {name} | {backend} | {found['step']} | {found['ratio']:.3f} "
                    f"| {found['low']:.3f} to {found['high']:.3f} | {found['milliseconds']:.1f} |"
                )
                print(lines[-1], flush=True)
    return lines


def _first_results(folder: str, names: list[str], backends: list[str]) -> list[str]:
    lines = [
        "| first result | backend | environment | TensorFlow / ours | with imports | s | all s |",
        "|---|---|---|---|---|---|---|",
    ]
    print("\n".join(lines))
    tensorflow = "tensorflow", sys.executable
    runs = [(b, python) for b in backends for python in (sys.executable, LIGHT)]
    for name in names:
        times: dict[tuple[str, str], list[Any]] = {run: [] for run in (tensorflow, *runs)}
        for _ in range(5):
            for (backend, python), found in times.items():
                kind = "tensorflow" if backend == "tensorflow" else "portable"
                arguments = "first_result.py", kind, name, f"{folder}/{name}"
                (text,) = _run(backend, *arguments, python=python)
                found.append(json.loads(text))
        for run in runs:
            lines.append(_first_result(name, run, times[tensorflow], times[run]))
            print(lines[-1], flush=True)
    return lines


def _first_result(name: str, run: tuple[str, str], theirs: list[Any], ours: list[Any]) -> str:
    backend, python = run
    place = "without TensorFlow" if python == LIGHT else "the same"
    keys = "without", "with_import"
    seconds = [_median(ours, key) for key in keys]
    ratios = [_median(theirs, key) / own for key, own in zip(keys, seconds, strict=True)]
    cells = [name, backend, place, *(f"{n:.2f}" for n in (*ratios, *seconds))]
    return f"| {' | '.join(cells)} |"


def _median(found: list[dict[str, float]], key: str) -> float:
    return statistics.median(item[key] for item in found)


def _run(backend: str, script: str, *arguments: str, python: str = sys.executable) -> list[str]:
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    # Bytecode is kept, as it is where packages are installed.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [python, str(PARTS / script), *arguments],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{script} {arguments} on {backend}:\n{done.stderr[-3000:]}")
    return [line for line in done.stdout.splitlines() if line.startswith("{")]


def _overhead() -> str:
    """Microseconds an op of a plan whose ops do nothing."""
    (text,) = _run("torch", "overhead.py")
    return f"{json.loads(text)['microseconds']:.2f} µs"


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    print(f"{time.perf_counter() - started:.0f} s")
