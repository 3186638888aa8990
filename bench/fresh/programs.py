"""The programs of the table; each runs in a new process, with one library or the other.

    python -P programs.py PROGRAM LIBRARY WATCH ARGUMENTS

WATCH: seconds after which the program says that it still runs, and ends. ARGUMENTS: keyword
arguments as JSON. A program raises when something is not as it should be, or returns a JSON
value. The last line of stdout is `RESULT` and a JSON object.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

TOLERANCE = 1e-5


class UnexpectedError(Exception):
    """The library did something, but not what it should."""


def check(condition: Any, message: str) -> None:
    """Raise unless the condition holds; a bare assert could be switched off."""
    if not condition:
        raise UnexpectedError(message)


def main() -> None:
    """Run one program and tell what came out."""
    program, library, watch, arguments = sys.argv[1:]
    try:
        # Both libraries get TensorFlow for free, so that its import is in nobody's time.
        importlib.import_module("tensorflow")
        hub = importlib.import_module(library) if library else None
    except Exception as error:  # noqa: BLE001, RUF100 - whatever it is, it is the result
        finish(ok=False, error=f"does not import: {first_line(error)}")
    started = time.monotonic()
    seconds = float(watch)
    timer = threading.Timer(seconds, finish, kwargs=still_running(seconds))
    timer.daemon = True
    timer.start()
    try:
        value = PROGRAMS[program](hub, **json.loads(arguments))
    except Exception as error:  # noqa: BLE001, RUF100 - whatever it is, it is the result
        finish(ok=False, error=first_line(error), seconds=time.monotonic() - started)
    finish(ok=True, value=value, seconds=time.monotonic() - started)


def still_running(seconds: float) -> dict[str, Any]:
    """The result of a program that the watch ended."""
    return {"ok": False, "error": f"still running after {seconds:.0f} s", "timed_out": True}


def finish(**result: Any) -> None:
    """Print the result and end at once, whatever other threads are doing."""
    print("RESULT", json.dumps(result), flush=True)
    os._exit(0)


def first_line(error: BaseException) -> str:
    """Say what went wrong in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def load(hub: Any, handle: str, probe: str, path: bool = False) -> None:
    """Load a model and compare its output with what it gave when it was made."""
    known = np.load(probe)
    found = hub.load(Path(handle) if path else handle)(known["x"])
    close(found, known["y"], "the loaded model")


def load_each(hub: Any, handles: list[str], probe: str) -> list[str | None]:
    """Load several models; tell for each the error, None where it loaded."""
    del probe  # silent damage shows in what loads, not in what the damaged model computes
    errors: list[str | None] = []
    for handle in handles:
        try:
            hub.load(handle)
            errors.append(None)
        except Exception as error:  # noqa: BLE001, PERF203, RUF100 - it is the result
            errors.append(first_line(error))
    return errors


def close(found: Any, known: np.ndarray, what: str) -> None:
    """Check that arrays agree; written so that NaN fails."""
    found = np.asarray(found)
    check(found.shape == known.shape, f"{what} gives shape {found.shape}, not {known.shape}")
    difference = np.abs(found - known).max()
    check(difference <= TOLERANCE, f"{what} is off by {difference:.3g}")


def do_nothing(hub: Any) -> None:
    """The import alone, and that the two names everybody uses are there."""
    check(callable(hub.load), "load cannot be called")
    check(callable(hub.KerasLayer), "KerasLayer cannot be called")


PROGRAMS = {"import": do_nothing, "load": load, "load_each": load_each}

if __name__ == "__main__":
    main()
