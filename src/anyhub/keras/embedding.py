"""A model inside a layer's configuration, so that a `.keras` file is complete by itself.

Keras builds a model from its configuration before it looks at any other file of the archive,
so what a layer needs to be called at all has to be in the configuration: the packed model as
base64 text. Unpacked it becomes an entry of the cache, named by its content.
"""

from __future__ import annotations

import base64
import binascii
import tempfile
import time
from pathlib import Path

from anyhub.cache import Entry, FileRecord, Store
from anyhub.errors import ArchiveError, CacheError
from anyhub.handles import resolve
from anyhub.savedmodel import read_layout
from anyhub.settings import Settings
from anyhub.transport.archive import pack, unpack


def embed_model(handle: str) -> str:
    """Pack the model that a handle names into base64 text."""
    layout = read_layout(Path(resolve(handle)))
    with tempfile.TemporaryDirectory(prefix="anyhub-") as folder:
        archive = Path(folder) / "model.tar.gz"
        pack(layout.root, archive)
        return base64.b64encode(archive.read_bytes()).decode("ascii")


def extract_model(text: str, handle: str) -> str:
    """Unpack embedded text.

    Args:
        text: What `embed_model` returned.
        handle: The handle that it was made from, for messages.

    Returns:
        The model's directory, in the cache.

    Raises:
        ArchiveError: The text is damaged.
        CacheError: The cache cannot be written.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ArchiveError(
            f"the model embedded in the configuration of KerasLayer({handle!r}) is no base64 "
            f"text: {error}; the file that holds it is damaged"
        ) from error
    store = Store(Settings.from_environment().cache_dir)
    key = f"embedded://{_digest(data)}"
    return str(store.lookup(key) or _unpack_into(store, key, data, handle))


def _unpack_into(store: Store, key: str, data: bytes, handle: str) -> Path:
    name = f"the model embedded in KerasLayer({handle!r})"
    try:
        with store.staging() as staged:
            return _stage(store, staged, key, data, name)
    except CacheError:
        # A model must open on a machine whose cache cannot be written, too.
        folder = Path(tempfile.mkdtemp(prefix="anyhub-"))
        return _stage(Store(folder), folder / "staged", key, data, name)


def _stage(store: Store, staged: Path, key: str, data: bytes, name: str) -> Path:
    staged.mkdir(exist_ok=True)
    archive = staged / "archive"
    archive.write_bytes(data)
    files = unpack(archive, staged / "model", name=name)
    archive.unlink()
    entry = Entry(
        handle=key,
        url=key,
        archive_sha256=_digest(data),
        archive_size=len(data),
        fetched_at=time.time(),
        root=".",
        files=tuple(FileRecord(file.path, file.size, file.sha256) for file in files),
    )
    return store.commit(staged, entry)


def _digest(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()
