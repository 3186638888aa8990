"""Unpacks a zip: `zipfile` parses the directory at its end, the rest is done here.

Format: PKWARE APPNOTE.TXT 6.3.10, section 4.3. Every member stands in that file twice, in the
central directory and in a local header before its data. Both must agree, no byte may belong
to two members, and nothing may follow the end record: otherwise two programs could see
different files in one archive.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, NamedTuple

from anyhub.transport.archive.names import parse_name
from anyhub.transport.archive.problems import damaged, over_limit, refused, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from anyhub.transport.archive.limits import Budget, Limits
    from anyhub.transport.archive.writing import Tree

_READ_SIZE = 256 * 1024
_PIECE_SIZE = 1024 * 1024
_RAW_DEFLATE = -15  # zlib.h, inflateInit2: no container, 15 bits of window

_LOCAL = struct.Struct("<4s5H3I2H")  # section 4.3.7
_LOCAL_MAGIC = b"PK\x03\x04"
_END = struct.Struct("<4s4H2IH")  # section 4.3.16
_END_MAGIC = b"PK\x05\x06"
_END64 = struct.Struct("<4sQ2H2I4Q")  # section 4.3.14
_END64_MAGIC = b"PK\x06\x06"
_LOCATOR_SIZE = 20  # section 4.3.15
_LOCATOR_MAGIC = b"PK\x06\x07"
_LONGEST_COMMENT = 0xFFFF
_IN_ZIP64_FIELD = 0xFFFFFFFF

# Section 4.4.4: encrypted, strongly encrypted, directory encrypted.
_ENCRYPTED = 1 << 0 | 1 << 6 | 1 << 13
_SIZES_FOLLOW = 1 << 3
_UTF8 = 1 << 11

_STORED = 0
_DEFLATED = 8
_OTHER_METHODS = {9: "deflate64", 12: "bzip2", 14: "LZMA", 93: "zstd", 95: "xz", 99: "AES"}
_OTHER_TYPES = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
}
# More than any directory of sensible names needs, as `zipfile` reads it into memory at once.
_DIRECTORY_BASE = 64 * 1024
_DIRECTORY_PER_MEMBER = 512


class _End(NamedTuple):
    """What the end record says: members, and where the central directory begins."""

    members: int
    directory_start: int


def unpack_zip(file: BinaryIO, tree: Tree, budget: Budget) -> None:
    """Unpack all members of a zip.

    Args:
        file: The zip, opened for reading.
        tree: Where to write.
        budget: What the archive may still use.

    Raises:
        ArchiveError: The zip is cut, altered or malformed.
        UnsafeArchiveError: It holds something that must not be unpacked.
        OSError: The file system failed.
    """
    end = _read_end(file, budget.limits)
    members = _read_directory(file)
    if len(members) != end.members:
        raise damaged(f"the zip lists {len(members):,} members and says {end.members:,}")
    budget.count_members(len(members))
    for member in members:
        _check_member(member)
        budget.claim(member.file_size, _raw_name(member))
    position = 0
    for member in sorted(members, key=lambda member: member.header_offset):
        position = _unpack_member(file, member, position, tree, budget.limits)
    if position > end.directory_start:
        raise damaged("the data of the last member of the zip reaches into its directory")


def _read_end(file: BinaryIO, limits: Limits) -> _End:
    size = file.seek(0, 2)
    start = max(0, size - _LONGEST_COMMENT - _END.size - _LOCATOR_SIZE - _END64.size)
    file.seek(start)
    tail = file.read()
    found = tail.rfind(_END_MAGIC)
    if found < 0 or len(tail) - found < _END.size:
        raise damaged("the zip is cut off: it has no end record")
    *_, members, length, _, comment = _END.unpack_from(tail, found)
    if found + _END.size + comment != len(tail):
        raise damaged("the end record of the zip is followed by something else than its comment")
    end = start + found
    if tail[max(0, found - _LOCATOR_SIZE) : found].startswith(_LOCATOR_MAGIC):
        found -= _LOCATOR_SIZE + _END64.size
        if found < 0 or not tail.startswith(_END64_MAGIC, found):
            raise damaged("the end record of the zip for large files is missing")
        *_, members, length, _ = _END64.unpack_from(tail, found)
        end = start + found
    allowed = _DIRECTORY_BASE + _DIRECTORY_PER_MEMBER * limits.members
    if length > allowed:
        raise over_limit(f"its directory takes {length:,} bytes", "members", limits.members)
    return _End(members, end - length)


def _read_directory(file: BinaryIO) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.infolist()
    # All that zipfile is known to raise for malformed directories, apart from OSError.
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error, EOFError) as error:
        raise damaged(f"the directory of the zip is invalid ({error})") from error


def _raw_name(member: zipfile.ZipInfo) -> bytes:
    # `filename` may come from an extra field, and stops at a NUL; this is the name field.
    encoding = "utf-8" if member.flag_bits & _UTF8 else "cp437"
    return member.orig_filename.encode(encoding)


def _check_member(member: zipfile.ZipInfo) -> None:
    name = _raw_name(member)
    if member.flag_bits & _ENCRYPTED:
        raise refused(name, "is encrypted", "members without a password")
    if member.compress_type not in {_STORED, _DEFLATED}:
        method = _OTHER_METHODS.get(member.compress_type, f"method {member.compress_type}")
        raise refused(name, f"is compressed with {method}", "stored and deflated members")
    kind = stat.S_IFMT(member.external_attr >> 16)
    accepted = "regular files and directories"
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        found = _OTHER_TYPES.get(kind, f"of the unknown type {kind:#o}")
        raise refused(name, f"is {found}", accepted)
    directory = name.endswith(b"/")
    if kind and directory != (kind == stat.S_IFDIR):
        raise refused(name, "is a directory by its name or its mode, but not by both", accepted)
    if directory and member.file_size:
        found = f"is a directory of {member.file_size:,} bytes"
        raise refused(name, found, "directories without contents")


def _unpack_member(
    file: BinaryIO, member: zipfile.ZipInfo, position: int, tree: Tree, limits: Limits
) -> int:
    """Unpack one member; return where its data ends."""
    name = _raw_name(member)
    if member.header_offset < position:
        raise damaged(f"member {shown(name)} of the zip lies within the data of another one")
    file.seek(member.header_offset)
    _read_local_header(file, member)
    end = file.tell() + member.compress_size
    if name.endswith(b"/"):
        tree.add_directory(parse_name(name, limits, directory=True))
    else:
        tree.add_file(parse_name(name, limits, directory=False), _contents(file, member))
    return end


def _read_local_header(file: BinaryIO, member: zipfile.ZipInfo) -> None:
    """Compare the header before the data with the directory, and move to the data."""
    name = _raw_name(member)
    header = file.read(_LOCAL.size)
    if len(header) != _LOCAL.size or not header.startswith(_LOCAL_MAGIC):
        raise damaged(f"the zip has no header where member {shown(name)} should begin")
    _, _, flags, method, _, _, crc, packed, size, name_length, extra = _LOCAL.unpack(header)
    agrees = file.read(name_length) == name and method == member.compress_type
    agrees &= not flags & _ENCRYPTED
    if not flags & _SIZES_FOLLOW:
        agrees &= crc == member.CRC
        agrees &= packed in {member.compress_size, _IN_ZIP64_FIELD}
        agrees &= size in {member.file_size, _IN_ZIP64_FIELD}
    if not agrees:
        raise damaged(f"the two headers of member {shown(name)} of the zip do not agree")
    file.seek(extra, 1)


def _contents(file: BinaryIO, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield the contents of a member, and check their size and CRC-32."""
    name = shown(_raw_name(member))
    size = crc = 0
    packed = _read_packed(file, member)
    for piece in _inflate(packed, name) if member.compress_type == _DEFLATED else packed:
        size += len(piece)
        if size > member.file_size:
            break
        crc = zlib.crc32(piece, crc)
        yield piece
    if size != member.file_size:
        more = "more" if size > member.file_size else f"{size:,}"
        raise damaged(f"member {name} of the zip says {member.file_size:,} bytes and has {more}")
    if crc != member.CRC:
        raise damaged(f"the CRC-32 of member {name} of the zip does not fit its contents")


def _read_packed(file: BinaryIO, member: zipfile.ZipInfo) -> Iterator[bytes]:
    left = member.compress_size
    while left:
        piece = file.read(min(left, _READ_SIZE))
        if not piece:
            raise damaged(f"the zip is cut off within member {shown(_raw_name(member))}")
        left -= len(piece)
        yield piece


def _inflate(packed: Iterator[bytes], name: str) -> Iterator[bytes]:
    decoder = zlib.decompressobj(wbits=_RAW_DEFLATE)
    for data in packed:
        if decoder.eof:
            raise damaged(f"data follows the contents of member {name} of the zip")
        yield from _decompress(decoder, data, name)
    if not decoder.eof:
        raise damaged(f"the data of member {name} of the zip is cut off")
    if decoder.unused_data:
        raise damaged(f"data follows the contents of member {name} of the zip")


def _decompress(decoder: zlib._Decompress, data: bytes, name: str) -> Iterator[bytes]:
    piece = None
    # A full piece without input left: the decoder may hold back more.
    while not decoder.eof and (data or piece):
        try:
            piece = decoder.decompress(data, _PIECE_SIZE)
        except zlib.error as error:
            raise damaged(f"the data of member {name} of the zip is invalid ({error})") from error
        if piece:
            yield piece
        data = decoder.unconsumed_tail
