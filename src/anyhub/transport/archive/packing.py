"""Packs a directory into a .tar.gz whose bytes depend only on its files.

Names are sorted, and times, owners and permissions are left out, so a model that is packed
twice has one digest. (Another version of zlib may compress differently.) The tar is ustar;
only names that do not fit get an extended header (see `tar_header` for the formats).
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import secrets
import stat
import tarfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from anyhub.errors import ArchiveError, UnsafeArchiveError
from anyhub.transport.archive.limits import DEFAULT_LIMITS
from anyhub.transport.archive.names import NameIndex, parse_name
from anyhub.transport.archive.tar_header import BLOCK_SIZE, ZERO_BLOCK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedRandom

_READ_SIZE = 1024 * 1024
_LEVELS = range(10)
# Without O_NONBLOCK, opening a FIFO would wait for a writer.
_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_BINARY = getattr(os, "O_BINARY", 0)


@dataclass(frozen=True)
class PackedArchive:
    """An archive that was written.

    Attributes:
        path: Where it is.
        size: Its size in bytes.
        sha256: Its SHA-256 in lower-case hexadecimal digits.
    """

    path: Path
    size: int
    sha256: str


@dataclass(frozen=True)
class _Entry:
    parts: tuple[str, ...]
    path: Path
    directory: bool


def pack(directory: Path, destination: Path, *, level: int = 6) -> PackedArchive:
    """Pack the files and directories of a directory into a .tar.gz.

    The archive appears under its name only when it is complete and on the disk; a file that
    has this name is replaced. Every path that is packed is one that `unpack` accepts.

    Args:
        directory: The directory; its own name is not part of the archive.
        destination: The archive file, which must not lie in the directory.
        level: How much effort to spend on compression, from 0 to 9.

    Raises:
        ArchiveError: There is no file in the directory, a file changes meanwhile, or an
            argument makes no sense.
        UnsafeArchiveError: The directory holds a symbolic link, a special file or a name that
            is not valid on every system.
        OSError: The file system failed.
    """
    try:
        _check_arguments(directory, destination, level)
        return _write(_list_entries(directory), destination, level)
    except ArchiveError as error:
        error.args = (f"cannot pack {str(directory)!r}: {error}",)
        raise


def _check_arguments(directory: Path, destination: Path, level: int) -> None:
    if level not in _LEVELS:
        raise ArchiveError(f"the compression level is {level!r}; accepted are 0 to 9")
    if destination.resolve().is_relative_to(directory.resolve()):
        raise ArchiveError(
            f"the archive {str(destination)!r} would lie in the directory that it holds; write "
            "it elsewhere"
        )


def _list_entries(directory: Path) -> list[_Entry]:
    entries = sorted(_walk(directory, (), NameIndex()), key=lambda entry: entry.parts)
    if all(entry.directory for entry in entries):
        raise ArchiveError("it holds no file; an archive needs at least one")
    return entries


def _walk(directory: Path, parents: tuple[str, ...], names: NameIndex) -> Iterator[_Entry]:
    with os.scandir(directory) as scan:
        found = list(scan)
    for item in found:
        path = Path(item.path)
        is_directory = item.is_dir(follow_symlinks=False)
        if not is_directory and not item.is_file(follow_symlinks=False):
            raise _not_regular(path, "symbolic link" if item.is_symlink() else "special file")
        raw = "/".join((*parents, item.name))
        parts = parse_name(os.fsencode(raw), DEFAULT_LIMITS, directory=is_directory)
        if is_directory:
            names.add_directory(parts)
            yield from _walk(path, parts, names)
        else:
            names.add_file(parts)
        yield _Entry(parts, path, is_directory)


def _not_regular(path: Path, kind: str) -> UnsafeArchiveError:
    return UnsafeArchiveError(
        f"{str(path)!r} is a {kind}; accepted are regular files and directories: replace it by "
        "what it stands for, or remove it"
    )


def _write(entries: list[_Entry], destination: Path, level: int) -> PackedArchive:
    with _replacing(destination) as file:
        # An empty name and a time of 0 keep both out of the gzip header.
        with gzip.GzipFile("", "wb", level, file, mtime=0) as packed:
            for entry in entries:
                _write_member(entry, packed)
            packed.write(ZERO_BLOCK * 2)
        size = file.tell()
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return PackedArchive(destination, size, digest)


@contextmanager
def _replacing(path: Path) -> Iterator[BufferedRandom]:
    """Open a temporary file that takes the place of a path when the block succeeds."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        with temporary.open("x+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_directory(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _sync_directory(directory: Path) -> None:
    if os.name == "nt":  # Windows cannot open directories
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_member(entry: _Entry, packed: gzip.GzipFile) -> None:
    header = tarfile.TarInfo("/".join(entry.parts))
    if entry.directory:
        header.type, header.mode = tarfile.DIRTYPE, 0o755
        packed.write(_to_bytes(header))
        return
    with os.fdopen(_open_regular(entry.path), "rb") as file:
        header.size = os.fstat(file.fileno()).st_size
        packed.write(_to_bytes(header))
        written = 0
        while piece := file.read(_READ_SIZE):
            packed.write(piece)
            written += len(piece)
    if written != header.size:
        raise ArchiveError(
            f"{str(entry.path)!r} had {header.size:,} bytes at first and then {written:,}; "
            "pack the directory when nothing writes to it"
        )
    packed.write(bytes(-written % BLOCK_SIZE))


def _to_bytes(header: tarfile.TarInfo) -> bytes:
    try:
        return header.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")
    except ValueError:  # the name is too long or not ASCII, or the size is 8 GiB or more
        return header.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")


def _open_regular(path: Path) -> int:
    try:
        descriptor = os.open(path, _READ | _BINARY)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise _not_regular(path, "symbolic link") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _not_regular(path, "special file")
    return descriptor
