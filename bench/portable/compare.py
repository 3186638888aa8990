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

_LONG_ENOUGH = 0.2


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
    # Short ones several times, so that a measurement takes long enough to be one.
    again = max(1, int(_LONG_ENOUGH / max(_time(run, 1) for run in runs.values())))
    times: dict[str, list[float]] = {who: [] for who in runs}
    for number in range(rounds):
        # Each goes first as often as the other.
        for who in sorted(runs, reverse=bool(number % 2)):
            times[who].append(_time(runs[who], again))
    return times


def _time(run: Callable[[], Any], count: int) -> float:
    started = time.perf_counter()
    for _ in range(count):
        run()
    return (time.perf_counter() - started) / count


if __name__ == "__main__":
    main()
