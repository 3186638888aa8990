"""The cache: fetched models on disk, each complete or not there at all."""

from anyhub.cache.entry import Entry, FileRecord
from anyhub.cache.store import Store

__all__ = ["Entry", "FileRecord", "Store"]
