"""The entries of an index: what the header and each entry say, checked before it is believed.

Source: `tensorflow/core/protobuf/tensor_bundle.proto`, `tensor_bundle.cc` (BundleReader),
`CheckVersions` in `tensorflow/core/framework/versions.cc`, `TensorShape::IsValid`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError

from anyhub.errors import SavedModelError
from anyhub.savedmodel.bundle.files import damaged
from anyhub.savedmodel.bundle.slices import Extent, TensorSlice
from anyhub.savedmodel.dtypes import DType, dtype_by_number
from anyhub.savedmodel.schema import BundleEntryProto, BundleHeaderProto

if TYPE_CHECKING:
    from pathlib import Path

STRING, VARIANT = "string", "variant"
_VERSION = 1  # kTensorBundleVersion
_BIG_ENDIAN = 1
_MOST_DIMENSIONS = 254  # TensorShape::MaxDimensions
_MOST_ELEMENTS = 2**63 // 16 - 1  # of 16 bytes each, in the address space
_CHECKSUM_SIZE = 4


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a tensor lies, and what it is.

    Attributes:
        key: The name of the tensor; bytes of the name that are no UTF-8 are surrogate escapes.
        dtype: Its element type.
        shape: Its shape.
        shard: The number of the data file, 0 if it has slices.
        offset: Where its bytes begin there, 0 if it has slices.
        size: How many bytes it takes there, 0 if it has slices.
        crc32c: The checksum of its content, masked, 0 if it has slices.
        slices: The parts that are stored instead of it, each under a key of its own.
    """

    key: str
    dtype: DType
    shape: tuple[int, ...]
    shard: int = 0
    offset: int = 0
    size: int = 0
    crc32c: int = 0
    slices: tuple[TensorSlice, ...] = ()

    @property
    def elements(self) -> int:
        """How many elements the tensor has."""
        return math.prod(self.shape)


def encode_key(key: str) -> bytes:
    """The bytes of a key.

    Raises:
        UnicodeEncodeError: It holds surrogates that stand for no byte.
    """
    return key.encode("utf-8", "surrogateescape")


def decode_key(key: bytes) -> str:
    """The inverse of `encode_key`, for any bytes."""
    return key.decode("utf-8", "surrogateescape")


def parse_header(value: bytes, path: Path) -> int:
    """Read the header.

    Returns:
        The number of shards.

    Raises:
        SavedModelError: It is damaged, or says that anyhub cannot read the bundle.
    """
    header = _parse(BundleHeaderProto, value, "its header", path)
    if header.endianness == _BIG_ENDIAN:
        raise _unreadable(path, "was written on a big-endian machine", "save it on another one")
    version = header.version
    if version.min_consumer > _VERSION or _VERSION in version.bad_consumers:
        found = f"asks for readers of version {version.min_consumer} or a fixed one"
        raise _unreadable(path, found, f"this is version {_VERSION}; install a newer anyhub")
    if header.num_shards < 1 or version.producer < 0:
        what = f"its header says {header.num_shards} shards, version {version.producer}"
        raise damaged(path, f"{what}; perhaps it is a checkpoint of version 1")
    return int(header.num_shards)


def parse_entry(key: bytes, value: bytes, shards: int, path: Path) -> Entry:
    """Read an entry.

    Raises:
        SavedModelError: It is damaged or contradicts itself.
    """
    name = decode_key(key)
    proto = _parse(BundleEntryProto, value, f"the entry of {name!r}", path)
    try:
        entry = Entry(
            key=name,
            dtype=_parse_dtype(proto.dtype),
            shape=_parse_shape(proto.shape),
            shard=proto.shard_id,
            offset=proto.offset,
            size=proto.size,
            crc32c=proto.crc32c,
            slices=tuple(_parse_slice(slice_) for slice_ in proto.slices),
        )
        _check(entry, shards)
    except ValueError as error:
        raise damaged(path, f"the entry of {name!r} cannot be right: {error}") from error
    return entry


def encode_header(shards: int) -> bytes:
    """The header that TensorFlow writes."""
    header = BundleHeaderProto(num_shards=shards)
    header.version.producer = _VERSION
    return bytes(header.SerializeToString(deterministic=True))


def encode_entry(entry: Entry) -> bytes:
    """The inverse of `parse_entry`."""
    proto = BundleEntryProto(
        dtype=entry.dtype.number,
        shard_id=entry.shard,
        offset=entry.offset,
        size=entry.size,
        crc32c=entry.crc32c,
    )
    proto.shape.SetInParent()  # a scalar's shape is present and empty
    for size in entry.shape:
        proto.shape.dim.add().size = size
    for slice_ in entry.slices:
        extents = proto.slices.add()
        for extent in slice_.extents:
            added = extents.extent.add()
            if extent is not None:
                added.start, added.length = extent
    return bytes(proto.SerializeToString(deterministic=True))


def check_size(entry: Entry) -> None:
    """Check that the elements of a tensor can take as many bytes as it says.

    Raises:
        ValueError: They cannot.
    """
    expected = f"{entry.elements} elements of type {entry.dtype.name}"
    if entry.dtype.name == STRING:
        # Each takes a length of at least one byte; a checksum follows the lengths.
        at_least = entry.elements + _CHECKSUM_SIZE if entry.elements else 0
        if entry.size < at_least or (not entry.elements and entry.size not in {0, _CHECKSUM_SIZE}):
            raise ValueError(f"{expected} cannot take {entry.size} bytes")
    elif entry.dtype.itemsize and entry.size != entry.elements * entry.dtype.itemsize:
        needed = entry.elements * entry.dtype.itemsize
        raise ValueError(f"{expected} take {needed} bytes, not {entry.size}")


def check_slices(entry: Entry) -> None:
    """Check that the slices of a tensor are parts of it.

    Raises:
        ValueError: They are not.
    """
    for slice_ in entry.slices:
        slice_.within(entry.shape)
        # Such a tensor has no slices: TensorFlow takes its entry for that of the slice.
        if all(extent is None for extent in slice_.extents):
            raise ValueError("one of its slices is all of it")


def _parse(message: Any, value: bytes, what: str, path: Path) -> Any:
    try:
        return message.FromString(value)
    except DecodeError as error:
        raise damaged(path, f"{what} is no {message.DESCRIPTOR.name} ({error})") from error


def _parse_dtype(number: int) -> DType:
    dtype = dtype_by_number(number)
    if dtype.is_reference:
        raise ValueError(f"it has the type {dtype.name}; a stored tensor has no reference type")
    return dtype


def _parse_shape(proto: Any) -> tuple[int, ...]:
    shape = tuple(dimension.size for dimension in proto.dim)
    if proto.unknown_rank or len(shape) > _MOST_DIMENSIONS or any(size < 0 for size in shape):
        raise ValueError(f"its shape has {len(shape)} dimensions, or some of unknown size")
    # As if no dimension were 0: NumPy multiplies the others too.
    if math.prod(size for size in shape if size) > _MOST_ELEMENTS:
        raise ValueError(f"its shape {list(shape)} has too many elements")
    return shape


def _parse_slice(proto: Any) -> TensorSlice:
    extents = []
    for extent in proto.extent:
        if not extent.HasField("length") and extent.start:
            raise ValueError(f"a slice begins at {extent.start} and has no length")
        known = extent.HasField("length")
        extents.append(Extent(extent.start, extent.length) if known else None)
    return TensorSlice(tuple(extents))


def _check(entry: Entry, shards: int) -> None:
    if not 0 <= entry.shard < shards:
        raise ValueError(f"it is in shard {entry.shard} of {shards}")
    if entry.offset < 0 or entry.size < 0:
        raise ValueError(f"it has {entry.size} bytes at {entry.offset}")
    check_slices(entry)
    if not entry.slices:
        check_size(entry)


def _unreadable(path: Path, found: str, advice: str) -> SavedModelError:
    return SavedModelError(f"{str(path)!r} {found}, which anyhub does not read: {advice}")
