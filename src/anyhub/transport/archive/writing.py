"""Writes the members of an archive below one directory and nowhere else."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anyhub.transport.archive.names import NameIndex
from anyhub.transport.archive.problems import refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from types import TracebackType

    from anyhub.transport.archive.limits import Budget

# Windows has neither O_NOFOLLOW nor functions that take a directory descriptor.
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW | getattr(os, "O_BINARY", 0)
_DIRECTORY = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
_USE_DIR_FD = {os.open, os.mkdir} <= os.supports_dir_fd


@dataclass(frozen=True)
class UnpackedFile:
    """A file that was written.

    Attributes:
        path: Its path below the destination, with `/` between the components.
        size: Its size in bytes.
        sha256: Its SHA-256 in lower-case hexadecimal digits.
    """

    path: str
    size: int
    sha256: str


class Tree:
    """A new directory tree; as a context manager it vanishes when the block raises.

    Files and directories are created relative to the descriptor of their parent where the
    system can do that, never through a symbolic link and never over something that exists.
    Their permissions are the default ones of the process.
    """

    def __init__(self, root: Path, budget: Budget) -> None:
        self._root = root
        self._budget = budget
        self._names = NameIndex()
        self._files: list[UnpackedFile] = []
        self._root_fd: int | None = None
        self._created = False

    def __enter__(self) -> Tree:
        """Create the root.

        Raises:
            OSError: It cannot be created, or exists and is not an empty directory.
        """
        try:
            self._root.mkdir()
            self._created = True
        except FileExistsError:
            if any(self._root.iterdir()):
                text = "archives are unpacked only into a new or empty directory"
                raise FileExistsError(errno.EEXIST, text, str(self._root)) from None
        if _USE_DIR_FD:
            self._root_fd = os.open(self._root, _DIRECTORY)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._root_fd is not None:
            os.close(self._root_fd)
        if error is None:
            return
        try:
            self._remove()
        except OSError as failure:
            error.add_note(f"what was unpacked so far could not be removed: {failure}")

    def _remove(self) -> None:
        if self._created:
            shutil.rmtree(self._root)
            return
        for child in self._root.iterdir():
            if child.is_dir() and not child.is_symlink():
                shutil.rmtree(child)
            else:
                child.unlink()

    @property
    def files(self) -> list[UnpackedFile]:
        """The files so far, sorted by path."""
        return sorted(self._files, key=lambda file: file.path)

    def add_directory(self, parts: tuple[str, ...]) -> None:
        """Create a directory and those that it lies in.

        Raises:
            UnsafeArchiveError: The path conflicts with another one.
            OSError: The file system failed.
        """
        new = self._names.add_directory(parts)
        self._budget.count_members(sum(path != parts for path in new))
        self._make_directories(new)

    def add_file(self, parts: tuple[str, ...], contents: Iterable[bytes | memoryview]) -> None:
        """Create a file and the directories that it lies in.

        Args:
            parts: The components of its path.
            contents: Its contents in pieces; whatever it raises ends the unpacking.

        Raises:
            UnsafeArchiveError: The path conflicts with another one.
            OSError: The file system failed.
        """
        implied = self._names.add_file(parts)
        self._budget.count_members(len(implied))
        self._make_directories(implied)
        digest = hashlib.sha256()
        size = 0
        with os.fdopen(self._create(parts), "wb") as file:
            for piece in contents:
                digest.update(piece)
                file.write(piece)
                size += len(piece)
        self._files.append(UnpackedFile("/".join(parts), size, digest.hexdigest()))

    def _make_directories(self, paths: list[tuple[str, ...]]) -> None:
        for parts in paths:
            with self._parent(parts) as (name, dir_fd), _no_overwriting(parts):
                os.mkdir(name, dir_fd=dir_fd)

    def _create(self, parts: tuple[str, ...]) -> int:
        with self._parent(parts) as (name, dir_fd), _no_overwriting(parts):
            return os.open(name, _CREATE, 0o666, dir_fd=dir_fd)

    @contextmanager
    def _parent(self, parts: tuple[str, ...]) -> Iterator[tuple[str, int | None]]:
        """Yield how to address a path: a name, and the descriptor that it is relative to."""
        if self._root_fd is None:
            yield str(self._root.joinpath(*parts)), None
            return
        descriptor = os.dup(self._root_fd)
        try:
            for part in parts[:-1]:
                child = os.open(part, _DIRECTORY | _NOFOLLOW, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = child
            yield parts[-1], descriptor
        finally:
            os.close(descriptor)


@contextmanager
def _no_overwriting(parts: tuple[str, ...]) -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        # Our own check knows case and Unicode forms; file systems may ignore still more.
        raise refused(
            "/".join(parts),
            "is taken by the file system for another member",
            "paths that differ on every file system",
        ) from None
