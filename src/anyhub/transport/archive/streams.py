"""Decompresses archives piece by piece, with every check that their formats offer.

A decompressor here yields pieces of at most 1 MiB and raises unless the compressed data is
whole: the end must be reached, checksums must fit, and nothing may follow.

gzip: RFC 1952; section 2.3.1 for the trailer (CRC-32 and length), checked by zlib.
Zstandard: RFC 8878; section 3.1.1 for the content checksum (XXH64), checked by libzstd. That
checksum is optional. The `zstd` program writes it, Python's compressors leave it out unless
asked: in such a frame cuts are still found, but altered bytes can pass.
"""

from __future__ import annotations

import sys
import zlib
from typing import TYPE_CHECKING

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from anyhub.transport.archive.problems import damaged

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

_READ_SIZE = 256 * 1024
_PIECE_SIZE = 1024 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_CONTAINER = 31  # zlib.h, inflateInit2: 15 bits of window, plus 16 for gzip only
# RFC 8878, section 3.1.1.1.2 recommends 8 MiB; `zstd` itself stops at 128 MiB.
_ZSTD_WINDOW_LOG_MAX = 27


def read_plain(file: BinaryIO) -> Iterator[bytes]:
    """Yield the pieces of a file as they are."""
    while piece := file.read(_READ_SIZE):
        yield piece


def read_gzip(file: BinaryIO) -> Iterator[bytes]:
    """Decompress a file that holds one gzip member, and perhaps zeros after it.

    Raises:
        ArchiveError: The data is cut or altered, or something else follows it.
    """
    decoder = zlib.decompressobj(wbits=_GZIP_CONTAINER)
    while not decoder.eof:
        data = decoder.unconsumed_tail or file.read(_READ_SIZE)
        if not data:
            raise damaged(f"the gzip data is cut off after {file.tell():,} bytes")
        try:
            piece = decoder.decompress(data, _PIECE_SIZE)
        except zlib.error as error:
            raise damaged(_gzip_fault(error, file.tell())) from error
        if piece:
            yield piece
    _check_gzip_end(decoder.unused_data, file)


def _gzip_fault(error: zlib.error, position: int) -> str:
    if "incorrect data check" in str(error):
        return "the CRC-32 of the gzip data does not fit its contents"
    if "incorrect length check" in str(error):
        return "the length at the end of the gzip data does not fit its contents"
    return f"the gzip data within the first {position:,} bytes is invalid ({error})"


def _check_gzip_end(rest: bytes, file: BinaryIO) -> None:
    rest = rest or file.read(_READ_SIZE)
    if rest.startswith(_GZIP_MAGIC):
        raise damaged("a second gzip member follows the first; one is accepted")
    while rest:
        if rest.count(0) != len(rest):
            raise damaged("the gzip data is followed by something else; only zeros are accepted")
        rest = file.read(_READ_SIZE)


def read_zstd(file: BinaryIO) -> Iterator[bytes]:
    """Decompress a file that holds one Zstandard frame and nothing else.

    Raises:
        ArchiveError: The data is cut or altered, or something follows it, or it needs a
            dictionary or a window of more than 128 MiB.
    """
    limit = int(zstd.DecompressionParameter.window_log_max)
    decoder = zstd.ZstdDecompressor(options={limit: _ZSTD_WINDOW_LOG_MAX})
    while not decoder.eof:
        data = file.read(_READ_SIZE) if decoder.needs_input else b""
        if not data and decoder.needs_input:
            raise damaged(f"the zstd data is cut off after {file.tell():,} bytes")
        try:
            piece = decoder.decompress(data, _PIECE_SIZE)
        except zstd.ZstdError as error:
            raise damaged(_zstd_fault(error, file.tell())) from error
        if piece:
            yield piece
    if decoder.unused_data or file.read(1):
        raise damaged("the zstd frame is followed by something else; one frame alone is accepted")


def _zstd_fault(error: zstd.ZstdError, position: int) -> str:
    if "doesn't match checksum" in str(error):
        return "the checksum of the zstd data does not fit its contents"
    return f"the zstd data within the first {position:,} bytes is invalid ({error})"


class ByteStream:
    """Reads exact amounts from an iterator of pieces.

    Attributes:
        position: Number of bytes read.
    """

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.position = 0
        self._pieces = pieces
        self._piece = memoryview(b"")

    def peek(self, size: int) -> bytes:
        """Return the next `size` bytes without reading them, fewer only at the end."""
        known = [bytes(self._piece)]
        missing = size - len(self._piece)
        while missing > 0 and (piece := next(self._pieces, b"")):
            known.append(piece)
            missing -= len(piece)
        self._piece = memoryview(b"".join(known))
        return bytes(self._piece[:size])

    def take(self, limit: int) -> memoryview:
        """Read at least one and at most `limit` bytes, none only at the end."""
        if not self._piece:
            self._piece = memoryview(next(self._pieces, b""))
        taken, self._piece = self._piece[:limit], self._piece[limit:]
        self.position += len(taken)
        return taken

    def pieces(self, size: int, part: str) -> Iterator[memoryview]:
        """Read exactly `size` bytes in pieces.

        Args:
            size: How many bytes.
            part: What they are, for the message.

        Raises:
            ArchiveError: The stream ends before.
        """
        while size:
            piece = self.take(size)
            if not piece:
                raise damaged(f"it ends after {self.position:,} bytes, within {part}")
            size -= len(piece)
            yield piece

    def read(self, size: int, part: str) -> bytes:
        """Read exactly `size` bytes; see `pieces`."""
        return b"".join(self.pieces(size, part))
