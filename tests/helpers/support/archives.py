"""Small archives for tests that need no real model."""

from __future__ import annotations

import io
import tarfile

# Not a SavedModel to any engine, but a file of the right name.
FAKE_MODEL = {"saved_model.pb": b"\x08\x01", "variables/variables.index": b"index" * 100}


def tar_gz(files: dict[str, bytes]) -> bytes:
    """Pack files into a .tar.gz."""
    return _tar(files, "w:gz")


def tar(files: dict[str, bytes]) -> bytes:
    """Pack files into a .tar."""
    return _tar(files, "w")


def _tar(files: dict[str, bytes], mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()
