"""Reads a table: sorted keys and values in blocks with checksums.

Source: LevelDB, `doc/table_format.md` and `table/block_builder.cc`; TensorFlow's copy of it in
`tensorflow/core/lib/io/` (format.cc, block.cc) adds nothing. A table is read whole and in order,
so the restart points, which serve to search, are counted but not followed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from anyhub.errors import SavedModelError
from anyhub.savedmodel.bundle.checksums import masked_crc
from anyhub.savedmodel.bundle.files import damaged, octets
from anyhub.savedmodel.bundle.snappy import uncompress
from anyhub.savedmodel.bundle.varints import decode_varint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAGIC = bytes.fromhex("57fb808b247547db")
FOOTER_SIZE = 48
TRAILER = struct.Struct("<BI")  # how the block is compressed, masked checksum
UNCOMPRESSED = 0
_SNAPPY = 1
_WORD = struct.Struct("<I")
# With a restart every 16 keys, as TensorFlow writes, keys take at most 16 times the bytes of their
# block. A table made to exhaust memory refers to one long key again and again.
_MOST_KEY_BYTES_PER_BYTE = 16


class _Handle(NamedTuple):
    """Where a block lies, without its trailer."""

    offset: int
    size: int

    @property
    def end(self) -> int:
        return self.offset + self.size


class _Block(NamedTuple):
    """The contents of a block, and where it begins in the file."""

    offset: int
    data: bytes


def read_table(data: bytes, path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Yield all keys, in increasing order, with their values.

    Args:
        data: The contents of the file.
        path: Its name, for messages.

    Raises:
        SavedModelError: The table is damaged or of an unknown kind.
    """
    table = _Table(data, path)
    last_key = None
    for block, separator in table.data_blocks():
        for key, value in table.items(block):
            if last_key is not None and key <= last_key:
                raise table.damaged(block.offset, f"key {key!r} follows {last_key!r}")
            last_key = key
            yield key, value
        if last_key is not None and last_key > separator:
            raise table.damaged(block.offset, f"key {last_key!r} is beyond its block's last key")


@dataclass(frozen=True)
class _Table:
    """The contents of a table file, and its name for messages."""

    data: bytes
    path: Path

    def damaged(self, offset: int, what: str) -> SavedModelError:
        return damaged(self.path, f"in the block at byte {offset}, {what}")

    def data_blocks(self) -> Iterator[tuple[_Block, bytes]]:
        """Yield the blocks with the data, each with a key that none of its keys is greater than."""
        metadata, index = self._footer()
        self._block(metadata)  # holds nothing in TensorFlow's tables, but is part of the file
        end = 0
        for separator, value in self.items(self._block(index)):
            try:
                handle, _ = _decode_handle(value, 0)
            except ValueError as error:
                raise self.damaged(index.offset, f"a place is unreadable ({error})") from error
            # Otherwise a small file could name one large block again and again.
            if handle.offset < end:
                raise self.damaged(handle.offset, "it overlaps the one before")
            end = handle.end
            yield self._block(handle), separator

    def _footer(self) -> tuple[_Handle, _Handle]:
        start = len(self.data) - FOOTER_SIZE
        if start < 0 or not self.data.endswith(MAGIC):
            raise SavedModelError(
                f"{str(self.path)!r} ({len(self.data)} bytes) is cut off or no index of a tensor "
                f"bundle: it ends in {self.data[-len(MAGIC) :].hex(' ')!r}, not in "
                f"{MAGIC.hex(' ')!r}; copy, fetch or save it again"
            )
        footer = self.data[start : -len(MAGIC)]
        try:
            metadata, position = _decode_handle(footer, 0)
            index, _ = _decode_handle(footer, position)
        except ValueError as error:
            raise damaged(self.path, f"its footer is unreadable ({error})") from error
        return metadata, index

    def _block(self, handle: _Handle) -> _Block:
        """Read a block: it lies in the file, and matches its checksum."""
        if handle.end + TRAILER.size > len(self.data) - FOOTER_SIZE:
            raise self.damaged(handle.offset, f"{handle.size} bytes exceed the file")
        compression, stored = TRAILER.unpack_from(self.data, handle.end)
        found = masked_crc(octets(self.data)[handle.offset : handle.end + 1])
        if found != stored:
            what = f"the checksum is {found:#010x}, and {stored:#010x} is stored"
            raise self.damaged(handle.offset, what)
        data = self.data[handle.offset : handle.end]
        if compression == _SNAPPY:
            try:
                data = uncompress(data)
            except ValueError as error:
                raise self.damaged(handle.offset, f"Snappy fails: {error}") from error
        elif compression != UNCOMPRESSED:
            raise self.damaged(
                handle.offset, f"the compression is {compression}; 0 (none) and 1 (Snappy) exist"
            )
        return _Block(handle.offset, data)

    def items(self, block: _Block) -> Iterator[tuple[bytes, bytes]]:
        """Yield the keys and values of a block."""
        data = block.data
        end = self._restarts(block)
        position = 0
        key = b""
        budget = _MOST_KEY_BYTES_PER_BYTE * len(data)
        while position < end:
            shared, own, size, position = self._lengths(block, position, end)
            if shared > len(key) or own + size > end - position:
                raise self.damaged(block.offset, f"the entry before {position} is too long")
            key = key[:shared] + data[position : position + own]
            position += own + size
            budget -= len(key)
            if budget < 0:
                raise self.damaged(block.offset, "the keys take too much memory for their bytes")
            yield key, data[position - size : position]

    def _restarts(self, block: _Block) -> int:
        """Where the list of restart points of a block begins."""
        counted = len(block.data) - _WORD.size
        if counted < 0:
            raise self.damaged(block.offset, f"{len(block.data)} bytes are too few")
        (count,) = _WORD.unpack_from(block.data, counted)
        if not 0 < count <= counted // _WORD.size:
            raise self.damaged(block.offset, f"{counted} bytes cannot have {count} restart points")
        return counted - int(count) * _WORD.size

    def _lengths(self, block: _Block, position: int, end: int) -> tuple[int, int, int, int]:
        """Read bytes shared with the last key, more bytes of the key, bytes of the value."""
        try:
            shared, position = decode_varint(block.data, position, end)
            own, position = decode_varint(block.data, position, end)
            size, position = decode_varint(block.data, position, end)
        except ValueError as error:
            raise self.damaged(block.offset, f"an entry is unreadable ({error})") from error
        return shared, own, size, position


def _decode_handle(data: bytes, position: int) -> tuple[_Handle, int]:
    offset, position = decode_varint(data, position, len(data), bits=64)
    size, position = decode_varint(data, position, len(data), bits=64)
    return _Handle(offset, size), position
