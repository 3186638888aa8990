"""The programs of the table; each runs in a new process, with one library or the other.

    python fresh/programs PROGRAM LIBRARY WATCH ARGUMENTS

LIBRARY: the module to import. WATCH: seconds after which the program says that it still runs,
and ends. ARGUMENTS: keyword arguments as JSON. A program raises when something is not as it
should be, or returns a JSON value. The last line of stdout is `RESULT` and a JSON object.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
import time
from typing import Any

import layers
import loading
from checks import first_line


def make(hub: Any, **arguments: str) -> None:
    """Save the model of all programs; no hub library has a part in it."""
    import features

    del hub
    features.make(**arguments)


PROGRAMS = {
    "make": make,
    "import": loading.use_names,
    "load": loading.load,
    "load_each": loading.load_each,
    "sequential": layers.sequential,
    "functional": layers.functional,
    "fine_tune": layers.fine_tune,
    "save_keras": layers.save_keras,
    "open_keras": layers.open_keras,
    "legacy_keras": layers.legacy_keras,
}


def main() -> None:
    """Run one program and tell what came out."""
    program, library, watch, arguments = sys.argv[1:]
    try:
        # Both libraries get TensorFlow for free, so that its import is in nobody's time.
        importlib.import_module("tensorflow")
        hub = importlib.import_module(library)
    except Exception as error:
        finish(ok=False, error=first_line(error), imports=False)
    started = time.monotonic()
    timer = threading.Timer(float(watch), give_up, [float(watch)])
    timer.daemon = True
    timer.start()
    try:
        value = PROGRAMS[program](hub, **json.loads(arguments))
    except Exception as error:
        finish(ok=False, error=first_line(error), seconds=time.monotonic() - started)
    finish(ok=True, value=value, seconds=time.monotonic() - started)


def give_up(seconds: float) -> None:
    """Say that the program still runs, and end it."""
    finish(ok=False, error=f"still running after {seconds:.0f} s", seconds=seconds, timed_out=True)


def finish(**result: Any) -> None:
    """Print the result and end at once, whatever other threads are doing."""
    print("RESULT", json.dumps(result), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
