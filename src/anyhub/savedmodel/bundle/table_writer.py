"""Writes a table as TensorFlow does: the same entries give the same bytes.

Source: `tensorflow/core/lib/io/` (table_builder.cc, block_builder.cc, table_options.h), which are
LevelDB's `table/` with blocks of 256 KiB; bundles are written without compression.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from anyhub.savedmodel.bundle.checksums import masked_crc
from anyhub.savedmodel.bundle.files import octets
from anyhub.savedmodel.bundle.table_reader import FOOTER_SIZE, MAGIC, TRAILER, UNCOMPRESSED
from anyhub.savedmodel.bundle.varints import encode_varint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_BLOCK_SIZE = 256 * 1024
_RESTART_INTERVAL = 16
_INDEX_RESTART_INTERVAL = 1


def encode_table(items: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
    """Yield the pieces of a table file.

    Args:
        items: Keys, in increasing order, and their values.
    """
    index = _Block(_INDEX_RESTART_INTERVAL)
    offset = 0
    last_key = b""
    handle = b""
    for block, first_key in _data_blocks(items):
        if handle:
            index.add(_separator(last_key, first_key), handle)
        piece, handle = _finish(block, offset)
        offset += len(piece)
        last_key = block.last_key
        yield piece
    metadata_piece, metadata_handle = _finish(_Block(_RESTART_INTERVAL), offset)
    offset += len(metadata_piece)
    yield metadata_piece
    if handle:
        index.add(_successor(last_key), handle)
    index_piece, index_handle = _finish(index, offset)
    yield index_piece
    yield (metadata_handle + index_handle).ljust(FOOTER_SIZE - len(MAGIC), b"\0") + MAGIC


class _Block:
    """A block that grows: keys without the bytes that they share with the key before."""

    def __init__(self, restart_interval: int) -> None:
        self._interval = restart_interval
        self._data = bytearray()
        self._restarts = [0]
        self._since_restart = 0
        self.last_key = b""

    def add(self, key: bytes, value: bytes) -> None:
        """Append an entry; its key is greater than all before."""
        shared = 0
        if self._since_restart < self._interval:
            shared = _shared(self.last_key, key)
        else:
            self._restarts.append(len(self._data))
            self._since_restart = 0
        for number in (shared, len(key) - shared, len(value)):
            self._data += encode_varint(number)
        self._data += key[shared:]
        self._data += value
        self.last_key = key
        self._since_restart += 1

    @property
    def is_empty(self) -> bool:
        return not self._data

    @property
    def size(self) -> int:
        """Bytes that it takes, without the trailer."""
        return len(self._data) + 4 * len(self._restarts) + 4

    def encode(self) -> bytes:
        """Its bytes, without the trailer."""
        numbers = (*self._restarts, len(self._restarts))
        return bytes(self._data) + struct.pack(f"<{len(numbers)}I", *numbers)


def _data_blocks(items: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[_Block, bytes]]:
    """Yield filled blocks, each with its first key."""
    block = _Block(_RESTART_INTERVAL)
    first_key = b""
    for key, value in items:
        # An entry of more than two blocks gets one to itself.
        if not block.is_empty and len(key) + len(value) >= 2 * _BLOCK_SIZE:
            yield block, first_key
            block = _Block(_RESTART_INTERVAL)
        if block.is_empty:
            first_key = key
        block.add(key, value)
        if block.size >= _BLOCK_SIZE:
            yield block, first_key
            block = _Block(_RESTART_INTERVAL)
    if not block.is_empty:
        yield block, first_key


def _finish(block: _Block, offset: int) -> tuple[bytes, bytes]:
    """The bytes of a block with its trailer, and of its handle."""
    data = block.encode()
    checksum = masked_crc(octets(data + bytes([UNCOMPRESSED])))
    handle = encode_varint(offset) + encode_varint(len(data))
    return data + TRAILER.pack(UNCOMPRESSED, checksum), handle


def _shared(one: bytes, other: bytes) -> int:
    """How many bytes two keys have in common at their beginning."""
    pairs = zip(one, other, strict=False)
    same = min(len(one), len(other))
    return next((position for position, (a, b) in enumerate(pairs) if a != b), same)


def _separator(last: bytes, following: bytes) -> bytes:
    """A short key that is at least `last` and less than `following` (FindShortestSeparator)."""
    shared = _shared(last, following)
    if shared < min(len(last), len(following)) and last[shared] + 1 < following[shared]:
        return last[:shared] + bytes([last[shared] + 1])
    return last


def _successor(key: bytes) -> bytes:
    """A short key that is at least `key` (FindShortSuccessor)."""
    for position, byte in enumerate(key):
        if byte != 0xFF:
            return key[:position] + bytes([byte + 1])
    return key
