"""The portable engine against the same architectures written in Keras, and against TensorFlow.

python bench/portable_speed.py [--rounds 15] [--only NAME]

Ratios above 1 mean that the loaded model is faster. Both sides of a ratio run in one process, in
turn; loading runs in fresh processes, in turn. Writes bench/results/portable_speed.md.
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
NAMES = ("ResNet50", "EfficientNetB0", "MobileNetV2", "BERT-style", "LSTM")
LOADED = ("EfficientNetB0", "BERT-style")
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
        "| to the first result | backend | TensorFlow / portable | with imports | seconds |",
        "|---|---|---|---|---|",
    ]
    print("\n".join(lines))
    for name in names:
        times: dict[str, list[Any]] = {who: [] for who in ("tensorflow", *backends)}
        for _ in range(5):
            for who, found in times.items():
                kind = "tensorflow" if who == "tensorflow" else "portable"
                (text,) = _run(who, "first_result.py", kind, name, f"{folder}/{name}")
                found.append(json.loads(text))
        for backend in backends:
            ratios = [
                _median(times["tensorflow"], key) / _median(times[backend], key)
                for key in ("without", "with_import")
            ]
            lines.append(
                f"| {name} | {backend} | {ratios[0]:.2f} | {ratios[1]:.2f} "
                f"| {_median(times[backend], 'without'):.2f} |"
            )
            print(lines[-1], flush=True)
    return lines


def _median(found: list[dict[str, float]], key: str) -> float:
    return statistics.median(item[key] for item in found)


def _run(backend: str, script: str, *arguments: str) -> list[str]:
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    # Bytecode is kept, as it is where packages are installed.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [sys.executable, str(PARTS / script), *arguments],
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
