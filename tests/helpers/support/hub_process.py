"""Runs `anyhub serve` as a process of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path


class HubProcess:
    """A hub on loopback; `url` is its address, `add` puts a model into its tree."""

    def __init__(self, root: Path, archives: Path, *arguments: str) -> None:
        self.root = root
        self._command = [
            *(sys.executable, "-m", "anyhub", "serve", str(root), "--port", "0"),
            *("--archives", str(archives), *arguments),
        ]
        self.url = ""

    def __enter__(self) -> HubProcess:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        line = self._process.stdout.readline()
        self.url = line.rpartition(" ")[2].strip().rstrip("/")
        assert self.url.startswith("http://"), f"the server said {line!r}"
        deadline = time.monotonic() + 30
        while not self._is_up():
            assert time.monotonic() < deadline, "the server did not start within 30 s"
            time.sleep(0.05)
        return self

    def _is_up(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._process.stdout.close()

    def add(self, model: Path, name: str, version: int = 1) -> str:
        """Copy a model into the tree and return its URL."""
        target = self.root / name / str(version)
        if not target.exists():
            shutil.copytree(model, target)
        return f"{self.url}/{name}/{version}"
