"""Runs one of the programs as a child process, with limits."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAMS = Path(__file__).resolve().parent / "programs"
WATCH_SECONDS = 60.0
# The import of TensorFlow from a cold disk comes before the watch.
START_SECONDS = 120.0
# What a user's shell may have set must not decide a row.
_DROPPED = ("ANYHUB_", "TFHUB_", "TF_", "KERAS_", "PYTHON", "http_proxy", "HTTP_PROXY")


@dataclass(frozen=True)
class Answer:
    """How a program ended.

    Attributes:
        ok: Whether everything was as it should be.
        error: First line of the error, empty if none.
        value: What the program returned.
        seconds: Its duration, imports not counted.
        timed_out: Whether the watch ended it.
        imports: Whether the library could be imported.
    """

    ok: bool
    error: str = ""
    value: Any = None
    seconds: float = 0.0
    timed_out: bool = False
    imports: bool = True


@dataclass(frozen=True)
class Launcher:
    """What the programs of a row have in common.

    Attributes:
        python: Interpreter of the environment.
        library: Module to import.
        work: Directory to run in; the cache and the logs lie below it.
        environ: Further environment variables.
    """

    python: Path
    library: str
    work: Path
    environ: Mapping[str, str]

    @property
    def cache(self) -> Path:
        """The cache directory of the row."""
        return self.work / "cache"

    @contextlib.contextmanager
    def started(
        self, program: str, watch: float, arguments: Mapping[str, Any], prefix: Sequence[str] = ()
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Start a program; it is killed at the end of the block if it still runs."""
        command = [
            *(*prefix, str(self.python), str(PROGRAMS)),
            *(program, self.library, str(watch), json.dumps(arguments)),
        ]
        with self._log("out").open("wb") as out, self._log("err").open("wb") as err:
            child = subprocess.Popen(
                command, cwd=self.work, env=self._environment(), stdout=out, stderr=err
            )
        try:
            yield child
        finally:
            child.kill()
            child.wait()

    def run(
        self,
        program: str,
        *,
        watch: float = WATCH_SECONDS,
        prefix: Sequence[str] = (),
        **arguments: Any,
    ) -> Answer:
        """Run a program to its end.

        Args:
            program: Its name.
            watch: Seconds that it may take, imports not counted.
            prefix: A command that runs it.
            **arguments: What the program takes.
        """
        with self.started(program, watch, arguments, prefix) as child:
            try:
                code = child.wait(watch + START_SECONDS)
            except subprocess.TimeoutExpired:
                return Answer(ok=False, error="gave no sign of life", timed_out=True)
        lines = self._log("out").read_text(errors="replace").splitlines()
        if lines and lines[-1].startswith("RESULT "):
            return Answer(**json.loads(lines[-1].removeprefix("RESULT ")))
        return Answer(ok=False, error=self._crash(code))

    def _log(self, name: str) -> Path:
        return self.work / f"program.{name}"

    def _crash(self, code: int) -> str:
        how = signal.Signals(-code).name if code < 0 else f"code {code}"
        said = self._log("err").read_text(errors="replace").strip().splitlines()
        return f"the process ended with {how}" + (f": {said[-1]}" if said else "")

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_DROPPED)}
        return kept | {
            "TFHUB_CACHE_DIR": str(self.cache),
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "CUDA_VISIBLE_DEVICES": "",
            "NO_PROXY": "127.0.0.1",
            **self.environ,
        }
