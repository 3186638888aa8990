"""Runs the programs as child processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SOURCES = HERE.parent.parent / "src"
# What a user's shell may have set must not decide a measurement.
_DROPPED = ("ANYHUB_", "TFHUB_", "TF_", "KERAS_", "PYTHON")
_SET = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"}


def run(script: str, *arguments: str) -> dict[str, Any]:
    """Run a script of this directory.

    Returns:
        Its result, and as "process_seconds" how long the process took from start to end.

    Raises:
        SystemExit: It failed.
    """
    command = [sys.executable, str(HERE / script), *arguments]
    started = time.perf_counter()
    ended = subprocess.run(command, capture_output=True, text=True, env=environ(), check=False)
    seconds = time.perf_counter() - started
    lines = [line for line in ended.stdout.splitlines() if line.startswith("RESULT ")]
    if ended.returncode or not lines:
        raise SystemExit(f"{script} {' '.join(arguments)} failed:\n{ended.stderr}")
    return {**json.loads(lines[-1].removeprefix("RESULT ")), "process_seconds": seconds}


def environ() -> dict[str, str]:
    """The environment of a child: anyhub comes from this checkout, devices are left alone."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_DROPPED)}
    return {**kept, **_SET, "PYTHONPATH": str(SOURCES)}
