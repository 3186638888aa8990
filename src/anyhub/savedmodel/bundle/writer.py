"""Writes bundles as TensorFlow does.

Source: BundleWriter and MergeBundles in `tensorflow/core/util/tensor_bundle/tensor_bundle.cc`.
The same tensors in the same order give the same bytes, in the index and in the shards; without
`shard_bytes` they are the bytes that TensorFlow writes for tensors saved in that order.
"""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from anyhub.errors import SavedModelError
from anyhub.savedmodel.bundle.assembly import check_cover
from anyhub.savedmodel.bundle.encoding import Payload, encode_tensor
from anyhub.savedmodel.bundle.entries import (
    Entry,
    check_slices,
    decode_key,
    encode_entry,
    encode_header,
    encode_key,
)
from anyhub.savedmodel.bundle.files import index_path, shard_path
from anyhub.savedmodel.bundle.slices import box_shape, whole
from anyhub.savedmodel.bundle.table_writer import encode_table
from anyhub.savedmodel.bundle.values import Alias, PartitionedTensor, TensorLike, TensorReference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from anyhub.savedmodel.bundle.reader import Bundle


def write_bundle(
    prefix: Path | str,
    tensors: Iterable[tuple[str, TensorLike]],
    *,
    shard_bytes: int | None = None,
) -> None:
    """Write a bundle.

    One tensor is in memory at a time. Tensors that share their bytes in the bundle that
    TensorReferences name share them here too. Files appear under their names when all are
    written, the index last.

    Args:
        prefix: The path of the files without their endings; its directory is made.
        tensors: Names and values; the values are written in this order.
        shard_bytes: Begin a new data file rather than let one grow beyond this size. A larger
            tensor gets a file of its own.

    Raises:
        SavedModelError: A name occurs twice or cannot be one, no type stores a value, an alias
            leads nowhere, or a tensor to copy is damaged.
        OSError: A file cannot be written.

    Example:
        >>> import numpy as np, tempfile
        >>> prefix = Path(tempfile.mkdtemp()) / "variables"
        >>> write_bundle(prefix, [("kernel", np.eye(2, dtype=np.float32))])
        >>> from anyhub.savedmodel.bundle import open_bundle
        >>> open_bundle(prefix).read("kernel").tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    prefix = Path(prefix)
    prefix.parent.mkdir(parents=True, exist_ok=True)
    files = _Files(prefix, shard_bytes)
    try:
        writer = _Writer(files)
        for name, value in tensors:
            writer.add(name, value)
        files.commit(writer.finish())
    finally:
        files.discard()


class _Files:
    """The files of a bundle that is being written, under temporary names."""

    def __init__(self, prefix: Path, shard_bytes: int | None) -> None:
        self._prefix = prefix
        self._limit = shard_bytes
        self._token = secrets.token_hex(8)
        self._temporary: list[Path] = []
        self._file: BinaryIO | None = None
        self._size = 0

    @property
    def shards(self) -> int:
        """How many data files there are."""
        return len(self._temporary)

    def append(self, payload: Payload) -> tuple[int, int]:
        """Write the bytes of a tensor; return the shard and the offset."""
        size = payload.size
        full = self._limit is not None and self._size and self._size + size > self._limit
        file = self._begin() if self._file is None or full else self._file
        offset = self._size
        for piece in payload.pieces:
            file.write(piece.data)
        self._size += size
        return self.shards - 1, offset

    def commit(self, index: Iterable[bytes]) -> None:
        """Write the index, and give all files their names."""
        if self._file is None:
            self._begin()  # TensorFlow expects a data file even for no tensors
        shards = self.shards
        names = [shard_path(self._prefix, shard, shards) for shard in range(shards)]
        names.append(index_path(self._prefix))
        file = self._begin()
        for piece in index:
            file.write(piece)
        file.close()
        for temporary, path in zip(self._temporary, names, strict=True):
            temporary.replace(path)

    def discard(self) -> None:
        """Close and remove what is left under temporary names."""
        if self._file is not None:
            self._file.close()
        for path in self._temporary:
            path.unlink(missing_ok=True)

    def _begin(self) -> BinaryIO:
        if self._file is not None:
            self._file.close()
        name = f"{self._prefix.name}.{self._token}.{len(self._temporary)}.tmp"
        self._temporary.append(self._prefix.with_name(name))
        self._file = self._temporary[-1].open("xb")
        self._size = 0
        return self._file


class _Writer:
    """Collects the entries while the values go to the files."""

    def __init__(self, files: _Files) -> None:
        self._files = files
        self._entries: dict[bytes, Entry] = {}
        self._aliases: dict[str, str] = {}
        # Where the bytes of an entry of another bundle went.
        self._copied: dict[tuple[Bundle, int, int, int], tuple[int, int]] = {}

    def add(self, name: str, value: TensorLike) -> None:
        """Write a tensor."""
        with _naming(name):
            key = self._claim(name)
            if isinstance(value, Alias):
                self._aliases[name] = value.key
            elif isinstance(value, TensorReference):
                self._copy(key, value)
            elif isinstance(value, PartitionedTensor):
                self._add_pieces(key, value)
            else:
                self._add(key, encode_tensor(value))

    def finish(self) -> Iterable[bytes]:
        """Resolve the aliases, and encode the index."""
        written = dict(self._entries)
        for name, target in self._aliases.items():
            with _naming(name):
                found = written.get(encode_key(target))
                if found is None:
                    raise ValueError(f"it is an alias of {target!r}, which was not written")
                self._link(encode_key(name), found)
        items = sorted((key, encode_entry(entry)) for key, entry in self._entries.items())
        return encode_table([(b"", encode_header(max(self._files.shards, 1))), *items])

    def _claim(self, name: str) -> bytes:
        """The key of a new name."""
        if not name:
            raise ValueError("its name is empty, which is reserved for the header")
        if name in self._aliases:
            raise ValueError("a tensor of that name was written before")
        return encode_key(name)

    def _put(self, key: bytes, entry: Entry) -> None:
        if key in self._entries:
            raise ValueError("a tensor of that name was written before")
        self._entries[key] = replace(entry, key=decode_key(key))

    def _add(self, key: bytes, payload: Payload) -> None:
        shard, offset = self._files.append(payload)
        entry = Entry(
            key="",
            dtype=payload.dtype,
            shape=payload.shape,
            shard=shard,
            offset=offset,
            size=payload.size,
            crc32c=payload.crc32c,
        )
        self._put(key, entry)

    def _add_pieces(self, key: bytes, value: PartitionedTensor) -> None:
        slices = []
        dtype = None
        for slice_, piece in value.pieces:
            payload = encode_tensor(piece)
            dtype = dtype or payload.dtype
            shape = box_shape(slice_.within(value.shape))
            if payload.shape != shape or payload.dtype != dtype:
                found = f"{payload.dtype.name} of shape {list(payload.shape)}"
                raise ValueError(f"its piece {str(slice_)!r} is {found}, not {dtype.name} {shape}")
            self._add(slice_.key(key), payload)
            slices.append(slice_)
        if dtype is None:
            raise ValueError("it has no pieces")
        entry = Entry("", dtype, tuple(value.shape), slices=tuple(slices))
        check_slices(entry)
        check_cover(whole(value.shape), [slice_.within(value.shape) for slice_ in slices])
        self._put(key, entry)

    def _copy(self, key: bytes, reference: TensorReference) -> None:
        bundle = reference.bundle
        bundle.verify(reference.key)
        entry = bundle.entry(reference.key)
        for slice_, piece in bundle.pieces(reference.key):
            self._copy_entry(slice_.key(key), bundle, piece)
        if entry.slices:
            self._put(key, replace(entry, shard=0, offset=0, size=0, crc32c=0))
        else:
            self._copy_entry(key, bundle, entry)

    def _copy_entry(self, key: bytes, bundle: Bundle, entry: Entry) -> None:
        source = (bundle, entry.shard, entry.offset, entry.size)
        if source not in self._copied or not entry.size:
            payload = Payload(entry.dtype, entry.shape, [bundle.octets(entry)], entry.crc32c)
            self._copied[source] = self._files.append(payload)
        shard, offset = self._copied[source]
        self._put(key, replace(entry, shard=shard, offset=offset))

    def _link(self, key: bytes, target: Entry) -> None:
        """Enter a tensor, and its pieces, under a second name."""
        self._put(key, target)
        for slice_ in target.slices:
            self._put(slice_.key(key), self._entries[slice_.key(encode_key(target.key))])


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Say in errors which tensor they are about."""
    try:
        yield
    except ValueError as error:
        raise SavedModelError(f"tensor {name!r} cannot be written: {error}") from error
