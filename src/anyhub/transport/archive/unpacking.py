"""Unpacks an archive of any accepted format into a new directory."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from anyhub.errors import ArchiveError
from anyhub.transport.archive.limits import DEFAULT_LIMITS, Budget, Limits
from anyhub.transport.archive.sniff import HEAD_SIZE, Format, identify, unknown_format
from anyhub.transport.archive.streams import ByteStream, read_gzip, read_plain, read_zstd
from anyhub.transport.archive.tar import unpack_tar
from anyhub.transport.archive.writing import Tree, UnpackedFile
from anyhub.transport.archive.zip import unpack_zip

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

_READERS = {Format.GZIP: read_gzip, Format.ZSTD: read_zstd, Format.TAR: read_plain}


def unpack(
    path: Path, destination: Path, *, limits: Limits = DEFAULT_LIMITS, name: str | None = None
) -> list[UnpackedFile]:
    """Unpack an archive into a directory.

    The format is found by the contents: a tar, plain or compressed with gzip or zstd, or a
    zip. Only regular files and directories are unpacked, under names that are valid on every
    system. An archive that is cut short, altered or followed by something else is refused as
    far as its format allows to notice: gzip, zip and zstd with a checksum carry checksums of
    their contents; a plain tar and zstd without a checksum do not.

    The files are not synced to the disk; who publishes the directory does that.

    Args:
        path: The archive file.
        destination: A directory that does not exist, whose parent does, or an empty one.
        limits: What the archive may ask for.
        name: What to call the archive in messages, such as its URL; its path by default.

    Returns:
        The files that were written, sorted by path.

    Raises:
        ArchiveError: The archive is damaged or of another kind, or holds no file.
        UnsafeArchiveError: It holds something that must not be unpacked, or exceeds a limit.
        OSError: The file system failed, for example because the disk is full. After every
            error the destination is as it was before.

    Examples:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from anyhub.transport.archive import pack, unpack
        >>> with TemporaryDirectory() as folder:
        ...     model = Path(folder, "model")
        ...     model.mkdir()
        ...     _ = Path(model, "saved_model.pb").write_bytes(b"graph")
        ...     archive = pack(model, Path(folder, "model.tar.gz"))
        ...     [file.path for file in unpack(archive.path, Path(folder, "copy"))]
        ['saved_model.pb']
    """
    try:
        with path.open("rb") as file:
            return _unpack(file, destination, limits)
    except ArchiveError as error:
        error.args = (f"cannot unpack {str(path) if name is None else name!r}: {error}",)
        raise


def _unpack(file: BinaryIO, destination: Path, limits: Limits) -> list[UnpackedFile]:
    budget = Budget(limits, os.fstat(file.fileno()).st_size)
    head = file.read(HEAD_SIZE)
    file.seek(0)
    kind = identify(head)
    if kind is None:
        raise unknown_format(head)
    with Tree(destination, budget) as tree:
        if kind is Format.ZIP:
            unpack_zip(file, tree, budget)
        else:
            unpack_tar(_open_tar(file, kind), tree, budget)
        if not tree.files:
            raise ArchiveError(
                "it holds no file; a model has one at least: ask its publisher for another archive"
            )
        return tree.files


def _open_tar(file: BinaryIO, kind: Format) -> ByteStream:
    stream = ByteStream(_READERS[kind](file))
    inner = stream.peek(HEAD_SIZE)
    if identify(inner) is not Format.TAR:
        raise unknown_format(inner, within=kind)
    return stream
