"""Parses the headers of a tar: one block of 512 bytes, and the data of extended headers.

ustar and pax: IEEE Std 1003.1-2024, utility "pax", sections "ustar Interchange Format" and
"pax Extended Header". GNU: the manual of GNU tar, "Basic Tar Format" (struct posix_header,
struct oldgnu_header) and "Extensions". The format of Version 7 is ustar without magic.

Where readers are known to disagree (two sizes for one member, keys given twice, sparse files,
prefixes outside of ustar) nothing is guessed: such an archive could show other files to a
scanner than to a user.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from anyhub.transport.archive.problems import damaged, refused, shown

BLOCK_SIZE = 512
ZERO_BLOCK = bytes(BLOCK_SIZE)

_MAGIC = slice(257, 263)
_CHECKSUM = slice(148, 156)
_POSIX_MAGIC = b"ustar\0"
_GNU_MAGIC = b"ustar "
_V7_MAGIC = bytes(6)
_OCTAL = re.compile(rb" *([0-7]*)[ \0]*")
_BASE_256 = b"\x80"
_BASE_256_NEGATIVE = b"\xff"
_LARGEST_OCTAL = 0o77777777777
_LARGEST_SIZE = 2**63 - 1

_RECORD_LENGTH = re.compile(rb"([1-9][0-9]{0,9}) ")
_DECIMAL = re.compile(rb"[0-9]{1,19}")
_LOCAL_KEYS = frozenset({b"path", b"linkpath", b"size"})
_IGNORED_KEYS = frozenset(
    {b"atime", b"charset", b"comment", b"ctime", b"gid", b"gname", b"hdrcharset", b"mtime"}
    | {b"uid", b"uname"}
)
# Extended attributes, times and numbers of files, written by bsdtar, star and GNU tar.
_IGNORED_PREFIXES = (b"LIBARCHIVE.", b"RHT.security.", b"SCHILY.")
_SPARSE_KEYS = (b"GNU.sparse.", b"SCHILY.realsize", b"SCHILY.offset", b"SCHILY.filetype")


@dataclass(frozen=True)
class Header:
    """One header block.

    Attributes:
        name: The name field, with the prefix field of ustar before it.
        type: The type flag.
        size: The size field.
    """

    name: bytes
    type: bytes
    size: int


def has_checksum(block: bytes) -> bool:
    """Whether the checksum field of a block fits the block."""
    stored = _parse_octal(block[_CHECKSUM])
    return stored == sum(block[:148]) + sum(b" " * 8) + sum(block[156:])


def looks_like_header(head: bytes) -> bool:
    """Whether a file that begins with these bytes can be a tar."""
    if head[257:262] == b"ustar":
        return True
    block = head[:BLOCK_SIZE]
    return len(block) == BLOCK_SIZE and (block == ZERO_BLOCK or has_checksum(block))


def parse_header(block: bytes, position: int) -> Header:
    """Parse a header block.

    Args:
        block: 512 bytes that are not all zero.
        position: Where the block begins, for the message.

    Raises:
        ArchiveError: The checksum does not fit, or a field has no valid value.
        UnsafeArchiveError: The size is negative or too large, or readers would disagree about
            the name.
    """
    if not has_checksum(block):
        raise damaged(f"the checksum of the header at byte {position:,} of the tar does not fit")
    magic = block[_MAGIC]
    if magic not in {_POSIX_MAGIC, _GNU_MAGIC, _V7_MAGIC}:
        raise damaged(
            f"the header at byte {position:,} of the tar has the magic {magic!r}; accepted are "
            "ustar, GNU and Version 7"
        )
    name = _parse_string(block[0:100])
    prefix = _parse_string(block[345:500])
    if prefix and magic != _POSIX_MAGIC:
        # GNU keeps times and sparse maps there; some readers take them for a prefix.
        raise refused(name, "has a prefix in a format that has none", "prefixes in ustar")
    if prefix:
        name = prefix + b"/" + name
    return Header(name, block[156:157], _parse_size(block[124:136], name))


def _parse_string(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _parse_octal(field: bytes) -> int | None:
    found = _OCTAL.fullmatch(field)
    return int(found.group(1) or b"0", 8) if found else None


def _parse_size(field: bytes, name: bytes) -> int:
    """Parse a size: octal, or in GNU's base 256 with the highest bit set."""
    accepted = "sizes from 0 to 2**63 - 1"
    if field[:1] == _BASE_256_NEGATIVE:
        raise refused(name, "has a negative size", accepted)
    if field[:1] >= _BASE_256:
        size = int.from_bytes(field[1:], "big")
        if field[:1] != _BASE_256 or size > _LARGEST_SIZE:
            raise refused(name, "has a size that overflows", accepted)
        return size
    octal = _parse_octal(field)
    if octal is None:
        raise damaged(f"the size of member {shown(name)} is no octal number: {field!r}")
    return octal


def parse_records(data: bytes, *, is_global: bool) -> dict[bytes, bytes]:
    """Parse the records of an extended header, each `<length> <key>=<value>` and a newline.

    Args:
        data: The data of the header.
        is_global: Whether the header is for all following members.

    Returns:
        The values of `path` and `size` where given; all other keys do not matter here.

    Raises:
        ArchiveError: A record is malformed.
        UnsafeArchiveError: A key is unknown or given twice, stands for a sparse file, or
            cannot be global.
    """
    records: dict[bytes, bytes] = {}
    start = 0
    while start < len(data):
        found = _RECORD_LENGTH.match(data, start)
        end = start + int(found.group(1)) if found else 0
        if found is None or not found.end() < end <= len(data) or data[end - 1 : end] != b"\n":
            raise damaged("a record of an extended header of the tar has a wrong length")
        key, equals, value = data[found.end() : end - 1].partition(b"=")
        if not equals or not key:
            raise damaged("a record of an extended header of the tar has no key")
        _check_key(key, is_global=is_global)
        if key in records:
            raise refused(key, "is a key that an extended header gives twice", "single keys")
        records[key] = value
        start = end
    return {key: value for key, value in records.items() if key in {b"path", b"size"}}


def _check_key(key: bytes, *, is_global: bool) -> None:
    if key.startswith(_SPARSE_KEYS):
        raise refused(key, "is the key of a sparse file", "regular files and directories")
    if key in _LOCAL_KEYS:
        if is_global:
            raise refused(key, "is set by a global header", "headers for one member")
    elif key not in _IGNORED_KEYS and not key.startswith(_IGNORED_PREFIXES):
        raise refused(key, "is an unknown key of an extended header", "the keys of POSIX")


def effective_size(header: Header, value: bytes | None) -> int:
    """Decide the size of a member that an extended header may give, too.

    A member whose two sizes differ looks different to readers that use one or the other
    (CVE-2025-62518). A larger size than the field can hold has 0 or the maximum there.

    Args:
        header: The header block of the member.
        value: What the extended header says.

    Raises:
        ArchiveError: The value is no number.
        UnsafeArchiveError: The sizes differ.
    """
    if value is None:
        return header.size
    if not _DECIMAL.fullmatch(value):
        raise damaged(f"the extended size of member {shown(header.name)} is {shown(value)}")
    size = int(value)
    overflown = size > _LARGEST_OCTAL and header.size in {0, _LARGEST_OCTAL}
    if size > _LARGEST_SIZE or (size != header.size and not overflown):
        raise refused(
            header.name,
            f"has the size {header.size:,} in its header and {size:,} in the extended one",
            "equal sizes",
        )
    return size
