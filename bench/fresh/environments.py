"""Makes the virtual environments that are compared."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

INSTALL_LIMIT_SECONDS = 1800
# A wheel built from an earlier state of the checkout must not be taken again.
UV_INSTALL = ("pip", "install", "-q", "--compile-bytecode", "--refresh-package", "anyhub")
_LIST = """
import importlib.metadata as m, json
print(json.dumps({d.name.lower().replace("_", "-"): d.version for d in m.distributions()}))
"""


@dataclass(frozen=True)
class Column:
    """What one column of the table stands for.

    Attributes:
        title: Its heading.
        library: The module that the programs import.
        command: What a user types.
        requirements: What is installed.
    """

    title: str
    library: str
    command: str
    requirements: tuple[str, ...]


@dataclass
class Environment:
    """A virtual environment.

    Attributes:
        python: Its interpreter.
        seeded: Packages that were there before anything was installed, with versions.
        packages: What is installed, with versions.
    """

    python: Path
    seeded: dict[str, str] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)


class Installer:
    """Makes environments by `venv` and pip, or by uv.

    Args:
        python: The interpreter that the environments are for.
        uv: The uv program, None for pip.
    """

    def __init__(self, python: str, uv: str | None) -> None:
        self._python = python
        self._uv = uv

    @property
    def name(self) -> str:
        """How environments are made, for the record."""
        return "uv" if self._uv else "venv and pip"

    def create(self, directory: Path, requirements: Sequence[str]) -> Environment:
        """Make an environment with packages in it."""
        if self._uv:
            _run(self._uv, "venv", "-q", "--python", self._python, str(directory))
        else:
            _run(self._python, "-m", "venv", str(directory))
        environment = Environment(directory / "bin" / "python")
        environment.seeded = self._installed(environment)
        self.install(environment, requirements)
        return environment

    def install(self, environment: Environment, requirements: Sequence[str]) -> None:
        """Install packages and note what is there."""
        python = str(environment.python)
        if self._uv:
            _run(self._uv, *UV_INSTALL, "--python", python, *requirements)
        else:
            _run(python, "-m", "pip", "install", "-q", *requirements)
        environment.packages = self._installed(environment)

    @staticmethod
    def _installed(environment: Environment) -> dict[str, str]:
        return json.loads(_run(str(environment.python), "-I", "-c", _LIST))


def find_uv(given: str | None) -> str | None:
    """The uv program: the given one, else the one on PATH."""
    return str(Path(given).resolve()) if given else shutil.which("uv")


def _run(*command: str) -> str:
    """Run a command to its end.

    Raises:
        SystemExit: It failed; what it said is the message.
    """
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=INSTALL_LIMIT_SECONDS
    )
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    return done.stdout
