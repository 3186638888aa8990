"""Opens bundles and reads tensors from them.

Source: BundleReader in `tensorflow/core/util/tensor_bundle/tensor_bundle.cc`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anyhub.errors import SavedModelError
from anyhub.savedmodel.bundle.assembly import Piece, assemble, check_cover
from anyhub.savedmodel.bundle.entries import Entry, encode_key
from anyhub.savedmodel.bundle.index import Index, read_index
from anyhub.savedmodel.bundle.payloads import check_payload, decode_values
from anyhub.savedmodel.bundle.shards import Shards
from anyhub.savedmodel.bundle.slices import Box, TensorSlice, box_shape, box_volume, whole

if TYPE_CHECKING:
    from collections.abc import Iterator, KeysView

    from numpy.typing import NDArray

    from anyhub.savedmodel.bundle.files import Octets
    from anyhub.savedmodel.dtypes import DType

_SHOWN = 8


def open_bundle(prefix: Path | str) -> Bundle:
    """Read the index of a bundle; shards are mapped when a tensor of theirs is read.

    Args:
        prefix: The path of the index without ".index".

    Raises:
        SavedModelError: There is no bundle, its index is damaged, or it is of a kind that anyhub
            does not read.
        OSError: The index cannot be read.

    Example:
        >>> import numpy as np, tempfile
        >>> from anyhub.savedmodel.bundle import write_bundle
        >>> prefix = Path(tempfile.mkdtemp()) / "variables"
        >>> write_bundle(prefix, [("bias", np.zeros(3, np.float32))])
        >>> bundle = open_bundle(prefix)
        >>> list(bundle), bundle.shape("bias"), bundle.dtype("bias").name
        (['bias'], (3,), 'float32')
    """
    prefix = Path(prefix)
    return Bundle(prefix, read_index(prefix))


class Bundle:
    """The tensors of a bundle.

    Iterating gives their names, in the order of the index. Arrays are read-only. Those of numbers
    are views of the mapped shard, so they cost no memory of the process, and keep the mapping
    alive. Strings are arrays of `bytes` objects. Bundles are pickled as their prefix.

    Checksums of tensors are checked by `verify` and `verify_all` only.

    Attributes:
        prefix: The path of its files without their endings.
        shards: How many data files it has.
    """

    def __init__(self, prefix: Path, index: Index) -> None:
        self.prefix = prefix
        self.shards = index.shards
        self._shards = Shards(prefix, index.shards)
        entries = index.entries
        pieces = {slice_.key(key) for key, e in entries.items() for slice_ in e.slices}
        self._pieces = {key: entry for key, entry in entries.items() if key in pieces}
        self._tensors = {e.key: e for key, e in entries.items() if key not in pieces}

    def __reduce__(self) -> tuple[Any, ...]:
        return open_bundle, (self.prefix,)

    def __repr__(self) -> str:
        return f"<Bundle {str(self.prefix)!r}: {len(self)} tensors in {self.shards} shards>"

    def __len__(self) -> int:
        return len(self._tensors)

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __contains__(self, key: object) -> bool:
        return key in self._tensors

    def keys(self) -> KeysView[str]:
        """The names of the tensors; pieces of partitioned tensors have none."""
        return self._tensors.keys()

    def entry(self, key: str) -> Entry:
        """What the index says about a tensor.

        Raises:
            SavedModelError: There is no such tensor.
        """
        found = self._tensors.get(key)
        if found is None:
            shown = ", ".join(map(repr, list(self)[:_SHOWN]))
            more = ", …" if len(self) > _SHOWN else ""
            raise SavedModelError(
                f"no tensor {key!r} in bundle {str(self.prefix)!r}; its {len(self)} tensors are "
                f"{shown}{more}"
            )
        return found

    def shape(self, key: str) -> tuple[int, ...]:
        """The shape of a tensor."""
        return self.entry(key).shape

    def dtype(self, key: str) -> DType:
        """The element type of a tensor."""
        return self.entry(key).dtype

    def read(self, key: str, *, aligned: bool = True) -> NDArray[Any]:
        """Read a tensor.

        TensorFlow packs tensors without gaps, so a tensor may begin at an address that its type
        does not like. NumPy computes with such arrays, other libraries may not. Such a tensor is
        copied, unless `aligned` is False; all others are views. Strings and partitioned tensors
        are always put together in memory.

        Args:
            key: Its name.
            aligned: Whether to copy a tensor that is not aligned.

        Raises:
            SavedModelError: There is no such tensor, its shard is missing or too short, its
                bytes cannot be decoded, or NumPy has no such type.
            OSError: The shard cannot be read.
        """
        entry = self.entry(key)
        array = self._part(entry, whole(entry.shape))
        return _aligned(array) if aligned else array

    def read_slice(self, key: str, slice_: TensorSlice) -> NDArray[Any]:
        """Read a part of a tensor, of one that is stored in pieces or of any other.

        Args:
            key: The name of the tensor.
            slice_: Which part; need not be one of the stored pieces.

        Raises:
            SavedModelError: As `read`, or the tensor has no such part.
            OSError: A shard cannot be read.
        """
        entry = self.entry(key)
        try:
            box = slice_.within(entry.shape)
        except ValueError as error:
            raise SavedModelError(f"tensor {key!r} of {str(self.prefix)!r}: {error}") from error
        return _aligned(self._part(entry, box))

    def read_raw(self, key: str) -> memoryview:
        """The bytes of a tensor as they are stored, without a copy.

        Raises:
            SavedModelError: There is no such tensor, it is stored in pieces, or its shard is
                missing or too short.
            OSError: The shard cannot be read.
        """
        entry = self.entry(key)
        if entry.slices:
            raise self._problem(
                entry, f"is stored in {len(entry.slices)} pieces; read it by slices"
            )
        return self.octets(entry).data

    def pieces(self, key: str) -> list[tuple[TensorSlice, Entry]]:
        """The stored parts of a partitioned tensor; none of any other.

        Raises:
            SavedModelError: There is no such tensor, or a part is missing or of another type or
                shape than the tensor says.
        """
        entry = self.entry(key)
        return [(slice_, self._piece(entry, slice_)) for slice_ in entry.slices]

    def octets(self, entry: Entry) -> Octets:
        """The bytes that an entry of this bundle stands for.

        Raises:
            SavedModelError: The shard is missing or too short.
            OSError: The shard cannot be read.
        """
        return self._shards.octets(entry)

    def verify(self, key: str) -> None:
        """Compare the bytes of a tensor with their checksums.

        Raises:
            SavedModelError: They do not match, or the tensor cannot be read.
            OSError: A shard cannot be read.
        """
        entry = self.entry(key)
        if not entry.slices:
            self._verify(entry)
            return
        pieces = self.pieces(key)
        for _, piece in pieces:
            self._verify(piece)
        try:
            boxes = [slice_.within(entry.shape) for slice_ in entry.slices]
            check_cover(whole(entry.shape), boxes)
        except ValueError as error:
            raise self._problem(entry, str(error)) from error

    def verify_all(self) -> None:
        """Compare all tensors with their checksums, and report all that do not match.

        Raises:
            SavedModelError: As `verify`, for one tensor or more.
            OSError: A shard cannot be read.
        """
        problems = []
        for key in self:
            try:
                self.verify(key)
            except SavedModelError as error:
                problems.append(str(error))
        if problems:
            # A missing shard makes the same problem for many tensors.
            shown = "\n  ".join(list(dict.fromkeys(problems))[:_SHOWN])
            raise SavedModelError(
                f"{len(problems)} of the {len(self)} tensors of bundle {str(self.prefix)!r} are "
                f"damaged:\n  {shown}"
            )

    def _part(self, entry: Entry, box: Box) -> NDArray[Any]:
        if entry.slices:
            return self._assemble(entry, box)
        # With the dots the result is an array even if it is one element.
        index: tuple[Any, ...] = (*(slice(e.start, e.stop) for e in box), ...)
        part: NDArray[Any] = self._values(entry)[index]
        return part

    def _values(self, entry: Entry) -> NDArray[Any]:
        """The values of an entry that is not partitioned."""
        data = self.octets(entry)
        try:
            return decode_values(entry, data)
        except ValueError as error:
            raise self._problem(entry, f"cannot be decoded: {error}") from error

    def _piece(self, entry: Entry, slice_: TensorSlice) -> Entry:
        piece = self._pieces.get(slice_.key(encode_key(entry.key)))
        if piece is None:
            raise self._problem(entry, f"lacks the piece {str(slice_)!r}")
        shape = box_shape(slice_.within(entry.shape))
        if piece.slices or piece.dtype != entry.dtype or piece.shape != shape:
            found = f"{piece.dtype.name} of shape {list(piece.shape)}"
            what = f"has a piece {str(slice_)!r} of {entry.dtype.name}, stored as {found}"
            raise self._problem(entry, what)
        return piece

    def _assemble(self, entry: Entry, box: Box) -> NDArray[Any]:
        stored = [(s.within(entry.shape), e) for s, e in self.pieces(entry.key)]
        for piece_box, piece in stored:
            if piece_box == box:
                return self._values(piece)
        # Pieces may share bytes, so that the sum of their sizes says nothing.
        available = self._shards.size({piece.shard for _, piece in stored})
        if box_volume(box) * max(entry.dtype.itemsize, 1) > available:
            raise self._problem(entry, f"has more elements than its {available:,} bytes can hold")
        pieces = [Piece(piece_box, partial(self._values, piece)) for piece_box, piece in stored]
        try:
            return _frozen(assemble(box, pieces, entry.dtype.numpy))
        except ValueError as error:
            raise self._problem(entry, str(error)) from error

    def _verify(self, entry: Entry) -> None:
        data = self.octets(entry)
        try:
            check_payload(entry, data)
        except ValueError as error:
            raise self._problem(entry, f"is damaged: {error}") from error

    def _problem(self, entry: Entry, what: str) -> SavedModelError:
        return SavedModelError(f"tensor {entry.key!r} of bundle {str(self.prefix)!r} {what}")


def _aligned(array: NDArray[Any]) -> NDArray[Any]:
    return array if array.flags.aligned else _frozen(array.copy())


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array
