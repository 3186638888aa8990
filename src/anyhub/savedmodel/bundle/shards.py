"""The data files of a bundle, mapped into memory when first needed."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING

from anyhub.errors import SavedModelError
from anyhub.savedmodel.bundle.files import Octets, damaged, octets, shard_path

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from anyhub.savedmodel.bundle.entries import Entry


class Shards:
    """The data files of one bundle."""

    def __init__(self, prefix: Path, count: int) -> None:
        self._prefix = prefix
        self._count = count
        self._mapped: dict[int, Octets] = {}

    def octets(self, entry: Entry) -> Octets:
        """The bytes that an entry stands for.

        Raises:
            SavedModelError: The file is missing or too short.
            OSError: The file cannot be read.
        """
        data = self._shard(entry.shard)
        end = entry.offset + entry.size
        if end > len(data):
            what = f"it has {len(data)} bytes, and {entry.key!r} takes {entry.offset} to {end}"
            raise damaged(self._path(entry.shard), what)
        return data[entry.offset : end]

    def size(self, shards: Iterable[int]) -> int:
        """How many bytes these files have together."""
        return sum(len(self._shard(shard)) for shard in shards)

    def _shard(self, number: int) -> Octets:
        if number not in self._mapped:
            try:
                self._mapped[number] = _map(self._path(number))
            except FileNotFoundError as error:
                raise SavedModelError(
                    f"data file {str(self._path(number))!r} is missing; copy or fetch all files of "
                    f"the bundle: an index and {self._count} data files"
                ) from error
        return self._mapped[number]

    def _path(self, number: int) -> Path:
        return shard_path(self._prefix, number, self._count)


def _map(path: Path) -> Octets:
    """Map a file; the array and every view of it keep the mapping alive.

    A program that shortens a mapped file ends the one that mapped it. anyhub replaces files by
    renaming, which does no harm.
    """
    with path.open("rb") as file:
        if not file.seek(0, 2):
            return octets(b"")  # an empty file cannot be mapped
        return octets(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
