"""`hub.resolve`: from a handle to a directory on this machine."""

from __future__ import annotations

import logging
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

from anyhub.cache import Entry, FileRecord, Store
from anyhub.errors import ArchiveError, HandleError, ModelNotFoundError, OfflineError
from anyhub.handles.handle import Handle, LocalHandle, RemoteHandle
from anyhub.handles.parse import parse_handle
from anyhub.savedmodel import find_model_root
from anyhub.settings import Settings
from anyhub.transport.archive import unpack
from anyhub.transport.http import HTTPClient
from anyhub.transport.progress import show_progress

if TYPE_CHECKING:
    import os

_LOG = logging.getLogger(__name__)


def resolve(handle: str | os.PathLike[str]) -> str:
    """Turn a handle into a directory that holds the model.

    A local directory is returned as it is. A URL is downloaded, unpacked and kept in the
    cache, once; later calls take it from there without any use of the network.

    Args:
        handle: A directory, a `file://` URL, `https://host/publisher/model[/version]` on a
            server that speaks the hosting protocol, or the URL of a `.tar`, `.tar.gz`,
            `.tgz`, `.tar.zst` or `.zip` file.

    Returns:
        Path of a directory.

    Raises:
        HandleError: The handle is of no known form.
        ModelNotFoundError: The path does not exist, or the archive holds no model.
        TransportError: The download failed.
        ArchiveError: What was downloaded is not a sound archive.
        CacheError: The cache cannot be written.
        OfflineError: Not cached, and `ANYHUB_OFFLINE` is set.

    Example:
        >>> import anyhub as hub
        >>> hub.resolve("/")
        '/'
    """
    return resolve_handle(parse_handle(handle), Settings.from_environment())


def resolve_handle(handle: Handle, settings: Settings) -> str:
    """Resolve a parsed handle; see `resolve`."""
    if isinstance(handle, LocalHandle):
        return _resolve_local(handle)
    store = Store(settings.cache_dir)
    cached = store.lookup(str(handle))
    if cached is not None:
        return str(cached)
    if settings.offline:
        raise OfflineError(
            f"{str(handle)!r} is not in the cache {str(settings.cache_dir)!r} and ANYHUB_OFFLINE "
            "forbids to fetch it; unset ANYHUB_OFFLINE, or fetch it once where there is a network"
        )
    with store.lock(str(handle)):
        # Another process may have finished it while this one waited.
        return str(store.lookup(str(handle)) or _fetch(handle, store, settings))


def _resolve_local(handle: LocalHandle) -> str:
    path = Path(handle.path)
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise ModelNotFoundError(f"{handle.path!r} does not exist{_hint(path)}") from None
    except OSError as error:
        raise ModelNotFoundError(f"cannot look at {handle.path!r}: {error.strerror}") from error
    if path.is_dir():
        return handle.path
    if path.is_file():
        raise HandleError(
            f"handle {handle.path!r} is a file; pass the model's directory "
            f"({str(path.parent)!r}?), or unpack it first if it is an archive"
        )
    raise HandleError(f"handle {handle.path!r} is neither a directory nor a file")


_LIKE_A_URL = re.compile(r"\s*(https?|file)\s*:?\s*/+(.+)")


def _hint(path: Path) -> str:
    if url := _LIKE_A_URL.fullmatch(str(path)):
        slashes = ":///" if url[1] == "file" else "://"
        return f"; did you mean {url[1] + slashes + url[2]!r}?"
    first = path.parts[0] if path.parts else ""
    if not path.is_absolute() and "." in first.strip("."):
        return f"; if it is a model on a hub, did you mean {'https://' + path.as_posix()!r}?"
    existing = next((parent for parent in path.absolute().parents if parent.is_dir()), None)
    return f"; the nearest directory that exists is {str(existing)!r}" if existing else ""


def _fetch(handle: RemoteHandle, store: Store, settings: Settings) -> Path:
    with store.staging() as staged:
        archive = staged / "archive"
        with show_progress(f"Fetching {handle}", settings.progress) as progress:
            download = HTTPClient(settings).download(handle.download_url(), archive, progress)
        model = staged / "model"
        try:
            files = unpack(archive, model, name=str(handle))
            root = find_model_root(model)
        except ModelNotFoundError as error:
            names = ", ".join(repr(file.path) for file in files[:8])
            raise ModelNotFoundError(
                f"the archive behind {str(handle)!r} holds no SavedModel: found {names}, expected "
                "'saved_model.pb' or 'saved_model.pbtxt' at its top or in its only folder"
            ) from error
        except ArchiveError as error:
            error.add_note(f"downloaded from {download.url}; nothing was kept in the cache")
            raise
        archive.unlink()
        entry = Entry(
            handle=str(handle),
            url=download.url,
            archive_sha256=download.sha256,
            archive_size=download.size,
            fetched_at=time.time(),
            root=root.relative_to(model).as_posix(),
            files=tuple(FileRecord(file.path, file.size, file.sha256) for file in files),
        )
        return store.commit(staged, entry)
