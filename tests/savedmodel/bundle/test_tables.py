"""Tables, byte by byte: what is read, what is written, and what is refused and why."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import google_crc32c
import pytest

from anyhub.errors import SavedModelError
from anyhub.savedmodel.bundle.snappy import uncompress
from anyhub.savedmodel.bundle.table_reader import read_table
from anyhub.savedmodel.bundle.table_writer import encode_table

PATH = Path("some.index")
MAGIC = bytes.fromhex("57fb808b247547db")


def masked(data: bytes) -> int:
    crc = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def varint(value: int) -> bytes:
    result = b""
    while value > 127:
        result += bytes([value & 127 | 128])
        value >>= 7
    return result + bytes([value])


def item(shared: int, own: bytes, value: bytes) -> bytes:
    return varint(shared) + varint(len(own)) + varint(len(value)) + own + value


def restarts(*offsets: int) -> bytes:
    return struct.pack(f"<{len(offsets) + 1}I", *offsets, len(offsets))


def handle(offset: int, size: int) -> bytes:
    return varint(offset) + varint(size)


class TableBuilder:
    """Puts blocks one after another, with right checksums and whatever contents."""

    def __init__(self) -> None:
        self.data = b""

    def block(self, contents: bytes, compression: int = 0) -> bytes:
        """Append a block; return its handle."""
        place = handle(len(self.data), len(contents))
        trailer = bytes([compression])
        self.data += contents + trailer + struct.pack("<I", masked(contents + trailer))
        return place

    def finish(self, *blocks: tuple[bytes, bytes]) -> bytes:
        """Append the blocks without data and the footer."""
        meta = self.block(restarts(0))
        index = self.block(b"".join(item(0, key, place) for key, place in blocks) + restarts(0))
        return self.data + (meta + index).ljust(40, b"\0") + MAGIC


def table_of(contents: bytes, compression: int = 0) -> bytes:
    builder = TableBuilder()
    return builder.finish((b"\xff", builder.block(contents, compression)))


def read(data: bytes) -> list[tuple[bytes, bytes]]:
    return list(read_table(data, PATH))


def refused(data: bytes) -> str:
    with pytest.raises(SavedModelError) as caught:
        read(data)
    assert "'some.index'" in str(caught.value)
    return str(caught.value)


def test_shared_prefixes_are_restored() -> None:
    contents = item(0, b"", b"h") + item(0, b"abc", b"1") + item(2, b"d", b"") + restarts(0)
    assert read(table_of(contents)) == [(b"", b"h"), (b"abc", b"1"), (b"abd", b"")]


def test_empty_table() -> None:
    assert read(TableBuilder().finish()) == []
    assert read(b"".join(encode_table([]))) == []


def test_many_blocks() -> None:
    builder = TableBuilder()
    first = builder.block(item(0, b"a", b"1") + restarts(0))
    second = builder.block(item(0, b"c", b"2") + restarts(0))
    assert read(builder.finish((b"b", first), (b"c", second))) == [(b"a", b"1"), (b"c", b"2")]


def test_exact_bytes_of_a_table() -> None:
    # As TensorFlow 2.21 wrote it for tensors "a", "b/c", "i4" and "s".
    written = bytes.fromhex(
        "000006 0801 1a020801"
        "00010f 61 0801 1204 1202 0802 2808 35593ce535"
        "00030d 622f63 0809 1200 2008 2808 35b099490e"
        "000212 6934 081d 1204 1202 0802 20e001 2802 3506b6d8f4"
        "000112 73 0807 1204 1202 0802 2010 28d001 3568125084"
        "00000000 01000000 00 536b8fc4"
        "00000000 01000000 00 c0f2a1b0"
        "000102 74 0064 00000000 01000000 00 5f932e5b"
        "6908 760e" + 36 * "00" + "57fb808b247547db"
    )
    items = read(written)
    assert [key for key, _ in items] == [b"", b"a", b"b/c", b"i4", b"s"]
    assert b"".join(encode_table(items)) == written


@pytest.mark.parametrize("count", [1, 16, 17, 33, 5000])
def test_written_tables_are_read(count: int) -> None:
    generator = random.Random(count)
    keys = {b"", b"\xff\xff", b"\xff"}
    while len(keys) < count + 3:
        keys.add(b"layer/" * generator.randrange(4) + generator.randbytes(generator.randrange(9)))
    items = [(key, generator.randbytes(generator.randrange(300))) for key in sorted(keys)]
    assert read(b"".join(encode_table(items))) == items


@pytest.mark.parametrize(
    "keys",
    [
        [b"a" * 10, b"a" * 10 + b"b"],
        [b"abc", b"abd"],
        [b"abc\xff", b"b"],
        [b"a\x01", b"c"],
        [b"\xff\xff", b"\xff\xff\x00"],
    ],
)
def test_keys_between_blocks(keys: list[bytes]) -> None:
    items = [(b"", b""), *((key, bytes(600_000)) for key in keys)]
    data = b"".join(encode_table(items))
    assert read(data) == items
    assert len(data) > 1_200_000


def test_wrong_magic() -> None:
    data = table_of(item(0, b"a", b"1") + restarts(0))
    assert "is cut off or no index of a tensor bundle" in refused(data[:-1] + b"\0")
    assert "(0 bytes)" in refused(b"")
    assert "ends in '57 fb" in refused(MAGIC)


def test_wrong_checksum() -> None:
    data = bytearray(table_of(item(0, b"a", b"1") + restarts(0)))
    data[3] ^= 1
    assert "in the block at byte 0, the checksum is 0x" in refused(bytes(data))


def test_every_truncation_is_refused() -> None:
    data = b"".join(encode_table([(b"", b"x"), (b"key", b"value"), (b"kez", b"value")]))
    for size in range(len(data)):
        refused(data[:size])


def test_every_bit_flip_is_refused_or_harmless() -> None:
    data = b"".join(encode_table([(b"", b"x"), (b"key", b"value"), (b"kez", b"value")]))
    items = read(data)
    harmless = 0
    for position in range(len(data)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[position] ^= 1 << bit
            try:
                assert read(bytes(flipped)) == items
                harmless += 1
            except SavedModelError:
                pass
    # The places of two blocks leave 36 bytes of padding in the footer, which mean nothing, and the
    # last integer before them may as well end in the first of them.
    assert harmless == 8 * 36 + 1


LIES = {
    "shared exceeds the key before": (item(0, b"", b"") + item(1, b"a", b""), "is too long"),
    "key exceeds the block": (b"\0\x7f\0a", "is too long"),
    "value exceeds the block": (b"\0\1\x7faa", "is too long"),
    "cut off": (item(0, b"a", b"") + b"\0\1", "an integer is cut off at"),
    "integer of 6 bytes": (b"\x80\x80\x80\x80\x80\0\1\0a", "takes more than 32 bits"),
    "integer of 33 bits": (b"\0\xff\xff\xff\xff\x1f\0", "takes more than 32 bits"),
    "same key twice": (2 * item(0, b"a", b"1"), "key b'a' follows b'a'"),
    "falling keys": (item(0, b"b", b"1") + item(0, b"a", b"1"), "key b'a' follows b'b'"),
}


@pytest.mark.parametrize("name", LIES)
def test_lies_in_a_block(name: str) -> None:
    contents, reason = LIES[name]
    assert reason in refused(table_of(contents + restarts(0)))


def test_overlong_integers_are_integers() -> None:
    # As in LevelDB: an integer may have more bytes than it needs.
    assert read(table_of(b"\x80\0\x81\x80\x80\x80\0\x81\0ab" + restarts(0))) == [(b"a", b"b")]


@pytest.mark.parametrize("count", [0, 2, 0xFFFFFFFF])
def test_lies_about_restart_points(count: int) -> None:
    contents = b"\0" + struct.pack("<II", 0, count)
    assert f"{len(contents) - 4} bytes cannot have {count} restart points" in refused(
        table_of(contents)
    )


def test_a_block_that_is_too_small() -> None:
    assert "3 bytes are too few" in refused(table_of(b"\0\0\0"))


def test_fewer_restart_points_than_there_are() -> None:
    contents = item(0, b"a", b"1") + struct.pack("<III", 0, 0, 1)
    assert "follows b'a'" in refused(table_of(contents))


def test_a_block_outside_the_file() -> None:
    builder = TableBuilder()
    builder.block(restarts(0))
    assert "exceed the file" in refused(builder.finish((b"a", handle(0, 500))))
    assert "exceed the file" in refused(builder.finish((b"a", handle(2**63, 2**63))))


def test_the_same_block_again() -> None:
    # Otherwise reading would take the square of the file's size.
    builder = TableBuilder()
    place = builder.block(restarts(0))
    assert "overlaps the one before" in refused(builder.finish((b"a", place), (b"b", place)))


def test_a_key_beyond_its_block() -> None:
    builder = TableBuilder()
    place = builder.block(item(0, b"b", b"1") + restarts(0))
    assert "beyond its block's last key" in refused(builder.finish((b"a", place)))


def test_an_unreadable_place() -> None:
    assert "a place is unreadable" in refused(TableBuilder().finish((b"a", b"\x80")))
    assert "a place is unreadable" in refused(TableBuilder().finish((b"a", 10 * b"\xff" + b"\1")))
    footer = 40 * b"\xff" + MAGIC
    assert "its footer is unreadable" in refused(footer)


def test_keys_that_would_exhaust_memory() -> None:
    contents = item(0, bytes(10_000), b"")
    contents += b"".join(item(10_000 + n, b"a", b"") for n in range(1_000))
    assert "the keys take too much memory" in refused(table_of(contents + restarts(0)))


def test_an_unknown_compression() -> None:
    message = refused(table_of(item(0, b"a", b"1") + restarts(0), compression=4))
    assert "the compression is 4; 0 (none) and 1 (Snappy) exist" in message


def test_a_block_with_snappy() -> None:
    contents = item(0, b"abcd", b"1") + restarts(0)
    packed = bytes([len(contents), (len(contents) - 1) << 2]) + contents
    assert read(table_of(packed, compression=1)) == [(b"abcd", b"1")]
    assert "Snappy fails: it is cut off at 2" in refused(table_of(packed[:-1], compression=1))


# google/snappy, format_description.txt
SNAPPY = {
    "nothing": (b"\0", b""),
    "literal": (b"\3\x08abc", b"abc"),
    "literal of 61": (b"\x3d\xf0\x3c" + b"x" * 61, b"x" * 61),
    "literal of 300": (b"\xac\x02\xf4\x2b\x01" + b"y" * 300, b"y" * 300),
    "short copy": (b"\x08\x0cabcd\x01\x04", b"abcdabcd"),
    "run": (b"\x41\x00a\xfe\x01\x00", b"a" * 65),
    "repeated pattern": (b"\x07\x04ab\x05\x02", b"abababa"),
    "far copy": (b"\x08\x0cabcd\x0f\x04\0\0\0", b"abcdabcd"),
}


@pytest.mark.parametrize("name", SNAPPY)
def test_snappy(name: str) -> None:
    packed, contents = SNAPPY[name]
    assert uncompress(packed) == contents


BAD_SNAPPY = {
    "no length": (b"", "cut off at 0"),
    "length of 2**31": (b"\xff\xff\xff\xff\x07\0a", "7 bytes cannot make 2147483647"),
    "too little": (b"\4\x08abc", "it makes 3 bytes or more, and says 4"),
    "too much": (b"\2\x08abc", "it makes 3 bytes or more, and says 2"),
    "literal cut off": (b"\3\x08ab", "it is cut off at 2"),
    "length cut off": (b"\3\xf4\1", "it is cut off at 2"),
    "copy of nothing": (b"\4\1\0", "is from 0 bytes before"),
    "copy from before": (b"\5\0a\1\2", "is from 2 bytes before"),
    "copy cut off": (b"\5\0a\2\1", "it is cut off at 4"),
}


@pytest.mark.parametrize("name", BAD_SNAPPY)
def test_damaged_snappy(name: str) -> None:
    packed, reason = BAD_SNAPPY[name]
    with pytest.raises(ValueError, match=reason):
        uncompress(packed)
