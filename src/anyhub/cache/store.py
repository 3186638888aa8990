"""The store of fetched models.

    <cache>/
        CACHEDIR.TAG
        models/<name>-<hash>/        one directory an entry, there only when complete
            entry.json               its record: files, sizes, digests, origin
            model/                   the unpacked model
        staging/<random>/            work in progress, renamed to an entry at the end
        locks/<name>-<hash>.lock     saves a second download; nothing relies on it

An entry comes into being by one rename of a verified directory, so a reader sees all of it
or nothing. A hit reads the record and looks at the files' sizes: no lock, no write.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import time
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anyhub.cache.entry import MODEL_DIRECTORY, RECORD_NAME, Entry
from anyhub.errors import CacheError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOG = logging.getLogger(__name__)
LOCK_PATIENCE = 30.0
"""Seconds to wait for a lock whose holder makes no progress (it may be stopped or far away)."""
# Source: https://bford.info/cachedir/ (the signature is the same for every application).
_CACHEDIR_TAG = (
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# This directory is a cache of fetched models, made by anyhub.\n"
)


class Store:
    """Finds, adds and replaces entries.

    Args:
        root: The cache directory; it is made when something is first written.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def lookup(self, handle: str) -> Path | None:
        """Find the directory of a cached model.

        Takes no lock and writes nothing, so it works on a read-only cache.

        Args:
            handle: The handle's text.

        Returns:
            The model's directory, None when it is not cached or damaged.
        """
        directory = self._entry_directory(handle)
        try:
            entry = Entry.from_json((directory / RECORD_NAME).read_text("utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            _LOG.warning("cache entry %s of %s is unreadable: %s", directory, handle, error)
            return None
        if damage := entry.damage(directory / MODEL_DIRECTORY):
            _LOG.warning("cache entry %s of %s is damaged: %s", directory, handle, damage)
            return None
        return directory / MODEL_DIRECTORY / entry.root

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """Give a new directory to prepare an entry in; removed at the end if still there.

        Raises:
            CacheError: The cache cannot be written.
        """
        directory = self._root / "staging" / uuid.uuid4().hex
        try:
            self._create_root()
            directory.mkdir(parents=True)
        except OSError as error:
            raise CacheError(
                f"cannot write to the cache directory {str(self._root)!r}: {error.strerror}; "
                "make it writable, or set TFHUB_CACHE_DIR to a directory that is"
            ) from error
        try:
            yield directory
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    @contextmanager
    def lock(self, handle: str) -> Iterator[None]:
        """Wait until no other process fetches this handle, if the file system has locks."""
        # Imported here: a hit needs no lock.
        import filelock

        path = self._root / "locks" / f"{self._key(handle)}.lock"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(path)
            is_held = self._acquire(lock, handle)
        except (OSError, NotImplementedError) as error:
            _LOG.info("no lock for %s (%s); going on without", handle, error)
            is_held = False
        try:
            yield
        finally:
            if is_held:
                lock.release()

    def _acquire(self, lock: Any, handle: str) -> bool:
        """Take a lock, unless its holder shows no sign of life for a while."""
        import filelock

        activity, since = self._activity(), time.monotonic()
        while True:
            try:
                lock.acquire(timeout=LOCK_PATIENCE / 6)
            except filelock.Timeout:
                now = self._activity()
                if now != activity:
                    activity, since = now, time.monotonic()
                    _LOG.info("waiting for another process that fetches %s", handle)
                elif time.monotonic() - since >= LOCK_PATIENCE:
                    _LOG.warning("whoever fetches %s makes no progress; fetching it too", handle)
                    return False
            else:
                return True

    def _activity(self) -> tuple[int, int]:
        """Something that changes while any process downloads or unpacks."""
        count = size = 0
        for directory, _, names in os.walk(self._root / "staging"):
            for name in names:
                count += 1
                with suppress(OSError):
                    size += os.lstat(os.path.join(directory, name)).st_size  # noqa: PTH118 - in a loop
        return count, size

    def commit(self, staged: Path, entry: Entry) -> Path:
        """Make a prepared directory an entry.

        Args:
            staged: A directory of `staging` with the model in its `model` folder.
            entry: The record of it.

        Returns:
            The model's directory in the cache.

        Raises:
            CacheError: The cache cannot be written.
        """
        try:
            _write_durably(staged / RECORD_NAME, entry.to_json())
            self._move_in(staged, entry.handle)
        except OSError as error:
            raise CacheError(
                f"cannot add {entry.handle!r} to the cache {str(self._root)!r}: {error.strerror}; "
                "check free space and permissions, or set TFHUB_CACHE_DIR to another directory"
            ) from error
        return self._entry_directory(entry.handle) / MODEL_DIRECTORY / entry.root

    def _move_in(self, staged: Path, handle: str) -> None:
        target = self._entry_directory(handle)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            staged.rename(target)
        except OSError:
            if not target.exists():
                raise
            if self.lookup(handle) is None:
                self._replace(staged, target)
            # else another process was faster, and its entry is as good as ours

    def _replace(self, staged: Path, target: Path) -> None:
        trash = self._root / "staging" / f"damaged-{uuid.uuid4().hex}"
        target.rename(trash)
        staged.rename(target)
        shutil.rmtree(trash, ignore_errors=True)

    def _create_root(self) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        tag = self._root / "CACHEDIR.TAG"
        if not tag.exists():
            tag.write_text(_CACHEDIR_TAG, "utf-8")

    def _entry_directory(self, handle: str) -> Path:
        return self._root / "models" / self._key(handle)

    @staticmethod
    def _key(handle: str) -> str:
        """A directory name that a person can read and that no two handles share."""
        name = re.sub(r"[^A-Za-z0-9._-]+", "_", handle.partition("://")[2])[-80:].strip("._-")
        digest = hashlib.sha256(handle.encode()).hexdigest()[:16]
        return f"{name}-{digest}" if name else digest


def _write_durably(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
