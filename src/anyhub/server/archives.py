"""Archives of the served models, packed when they are first asked for and then kept."""

from __future__ import annotations

import hashlib
import threading
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from anyhub.transport.archive import pack

if TYPE_CHECKING:
    from anyhub.server.tree import ServedModel


@dataclass(frozen=True)
class ServedArchive:
    """A packed model.

    Attributes:
        path: The `.tar.gz` file.
        sha256: Digest of the file.
    """

    path: Path
    sha256: str


class ArchiveStore:
    """Keeps packed models, by the state of the files that went into them.

    Args:
        directory: Where they are kept; several servers may share it.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def get(self, model: ServedModel) -> ServedArchive:
        """The archive of a model, packed now if it was not yet.

        Raises:
            UnsafeArchiveError: The model's directory holds links or special files.
        """
        key = _state(model.path)
        with self._locks[key]:
            found = self._find(key)
            return found if found is not None else self._pack(key, model.path)

    def _find(self, key: str) -> ServedArchive | None:
        for path in self._directory.glob(f"{key}-*.tar.gz"):
            return ServedArchive(path, path.name.removeprefix(f"{key}-").removesuffix(".tar.gz"))
        return None

    def _pack(self, key: str, source: Path) -> ServedArchive:
        self._directory.mkdir(parents=True, exist_ok=True)
        temporary = self._directory / f"packing-{key}-{threading.get_ident()}"
        # Weights hardly compress, and the client that asked is waiting.
        packed = pack(source, temporary, level=1)
        path = self._directory / f"{key}-{packed.sha256}.tar.gz"
        temporary.rename(path)
        return ServedArchive(path, packed.sha256)


def _state(directory: Path) -> str:
    """A digest of names, sizes and times, which changes when the model is replaced."""
    digest = hashlib.sha256(str(directory).encode())
    for path in sorted(directory.rglob("*")):
        status = path.lstat()
        line = f"{path.relative_to(directory)}\0{status.st_size}\0{status.st_mtime_ns}\n"
        digest.update(line.encode())
    return digest.hexdigest()[:32]
