"""Writes SavedModel directories, so that equal models give equal bytes."""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anyhub.errors import SavedModelError
from anyhub.savedmodel.bundle import Alias, TensorReference, write_bundle
from anyhub.savedmodel.layout import SAVED_MODEL_PB, SAVED_MODEL_PBTXT
from anyhub.savedmodel.reading import VARIABLES_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from anyhub.savedmodel.model import SavedModel

# Written anew, or true of the old content only.
_NOT_COPIED = frozenset({SAVED_MODEL_PB, SAVED_MODEL_PBTXT, "variables", "fingerprint.pb"})


def write(
    model: SavedModel,
    path: str | os.PathLike[str],
    *,
    shard_bytes: int | None = None,
    same_values: Mapping[str, str] | None = None,
) -> Path:
    """Write a model.

    The directory appears whole or not at all. Values that did not change are copied from file to
    file; assets and other files beside the graph go along.

    Args:
        model: What to write.
        path: A directory that does not exist or is empty.
        shard_bytes: Size above which another file for values is begun, None for a single one.
        same_values: Keys whose values are kept once, under another key that has an equal one.

    Returns:
        The directory.

    Raises:
        SavedModelError: The directory is not empty, or a value cannot be read.
        OSError: The disk is full or not writable.
    """
    # Made absolute first: ".", "x/.." and relative paths get a name to write beside.
    target = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow a link
    _check_target(model, target)
    staged = target.with_name(f".{uuid.uuid4().hex}")
    try:
        staged.mkdir(parents=True)
        _copy_other_files(model, staged)
        _write_variables(model, staged, shard_bytes, same_values or {})
        data = model.proto.SerializeToString(deterministic=True)
        (staged / SAVED_MODEL_PB).write_bytes(data)
        _move(staged, target)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise
    return target


def _check_target(model: SavedModel, target: Path) -> None:
    if target.is_symlink() or target.is_file() or (target.is_dir() and any(target.iterdir())):
        raise SavedModelError(
            f"cannot write a model to {str(target)!r}: there is something already; choose a "
            "directory that does not exist"
        )
    root = model.layout.root.resolve() if model.layout else None
    if root is not None and root in target.resolve().parents:
        raise SavedModelError(
            f"cannot write a model to {str(target)!r}: that is inside the model that is copied"
        )


def _move(staged: Path, target: Path) -> None:
    try:
        if target.exists():
            target.rmdir()
        staged.rename(target)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        raise SavedModelError(
            f"cannot write a model to {str(target)!r}: another process wrote there meanwhile"
        ) from error


def _copy_other_files(model: SavedModel, staged: Path) -> None:
    if model.layout is not None:
        root = model.layout.root
        for source in sorted(root.iterdir()):
            if source.name not in _NOT_COPIED and source.name not in model.files:
                _copy(source, staged / source.name, root.resolve())
    for name, content in model.files.items():
        (staged / name).write_bytes(content)


def _copy(source: Path, target: Path, root: Path) -> None:
    """Copy files and directories, and what links inside the model point to, but nothing else."""
    if root not in source.resolve().parents:
        raise SavedModelError(
            f"{str(source)!r} is a link out of the model, which is not copied; remove it"
        )
    if source.is_dir() and not source.is_symlink():
        target.mkdir()
        for child in sorted(source.iterdir()):
            _copy(child, target / child.name, root)
    elif source.is_file():
        shutil.copyfile(source, target)
    else:
        raise SavedModelError(
            f"{str(source)!r} is neither a file nor a directory, so it is not copied; remove it"
        )


def _write_variables(
    model: SavedModel, staged: Path, shard_bytes: int | None, same_values: Mapping[str, str]
) -> None:
    # TensorFlow expects the directory even where there are no variables.
    prefix = staged / VARIABLES_PREFIX
    prefix.parent.mkdir()
    if model.store.prefix is None and not model.store.changes:
        return
    write_bundle(prefix, _tensors(model, same_values), shard_bytes=shard_bytes)


def _tensors(model: SavedModel, same_values: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    store = model.store
    for key in store:
        if key in same_values:
            yield key, Alias(same_values[key])
        elif key in store.changes:
            yield key, store.changes[key]
        elif store.bundle is not None:
            yield key, TensorReference(store.bundle, key)
