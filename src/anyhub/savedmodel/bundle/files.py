"""The files of a bundle: their names, their bytes, and what is said when they are damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anyhub.errors import SavedModelError

Octets: TypeAlias = NDArray[np.uint8]
"""Bytes without an owner: slicing copies nothing, and NumPy and google_crc32c read them."""


def octets(data: Any) -> Octets:
    """View anything that has a buffer as bytes."""
    return np.frombuffer(data, np.uint8)


def index_path(prefix: Path) -> Path:
    """The index of a bundle (`MetaFilename` in tensorflow/core/util/tensor_bundle/naming.cc)."""
    return Path(f"{prefix}.index")


def shard_path(prefix: Path, shard: int, shards: int) -> Path:
    """A data file of a bundle (`DataFilename` in the same file)."""
    return Path(f"{prefix}.data-{shard:05d}-of-{shards:05d}")


def damaged(path: Path, what: str) -> SavedModelError:
    """An error about the contents of a file."""
    return SavedModelError(f"{str(path)!r} is damaged: {what}; copy, fetch or save it again")
