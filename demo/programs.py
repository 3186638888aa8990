"""Runs the demo's programs: each in a process of its own, its log in a file."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
SERVER_START_SECONDS = 60
LOG_LINES_SHOWN = 30


def run(output: Path, program: str, *arguments: object) -> None:
    """Run one of the demo's programs to its end; its log goes to a file.

    Raises:
        SystemExit: The program failed; the end of its log is the message.
    """
    log = output / f"{program}.log"
    command = [sys.executable, HERE / f"{program}.py", *map(str, arguments)]
    with log.open("w") as stderr:
        code = subprocess.run(
            command, cwd=output, env=environment(output), stderr=stderr, check=False
        ).returncode
    if code != 0:
        raise SystemExit(failure(f"{program}.py ended with code {code}", log))


def environment(output: Path) -> dict[str, str]:
    """Return the environment of the programs: own cache, quiet, output at once."""
    return os.environ | {
        "TFHUB_CACHE_DIR": str(output / "cache"),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONUNBUFFERED": "1",
        "KERAS_BACKEND": "tensorflow",
    }


def failure(what: str, log: Path) -> str:
    """Describe a failed program by the last lines of its log."""
    lines = log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:]
    return "\n".join([f"{what}; the end of {log}:", *lines])


@contextlib.contextmanager
def served(output: Path, hub: Path) -> Iterator[str]:
    """Serve a directory of models for as long as the block runs.

    Yields:
        The URL of the server.
    """
    port = free_port()
    command = [sys.executable, "-m", "anyhub.cli", "serve", str(hub), "--port", str(port)]
    log = output / "server.log"
    with log.open("w") as stream:
        server = subprocess.Popen(
            command, env=environment(output), stdout=stream, stderr=subprocess.STDOUT
        )
        try:
            base_url = f"http://127.0.0.1:{port}"
            wait_until_healthy(server, base_url, log)
            yield base_url
        finally:
            stop(server)


def stop(server: subprocess.Popen[bytes]) -> None:
    """End the server, by force when it does not answer."""
    server.terminate()
    try:
        server.wait(timeout=10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def wait_until_healthy(server: subprocess.Popen[bytes], base_url: str, log: Path) -> None:
    """Wait for the server's own word that it is ready.

    Raises:
        SystemExit: It ended, or was not ready in time.
    """
    deadline = time.monotonic() + SERVER_START_SECONDS
    # A proxy from the environment must not get requests for this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError), opener.open(f"{base_url}/healthz", timeout=5):
            return
        time.sleep(0.2)
    raise SystemExit(failure(f"no healthy server at {base_url}", log))


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
