"""Tells by the first bytes what a file is; names and media types lie too often.

Magic numbers: RFC 1952 section 2.3.1 (gzip), RFC 8878 section 3.1.1 (Zstandard), APPNOTE.TXT
6.3.10 section 4.3 (zip), and the `magic` files of file(1) for the rest.
"""

from __future__ import annotations

import enum
import html
import re

from anyhub.errors import ArchiveError
from anyhub.transport.archive.problems import shown
from anyhub.transport.archive.tar_header import looks_like_header

HEAD_SIZE = 64 * 1024

_ACCEPTED = (
    "accepted are .tar.gz, .tar.zst, .tar and .zip, recognised by their contents and not by "
    "their names"
)
# Atomic groups and bounded repeats keep hostile pages from making the search slow.
_PAGE_START = re.compile(
    rb"(?>\xef\xbb\xbf|\s+|<\?xml[^>]*>|<!--.*?-->)*+<(!doctype html|html|head|body)",
    re.IGNORECASE | re.DOTALL,
)
_TITLE = re.compile(rb"<title[^>]{0,200}>(.{0,1000}?)</title", re.IGNORECASE | re.DOTALL)
_KINDS = (
    (b"BZh", "a bzip2 file", "pack the model again as .tar.gz"),
    (b"\xfd7zXZ\0", "an xz file", "pack the model again as .tar.gz"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "pack the model again as .tar.gz"),
    (b"Rar!\x1a\x07", "a rar archive", "pack the model again as .tar.gz"),
    (b"\x04\x22\x4d\x18", "an lz4 file", "pack the model again as .tar.gz"),
    (b"\x1f\x9d", "a compress (.Z) file", "pack the model again as .tar.gz"),
    (b"PK\x07\x08", "a zip in several parts", "join the parts first"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "load it with keras.models.load_model"),
    # saved_model.proto: schema version 1 in field 1, then a MetaGraphDef in field 2.
    (b"\x08\x01\x12", "a bare saved_model.pb", "give the directory that holds it"),
    (b"version https://git-lfs.", "a Git LFS pointer", "run `git lfs pull` where it came from"),
    (b"<?xml", "an XML document", "see whether the server answered with an error"),
    (b"<Error", "an XML document", "see whether the server answered with an error"),
    (b"{", "a JSON document", "see whether the server answered with an error"),
)


class Format(enum.Enum):
    """The kinds of archives that are unpacked."""

    GZIP = "gzip"
    ZSTD = "zstd"
    TAR = "tar"
    ZIP = "zip"


def identify(head: bytes) -> Format | None:
    """Tell the format of an archive from its first bytes, None for any other file."""
    if head.startswith(b"\x1f\x8b"):
        return Format.GZIP
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return Format.ZSTD
    # The second is how a zip without any member begins.
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return Format.ZIP
    return Format.TAR if looks_like_header(head) else None


def unknown_format(head: bytes, within: Format | None = None) -> ArchiveError:
    """Make the error for a file that is no archive.

    Args:
        head: Its first bytes, up to `HEAD_SIZE`.
        within: What it was compressed with, None when it was not.
    """
    found, next_step = _describe(head)
    if within is not None:
        found = f"{within.value} around {found} instead of a tar"
    return ArchiveError(f"it is {found}; {_ACCEPTED}: {next_step}")


def _describe(head: bytes) -> tuple[str, str]:
    if not head:
        return "an empty file", "fetch it again"
    if _PAGE_START.match(head):
        return _describe_page(head), "open its address in a browser to see what the server says"
    for magic, kind, next_step in _KINDS:
        if head.startswith(magic):
            return kind, next_step
    if (inner := identify(head)) is not None:
        return f"another {inner.value} archive", "pack the model again as .tar.gz"
    return f"a file of an unknown kind, beginning with {shown(head[:16])}", "check its address"


def _describe_page(head: bytes) -> str:
    found = _TITLE.search(head)
    if found is None:
        return "a web page without a title"
    title = html.unescape(found.group(1).decode("utf-8", "replace"))
    return f"a web page with the title {shown(' '.join(title.split()))}"
