"""Reads the index of a bundle, and says why where there is none."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anyhub.errors import SavedModelError
from anyhub.savedmodel.bundle.entries import Entry, parse_entry, parse_header
from anyhub.savedmodel.bundle.files import damaged, index_path
from anyhub.savedmodel.bundle.table_reader import read_table

if TYPE_CHECKING:
    from pathlib import Path

_SHOWN = 8


@dataclass(frozen=True)
class Index:
    """What the index of a bundle says.

    Attributes:
        shards: How many data files there are.
        entries: The entries of tensors and of pieces of tensors, by key.
    """

    shards: int
    entries: dict[bytes, Entry]


def read_index(prefix: Path) -> Index:
    """Read the index of the bundle with that prefix.

    Raises:
        SavedModelError: There is none, it is damaged, or anyhub does not read its kind.
        OSError: The file cannot be read.
    """
    path = index_path(prefix)
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise _missing(prefix) from error
    items = read_table(data, path)
    key, value = next(items, (b"", b""))
    if key:
        raise damaged(path, f"its first key is {key!r}, not the empty one of the header")
    shards = parse_header(value, path)
    return Index(shards, {key: parse_entry(key, value, shards, path) for key, value in items})


def _missing(prefix: Path) -> SavedModelError:
    message = f"no tensor bundle {str(prefix)!r}: there is no {str(index_path(prefix))!r}"
    shards = f"{glob.escape(prefix.name)}-?????-of-?????"
    if prefix.is_file() or any(prefix.parent.glob(shards)):
        return SavedModelError(
            f"{message}; checkpoints of version 1 have such names, but anyhub does not read them: "
            "restore it in TensorFlow and save it as version 2"
        )
    if prefix.is_dir():
        found = sorted(str(path.with_suffix("")) for path in prefix.glob("*.index"))[:_SHOWN]
        return SavedModelError(f"{message}; bundles in that directory: {found or 'none'}")
    return SavedModelError(f"{message}; pass the path of the index without '.index'")
