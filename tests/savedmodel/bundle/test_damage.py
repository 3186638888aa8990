"""Damaged and lying bundles are refused with the reason; none does harm."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anyhub.errors import SavedModelError
from anyhub.savedmodel.bundle import Bundle, TensorSlice, open_bundle, write_bundle
from anyhub.savedmodel.bundle.checksums import masked_crc
from anyhub.savedmodel.bundle.table_writer import encode_table
from anyhub.savedmodel.bundle.varints import decode_varints
from anyhub.savedmodel.schema import BundleEntryProto, BundleHeaderProto

GOLDEN = Path(__file__).parent / "golden"
FLOAT, STRING, VARIANT = 1, 7, 21


def header(**fields: Any) -> Any:
    return BundleHeaderProto(**{"num_shards": 1, **fields})


def entry(dtype: int = FLOAT, shape: tuple[int, ...] = (2,), size: int = 8, **fields: Any) -> Any:
    proto = BundleEntryProto(dtype=dtype, size=size, **fields)
    for length in shape:
        proto.shape.dim.add().size = length
    return proto


def add_slice(proto: Any, *extents: tuple[int, int]) -> None:
    added = proto.slices.add()
    for start, length in extents:
        extent = added.extent.add()
        extent.start, extent.length = start, length


def make(prefix: Path, data: bytes = bytes(8), head: Any = None, **entries: Any) -> Path:
    """Write a bundle whose index says whatever is given."""
    return make_with_keys(prefix, data, head, {k.encode(): v for k, v in entries.items()})


def make_with_keys(prefix: Path, data: bytes, head: Any, entries: dict[bytes, Any]) -> Path:
    items = {b"": head or header(), **entries}
    encoded = [(key, value.SerializeToString()) for key, value in sorted(items.items())]
    Path(f"{prefix}.index").write_bytes(b"".join(encode_table(encoded)))
    Path(f"{prefix}.data-00000-of-00001").write_bytes(data)
    return prefix


def test_an_honest_bundle_made_this_way_is_read(tmp_path: Path) -> None:
    data = np.array([1, 2], np.float32).tobytes()
    assert open_bundle(make(tmp_path / "x", data, a=entry())).read("a").tolist() == [1, 2]


LIES: dict[str, tuple[Callable[[], Any], str]] = {
    "type 0": (lambda: entry(dtype=0), "unknown element type 0"),
    "type 99": (lambda: entry(dtype=99), "unknown element type 99"),
    "negative type": (lambda: entry(dtype=-1), "unknown element type -1"),
    "reference type": (lambda: entry(dtype=101), "a stored tensor has no reference type"),
    "negative dimension": (lambda: entry(shape=(-1,)), "some of unknown size"),
    "255 dimensions": (lambda: entry(shape=(1,) * 255, size=4), "its shape has 255 dimensions"),
    "size too small": (lambda: entry(size=7), "2 elements of type float32 take 8 bytes, not 7"),
    "size too large": (lambda: entry(size=9), "take 8 bytes, not 9"),
    "size 0": (lambda: entry(size=0), "take 8 bytes, not 0"),
    "product of 2**64": (lambda: entry(shape=(2**32, 2**32)), "has too many elements"),
    "product of 2**62": (lambda: entry(shape=(2**62,)), "has too many elements"),
    "0 and too many": (lambda: entry(shape=(0, 2**62), size=0), "has too many elements"),
    "2**59 elements": (lambda: entry(shape=(2**58,)), "take 1152921504606846976 bytes"),
    "negative offset": (lambda: entry(offset=-1), "it has 8 bytes at -1"),
    "negative size": (lambda: entry(size=-8), "it has -8 bytes at 0"),
    "shard 1 of 1": (lambda: entry(shard_id=1), "it is in shard 1 of 1"),
    "negative shard": (lambda: entry(shard_id=-1), "it is in shard -1 of 1"),
    "more strings than bytes": (lambda: entry(STRING, (9,), 12), "9 elements of type string"),
    "bytes for no string": (lambda: entry(STRING, (0,), 5), "0 elements of type string"),
}


@pytest.mark.parametrize("name", LIES)
def test_lies_of_an_entry(tmp_path: Path, name: str) -> None:
    make_entry, reason = LIES[name]
    prefix = make(tmp_path / "x", a=make_entry())
    with pytest.raises(SavedModelError, match=r"the entry of 'a' cannot be right: ") as caught:
        open_bundle(prefix)
    assert reason in str(caught.value)


def test_unknown_rank(tmp_path: Path) -> None:
    proto = entry(shape=(), size=4)
    proto.shape.unknown_rank = True
    with pytest.raises(SavedModelError, match="some of unknown size"):
        open_bundle(make(tmp_path / "x", a=proto))


BAD_HEADERS: dict[str, tuple[dict[str, Any], str]] = {
    "big-endian": ({"endianness": 1}, "was written on a big-endian machine, which anyhub does not"),
    "no shards": ({"num_shards": 0}, "says 0 shards, version 0; perhaps .* of version 1"),
    "negative shards": ({"num_shards": -1}, "says -1 shards"),
    "newer": ({"version": {"producer": 9, "min_consumer": 2}}, "asks for readers of version 2"),
    "bad consumer": ({"version": {"bad_consumers": [1]}}, "or a fixed one"),
    "negative version": ({"version": {"producer": -1}}, "says 1 shards, version -1"),
}


@pytest.mark.parametrize("name", BAD_HEADERS)
def test_headers(tmp_path: Path, name: str) -> None:
    fields, reason = BAD_HEADERS[name]
    with pytest.raises(SavedModelError, match=reason):
        open_bundle(make(tmp_path / "x", head=header(**fields), a=entry()))


def test_newer_producer_is_read(tmp_path: Path) -> None:
    head = header(version={"producer": 9, "min_consumer": 1, "bad_consumers": [0, 2]})
    assert len(open_bundle(make(tmp_path / "x", head=head, a=entry()))) == 1


@pytest.mark.parametrize(
    ("items", "reason"),
    [
        ([], r"its header says 0 shards"),
        ([(b"a", b"")], r"its first key is b'a', not the empty one of the header"),
        ([(b"", b"\xff")], r"its header is no BundleHeaderProto"),
        ([(b"", b"\x08\x01"), (b"a", b"\x0f")], r"the entry of 'a' is no BundleEntryProto"),
        # The first entry of a checkpoint of version 1 is a SavedTensorSlices.
        ([(b"", b"\x0a\x02\x0a\x00")], r"perhaps it is a checkpoint of version 1"),
    ],
)
def test_no_header_or_no_entry(tmp_path: Path, items: Any, reason: str) -> None:
    (tmp_path / "x.index").write_bytes(b"".join(encode_table(items)))
    with pytest.raises(SavedModelError, match=reason):
        open_bundle(tmp_path / "x")


@pytest.mark.parametrize("offset", [1, 8, 2**62])
def test_outside_the_shard(tmp_path: Path, offset: int) -> None:
    bundle = open_bundle(make(tmp_path / "x", a=entry(offset=offset)))
    reason = rf"data-00000-of-00001' is damaged: it has 8 bytes, and 'a' takes {offset} to"
    for act in (bundle.read, bundle.read_raw, bundle.verify):
        with pytest.raises(SavedModelError, match=reason):
            act("a")


def test_entries_may_overlap(tmp_path: Path) -> None:
    bundle = open_bundle(make(tmp_path / "x", a=entry(), b=entry(shape=(1,), size=4, offset=3)))
    assert bundle.read("a").nbytes == 8
    assert bundle.read("b").nbytes == 4


def test_more_dimensions_than_numpy_has(tmp_path: Path) -> None:
    bundle = open_bundle(make(tmp_path / "x", a=entry(shape=(1,) * 100, size=4)))
    with pytest.raises(SavedModelError, match="tensor 'a' .* cannot be decoded: .*dim"):
        bundle.read("a")


@pytest.mark.parametrize(
    ("elements", "data", "reason"),
    [
        (2, b"\1\1abcdefg", "the strings do not take the 3 bytes that they have"),
        (2, b"\1\x05----ab", "the strings do not take"),
        (2, b"\1\0---------", "the strings do not take"),
        (1, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01----", "the strings do not take"),
        (2, 2 * (b"\x80" * 9 + b"\x01") + b"----", "the strings do not take"),
        (1, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02----", "a length takes more than 64 bits"),
        (1, b"\x80" * 10 + b"\x01----", "1 lengths are expected, 0 were found"),
        (2, b"\x80" * 10 + b"\x01----", "a length takes more than 64 bits"),
        (3, b"\x80\x80\x80\x80\x80\x80\x80", "3 lengths are expected, 0 were found"),
        (1, b"\x81\x80\x80\x80\0", "the strings do not take the -4 bytes"),
    ],
)
def test_damaged_strings(tmp_path: Path, elements: int, data: bytes, reason: str) -> None:
    proto = entry(STRING, (elements,), len(data))
    bundle = open_bundle(make(tmp_path / "x", data, a=proto))
    with pytest.raises(SavedModelError, match=f"tensor 'a' .* cannot be decoded: {reason}"):
        bundle.read("a")
    with pytest.raises(SavedModelError, match=f"tensor 'a' .* is damaged: .*{reason}"):
        bundle.verify("a")


def test_overlong_lengths_are_lengths() -> None:
    lengths, end = decode_varints(np.frombuffer(b"\x81\x80\0\x05\x80\x01zz", np.uint8), 3)
    assert lengths.tolist() == [1, 5, 128]
    assert end == 6
    largest = np.frombuffer(b"\xff" * 9 + b"\x01", np.uint8)
    assert decode_varints(largest, 1)[0].tolist() == [2**64 - 1]


@pytest.mark.parametrize(
    ("elements", "data", "reason"),
    [
        (1, b"\5ab", "variant 0 exceeds its tensor"),
        (1, b"\1a\0\0\0\0", "the checksum of variant 0 does not match"),
        (1, b"", "an integer is cut off at 0"),
        (1, b"\xff" * 10, "takes more than 64 bits"),
        (0, b"ab", "2 bytes follow the last variant"),
        (2**40, b"\1a\0\0\0\0", "the checksum of variant 0 does not match"),
    ],
)
def test_damaged_variants(tmp_path: Path, elements: int, data: bytes, reason: str) -> None:
    proto = entry(VARIANT, (elements,), len(data))
    bundle = open_bundle(make(tmp_path / "x", data, a=proto))
    with pytest.raises(SavedModelError, match=f"tensor 'a' .* is damaged: .*{reason}"):
        bundle.verify("a")


def partitioned(prefix: Path, pieces: dict[str, Any], shape: tuple[int, ...] = (4,)) -> Bundle:
    full = entry(shape=shape, size=0)
    entries = {b"a": full}
    for text, proto in pieces.items():
        slice_ = TensorSlice.parse(text)
        add_slice(full, *[(e.start, e.length) for e in slice_.extents if e])
        if proto is not None:
            proto.crc32c = masked_crc(np.zeros(proto.size, np.uint8))
            entries[slice_.key(b"a")] = proto
    return open_bundle(make_with_keys(prefix, bytes(64), None, entries))


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        ({"0,2": entry(), "2,2": None}, "lacks the piece '2,2'"),
        ({"0,2": entry()}, "its slices hold 2 of the 4 elements"),
        ({"0,2": entry(), "1,2": entry()}, "its slices overlap at"),
        ({"0,2": entry(), "2,2": entry(3)}, "has a piece '2,2' of float32, stored as int32"),
        ({"0,2": entry(), "2,2": entry(shape=(1, 2))}, r"stored as float32 of shape \[1, 2\]"),
    ],
)
def test_damaged_partitions(tmp_path: Path, pieces: dict[str, Any], reason: str) -> None:
    bundle = partitioned(tmp_path / "x", pieces)
    assert list(bundle) == ["a"]
    for act in (bundle.read, bundle.verify):
        with pytest.raises(SavedModelError, match=rf"tensor 'a' .*{reason}"):
            act("a")


def test_a_piece_of_pieces(tmp_path: Path) -> None:
    # Following it would never end.
    piece = entry()
    add_slice(piece, (0, 2))
    bundle = partitioned(tmp_path / "x", {"0,2": piece, "2,2": entry()})
    with pytest.raises(SavedModelError, match="has a piece '0,2'"):
        bundle.read("a")


def test_pieces_that_share_bytes_cannot_exhaust_memory(tmp_path: Path) -> None:
    pieces = {f"{16 * n},16": entry(shape=(16,), size=64) for n in range(1_000)}
    bundle = partitioned(tmp_path / "x", pieces, (16_000,))
    with pytest.raises(SavedModelError, match="has more elements than its 64 bytes can hold"):
        bundle.read("a")


@pytest.mark.parametrize(
    ("extents", "reason"),
    [
        ([(0, 2), (0, 1)], "has not 1 dimensions"),
        ([(3, 2)], "exceeds shape"),
        ([(-1, 2)], "exceeds shape"),
        ([(0, -2)], "exceeds shape"),
        ([(2**63 - 1, 2**63 - 1)], "exceeds shape"),
    ],
)
def test_slices_outside_the_tensor(tmp_path: Path, extents: Any, reason: str) -> None:
    full = entry(shape=(4,), size=0)
    add_slice(full, *extents)
    with pytest.raises(SavedModelError, match=reason):
        open_bundle(make(tmp_path / "x", a=full))


def test_a_slice_that_is_all(tmp_path: Path) -> None:
    full = entry()
    full.slices.add().extent.add()
    with pytest.raises(SavedModelError, match="one of its slices is all of it"):
        open_bundle(make(tmp_path / "x", a=full))
    full.slices[0].extent[0].start = 1
    with pytest.raises(SavedModelError, match="a slice begins at 1 and has no length"):
        open_bundle(make(tmp_path / "x", a=full))


@pytest.fixture(params=["sharded", "partitioned", "strings"])
def golden(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    for path in GOLDEN.glob(f"{request.param}.*"):
        shutil.copy(path, tmp_path)
    return tmp_path / str(request.param)


def contents(prefix: Path) -> dict[str, tuple[Any, ...]]:
    bundle = open_bundle(prefix)
    arrays = {key: bundle.read(key) for key in bundle}
    return {key: (a.dtype, a.shape, a.tolist()) for key, a in arrays.items()}


def test_every_truncation_of_an_index(golden: Path) -> None:
    index = Path(f"{golden}.index")
    data = index.read_bytes()
    for size in range(len(data)):
        index.write_bytes(data[:size])
        with pytest.raises(SavedModelError, match=r"\.index'"):
            open_bundle(golden)


def test_every_damaged_byte_of_an_index(golden: Path) -> None:
    index = Path(f"{golden}.index")
    data = index.read_bytes()
    expected = contents(golden)
    harmless = 0
    for position in range(len(data)):
        index.write_bytes(data[:position] + bytes([data[position] ^ 0x55]) + data[position + 1 :])
        try:
            assert contents(golden) == expected
            harmless += 1
        except SavedModelError:
            pass
    assert harmless < 40  # the padding of the footer


def test_every_damaged_byte_of_a_shard(golden: Path) -> None:
    # Every byte belongs to a checksum.
    for shard in golden.parent.glob(f"{golden.name}.data-*"):
        data = shard.read_bytes()
        for position in range(len(data)):
            damaged = data[:position] + bytes([data[position] ^ 0x10]) + data[position + 1 :]
            shard.write_bytes(damaged)
            with pytest.raises(SavedModelError, match=r"1 of the \d tensors .* are damaged:\n  "):
                open_bundle(golden).verify_all()
        for size in range(len(data)):
            shard.write_bytes(data[:size])
            with pytest.raises(SavedModelError, match="are damaged"):
                open_bundle(golden).verify_all()
        shard.write_bytes(data)
    open_bundle(golden).verify_all()


def test_wrong_checksum_is_reported_for_each_tensor(tmp_path: Path) -> None:
    arrays = {name: np.arange(3, dtype=np.int32) for name in "abc"}
    write_bundle(tmp_path / "x", arrays.items())
    shard = tmp_path / "x.data-00000-of-00001"
    data = bytearray(shard.read_bytes())
    data[0] ^= 1
    data[-1] ^= 1
    shard.write_bytes(data)
    bundle = open_bundle(tmp_path / "x")
    bundle.verify("b")
    with pytest.raises(SavedModelError) as caught:
        bundle.verify_all()
    lines = str(caught.value).split("\n")
    assert lines[0].startswith("2 of the 3 tensors of bundle ")
    assert [line.split()[1] for line in lines[1:]] == ["'a'", "'c'"]
    assert "its checksum is 0x" in lines[1]
