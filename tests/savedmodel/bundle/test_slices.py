"""Slices and the keys of pieces."""

from __future__ import annotations

import itertools

import pytest

from anyhub.errors import SavedModelError
from anyhub.savedmodel.bundle.assembly import check_cover
from anyhub.savedmodel.bundle.slices import Extent, TensorSlice, whole
from anyhub.savedmodel.bundle.slices import _encode_signed as encode_signed


@pytest.mark.parametrize(
    ("number", "code"),
    [
        # The two examples of ordered_code.cc, and both ends of each length.
        (0x424242, "f0424242"),
        (-0x800, "3800"),
        (0, "80"),
        (-1, "7f"),
        (63, "bf"),
        (64, "c040"),
        (-64, "40"),
        (-65, "3fbf"),
        (2**13 - 1, "dfff"),
        (2**13, "e02000"),
        (2**55 - 1, "ff7fffffffffffff"),
        (2**55, "ff8080000000000000"),
        (2**62 - 1, "ffbfffffffffffffff"),
        (2**63 - 1, "ffc07fffffffffffffff"),
    ],
)
def test_signed_numbers(number: int, code: str) -> None:
    assert encode_signed(number).hex() == code


def test_signed_numbers_are_ordered() -> None:
    powers = [2**bits + offset for bits in range(63) for offset in (-1, 0, 1)]
    numbers = sorted({*powers, *(-number for number in powers)})
    codes = [encode_signed(number) for number in numbers]
    assert all(one < other for one, other in itertools.pairwise(codes))


@pytest.mark.parametrize(
    ("name", "text", "key"),
    [
        # As in a file of TensorFlow.
        (b"grid", "0,2:3,3", b"\0grid\0\1\1\2\x80\x82\x83\x83"),
        (b"rows", "0,4:-", b"\0rows\0\1\1\2\x80\x84\x80\x7f"),
        (
            b"a\0b\xffc\0\xff\xff\0",
            "-",
            b"\0a\0\xffb\xff\0c\0\xff\xff\0\xff\0\0\xff\0\1\1\1\x80\x7f",
        ),
        (b"", "1,100", b"\0\0\1\1\1\x81\xc0\x64"),
    ],
)
def test_keys_of_pieces(name: bytes, text: str, key: bytes) -> None:
    assert TensorSlice.parse(text).key(name) == key


@pytest.mark.parametrize("text", ["", "-", "0,5", "3,2:-:0,1"])
def test_notation(text: str) -> None:
    assert str(TensorSlice.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["0", "0,1,2", "a,b", ":", "-,-", "0,1:", "-1,2", "٣,1", "9" * 20 + ",1"]
)
def test_no_notation(text: str) -> None:
    with pytest.raises(SavedModelError, match=r"is no slice; write start,length"):
        TensorSlice.parse(text)


@pytest.mark.parametrize(
    ("extents", "reason"),
    [
        ((Extent(0, 1),), "slice '0,1' has not 2 dimensions"),
        ((Extent(0, 5), None), r"slice '0,5:-' exceeds shape \[4, 4\]"),
        ((Extent(4, 1), None), "exceeds shape"),
        ((Extent(-1, 1), None), "exceeds shape"),
        ((Extent(1, -1), None), "exceeds shape"),
    ],
)
def test_slices_of_no_part(extents: tuple[Extent | None, ...], reason: str) -> None:
    with pytest.raises(SavedModelError, match=reason):
        TensorSlice(extents).within([4, 4])


def boxes(*texts: str, shape: tuple[int, ...] = (4, 6)) -> list[tuple[Extent, ...]]:
    return [TensorSlice.parse(text).within(shape) for text in texts]


@pytest.mark.parametrize(
    "parts",
    [
        ["-:-"],
        ["0,2:-", "2,2:-"],
        ["2,2:-", "0,2:-", "1,0:-"],
        ["0,2:0,3", "0,2:3,3", "2,2:0,1", "2,2:1,5"],
        ["0,3:0,4", "0,1:4,2", "1,3:4,2", "3,1:0,4"],
    ],
)
def test_pieces_that_cover(parts: list[str]) -> None:
    check_cover(whole((4, 6)), boxes(*parts))


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([], "hold 0 of the 24 elements"),
        (["0,2:-"], "hold 12 of the 24 elements"),
        (["0,2:-", "0,2:-"], r"overlap at \[0, 0\]"),
        (["0,3:-", "2,2:-"], r"overlap at \[0, 0\]"),
        (["0,2:-", "2,2:-", "3,1:5,1"], r"overlap at \[2, 0\]"),
        (["0,2:0,4", "0,2:3,3", "2,2:0,3", "2,2:3,2"], "overlap"),
    ],
)
def test_pieces_that_do_not_cover(parts: list[str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_cover(whole((4, 6)), boxes(*parts))


def test_part_of_a_cover() -> None:
    (target,) = boxes("1,2:2,2")
    check_cover(target, boxes("0,2:-", "2,1:2,2"))
    with pytest.raises(ValueError, match="hold 2 of the 4"):
        check_cover(target, boxes("0,2:-"))


def test_many_pieces_are_checked_fast() -> None:
    rows = [(Extent(n, 1), Extent(0, 3)) for n in range(20_000)]
    check_cover(whole((20_000, 3)), rows)
