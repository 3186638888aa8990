"""Unpacks a tar: walks over its members and has `Tree` write them.

Only regular files and directories are accepted; see `tar_header` for the format. The standard
library's `tarfile` is not used: its filters were bypassed repeatedly (CVE-2025-4517 and later),
and it takes a cut that falls between two members for the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from anyhub.transport.archive.names import parse_name
from anyhub.transport.archive.problems import damaged, over_limit, refused, shown
from anyhub.transport.archive.tar_header import (
    BLOCK_SIZE,
    ZERO_BLOCK,
    Header,
    effective_size,
    parse_header,
    parse_records,
)

if TYPE_CHECKING:
    from anyhub.transport.archive.limits import Budget
    from anyhub.transport.archive.streams import ByteStream
    from anyhub.transport.archive.writing import Tree

_FILE = b"0"
_OLD_FILE = b"\0"
_DIRECTORY = b"5"
_PAX = b"x"
_PAX_GLOBAL = b"g"
_GNU_LONG_NAME = b"L"
_GNU_LONG_LINK = b"K"
_EXTENDED = frozenset({_PAX, _PAX_GLOBAL, _GNU_LONG_NAME, _GNU_LONG_LINK})
_OTHER_TYPES = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a character device",
    b"4": "a block device",
    b"6": "a FIFO",
    b"7": "a contiguous file",
    b"D": "a GNU directory dump",
    b"M": "part of a multi-volume archive",
    b"S": "a sparse file",
    b"V": "a volume label",
}


@dataclass
class _Extension:
    """What the extended headers before a member say.

    Attributes:
        path: Its name, None when they do not give one.
        size: Its size as written, None when they do not give one.
        length: The size of these headers.
        pending: Whether one of them is for a single member.
        pax: Whether one of them is a pax header for a single member.
    """

    path: bytes | None = None
    size: bytes | None = None
    length: int = 0
    pending: bool = False
    pax: bool = False


def unpack_tar(stream: ByteStream, tree: Tree, budget: Budget) -> None:
    """Unpack all members of a tar and check that nothing follows.

    Args:
        stream: The uncompressed tar.
        tree: Where to write.
        budget: What the archive may still use.

    Raises:
        ArchiveError: The tar is cut or malformed.
        UnsafeArchiveError: It holds something that must not be unpacked.
        OSError: The file system failed.
    """
    extension = _Extension()
    while (header := _read_header(stream)) is not None:
        budget.check_overhead(stream.position)
        if header.type in _EXTENDED:
            _read_extension(stream, header, extension, budget)
        else:
            _unpack_member(stream, header, extension, tree, budget)
            extension = _Extension()
    if extension.pending:
        raise damaged("the tar ends after an extended header, without the member that it is for")
    _check_end(stream, budget)


def _read_header(stream: ByteStream) -> Header | None:
    """Read the next header, None for the two zero blocks at the end."""
    position = stream.position
    block = stream.read(BLOCK_SIZE, "a header of the tar")
    if block != ZERO_BLOCK:
        return parse_header(block, position)
    if stream.read(BLOCK_SIZE, "the two zero blocks that end a tar") != ZERO_BLOCK:
        raise damaged(f"a single zero block lies at byte {position:,} of the tar; two end it")
    return None


def _read_extension(
    stream: ByteStream, header: Header, extension: _Extension, budget: Budget
) -> None:
    limit = budget.limits.header_bytes
    extension.length += BLOCK_SIZE + header.size + -header.size % BLOCK_SIZE
    if extension.length > limit:
        found = f"the extended headers of a member take {extension.length:,} bytes"
        raise over_limit(found, "header_bytes", limit)
    data = stream.read(header.size, "an extended header of the tar")
    _skip_padding(stream, header.size)
    if header.type == _PAX_GLOBAL:
        parse_records(data, is_global=True)
        return
    extension.pending = True
    if header.type == _GNU_LONG_NAME:
        _set_path(extension, data.removesuffix(b"\0"))
    elif header.type == _PAX:
        _set_records(extension, data)


def _set_path(extension: _Extension, path: bytes) -> None:
    if extension.path is not None:
        raise refused(path, "has two extended headers for its name", "members with one name")
    extension.path = path


def _set_records(extension: _Extension, data: bytes) -> None:
    records = parse_records(data, is_global=False)
    if extension.pax:
        raise damaged("the tar holds two extended headers for one member")
    extension.pax = True
    extension.size = records.get(b"size")
    if (path := records.get(b"path")) is not None:
        _set_path(extension, path)


def _unpack_member(
    stream: ByteStream, header: Header, extension: _Extension, tree: Tree, budget: Budget
) -> None:
    budget.count_members()
    name = header.name if extension.path is None else extension.path
    if header.type not in {_FILE, _OLD_FILE, _DIRECTORY}:
        found = _OTHER_TYPES.get(header.type, f"of the unknown type {header.type!r}")
        raise refused(name, f"is {found}", "regular files and directories")
    size = effective_size(header, extension.size)
    # Version 7 has no type for directories.
    if header.type == _DIRECTORY or (header.type == _OLD_FILE and name.endswith(b"/")):
        if size:
            raise refused(name, f"is a directory of {size:,} bytes", "directories without contents")
        tree.add_directory(parse_name(name, budget.limits, directory=True))
        return
    parts = parse_name(name, budget.limits, directory=False)
    budget.claim(size, name)
    tree.add_file(parts, stream.pieces(size, f"member {shown(name)}"))
    _skip_padding(stream, size)


def _skip_padding(stream: ByteStream, size: int) -> None:
    stream.read(-size % BLOCK_SIZE, "the padding of a member of the tar")


def _check_end(stream: ByteStream, budget: Budget) -> None:
    """Read to the end, so that the checksum of the compressed data is checked, too."""
    while piece := stream.take(BLOCK_SIZE * 256):
        budget.check_overhead(stream.position)
        if bytes(piece).count(0) != len(piece):
            raise damaged("the end of the tar is followed by something else than zeros")
