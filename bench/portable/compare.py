"""One architecture on one backend: native and loaded, in turn. Prints a line of JSON a step.

KERAS_BACKEND=jax python compare.py NAME DIRECTORY ROUNDS
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from models import SUBJECTS
from steps import steps

import anyhub as hub


def main() -> None:
    """Compare."""
    name, directory, rounds = sys.argv[1:]
    subject = SUBJECTS[name]
    native = subject.build()
    inputs = keras.Input(subject.inputs.shape[1:], dtype=subject.inputs.dtype.name)
    layer = hub.KerasLayer(directory, trainable=True, engine="portable")
    loaded = keras.Model(inputs, layer(inputs))
    pairs = {"native": steps(native, subject.inputs), "loaded": steps(loaded, subject.inputs)}
    for step in ("forward", "training"):
        times = _in_turn({who: made[step] for who, made in pairs.items()}, int(rounds))
        ratios = [a / b for a, b in zip(times["native"], times["loaded"], strict=True)]
        found = {
            "name": name, "backend": keras.backend.backend(), "step": step,
            "ratio": statistics.median(times["native"]) / statistics.median(times["loaded"]),
            "low": float(np.quantile(ratios, 0.1)), "high": float(np.quantile(ratios, 0.9)),
            "milliseconds": 1000 * statistics.median(times["loaded"]),
        }  # fmt: skip
        print(json.dumps(found), flush=True)


def _in_turn(runs: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    for run in runs.values():
        run()
        run()
    times: dict[str, list[float]] = {who: [] for who in runs}
    for number in range(rounds):
        # Each goes first as often as the other.
        for who in sorted(runs, reverse=bool(number % 2)):
            started = time.perf_counter()
            runs[who]()
            times[who].append(time.perf_counter() - started)
    return times


if __name__ == "__main__":
    main()
