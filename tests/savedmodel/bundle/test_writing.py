"""Writes bundles and reads them again; what TensorFlow says of them is in test_tensorflow.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from anyhub.errors import SavedModelError
from anyhub.savedmodel.bundle import (
    Alias,
    PartitionedTensor,
    RawTensor,
    TensorReference,
    TensorSlice,
    open_bundle,
    write_bundle,
)
from anyhub.savedmodel.dtypes import dtype_by_name

GOLDEN = Path(__file__).parent / "golden"
NAMES = sorted(path.stem for path in GOLDEN.glob("*.index"))


def files(prefix: Path) -> dict[str, bytes]:
    paths = sorted(prefix.parent.glob(f"{prefix.name}.*"))
    return {path.name.removeprefix(prefix.name): path.read_bytes() for path in paths}


def references(prefix: Path) -> Iterator[tuple[str, TensorReference]]:
    """All tensors of a bundle, in the order of their bytes."""
    bundle = open_bundle(prefix)
    entries = {key: bundle.entry(key) for key in bundle}
    for key, _ in sorted(entries.items(), key=lambda item: item[1].offset):
        yield key, TensorReference(bundle, key)


@pytest.mark.parametrize("name", ["numbers", "strings", "many", "variants"])
def test_copies_of_what_tensorflow_wrote_are_identical(tmp_path: Path, name: str) -> None:
    write_bundle(tmp_path / name, references(GOLDEN / name))
    assert files(tmp_path / name) == files(GOLDEN / name)


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_of_a_copy_is_identical(tmp_path: Path, name: str) -> None:
    source = open_bundle(GOLDEN / name)
    write_bundle(tmp_path / "one", ((key, TensorReference(source, key)) for key in source))
    copy = open_bundle(tmp_path / "one")
    copy.verify_all()
    write_bundle(tmp_path / "two", ((key, TensorReference(copy, key)) for key in copy))
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert list(copy) == list(source)
    for key in source:
        assert copy.dtype(key) == source.dtype(key)
        assert copy.shape(key) == source.shape(key)
        assert copy.entry(key).slices == source.entry(key).slices
        if not source.entry(key).slices:
            assert copy.read_raw(key) == source.read_raw(key)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "variants"])
def test_arrays_give_the_bytes_of_a_copy(tmp_path: Path, name: str) -> None:
    source = open_bundle(GOLDEN / name)
    keys = [
        key
        for key in source
        if source.dtype(key).numpy is not None and not source.dtype(key).name.startswith("q")
    ]
    keys = [key for key in keys if not source.entry(key).slices]
    write_bundle(tmp_path / "one", ((key, TensorReference(source, key)) for key in keys))
    write_bundle(tmp_path / "two", ((key, source.read(key)) for key in keys))
    assert files(tmp_path / "one") == files(tmp_path / "two")


def read_back(tmp_path: Path, value: Any) -> np.ndarray[Any, Any]:
    write_bundle(tmp_path / "x", [("a", value)])
    bundle = open_bundle(tmp_path / "x")
    bundle.verify_all()
    return bundle.read("a")


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6).reshape(2, 3).T,
        np.arange(10)[::3],
        np.arange(5, dtype=">i4"),
        np.array([1.5, 2], ">c16"),
        np.float64(3),
        np.array(True),
        np.zeros((0, 4), np.int8),
        np.broadcast_to(np.float32(2), (3, 2)),
        np.array([1, -2], ml_dtypes.bfloat16),
    ],
    ids=repr,
)
def test_arrays_of_any_layout(tmp_path: Path, array: Any) -> None:
    found = read_back(tmp_path, array)
    assert found.shape == array.shape
    assert found.dtype == array.dtype.newbyteorder("=")
    assert np.array_equal(found, array)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array(["a", "grün"]), [b"a", "grün".encode()]),
        (np.array([b"a", b"bc"]), [b"a", b"bc"]),
        (np.array(["a", b"\xff", np.bytes_(b"c")], object), [b"a", b"\xff", b"c"]),
        (np.array([[b"a"], [b"b\0"]], object).T, [[b"a", b"b\0"]]),
        (np.array(b"x" * 70_000, object), b"x" * 70_000),
        (np.array([], object), []),
        (np.array([b"x" * n for n in (127, 128, 16383, 16384, 0)], object),
         [b"x" * n for n in (127, 128, 16383, 16384, 0)]),
    ],
    ids=["str", "S", "mixed", "transposed", "long", "empty", "lengths"],
)  # fmt: skip
def test_strings(tmp_path: Path, array: Any, expected: Any) -> None:
    found = read_back(tmp_path, array)
    assert found.dtype == object
    assert found.tolist() == expected
    assert found.shape == array.shape


class Foreign:
    """What an array of another library looks like."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray[Any, Any]:
        return np.array([1, 2], np.int16)


def test_arrays_of_other_libraries(tmp_path: Path) -> None:
    assert read_back(tmp_path, Foreign()).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([1, 2], "it is a list; pass an array"),
        (b"text", "it is a bytes; pass an array"),
        (np.array([1, None], object), "one of its elements is a int; strings are bytes or str"),
        (np.array(["\udc80"], object), "surrogates not allowed"),
        (np.array(["2020-01-01"], "datetime64[D]"), r"unknown element type 'datetime64\[D\]'"),
        (np.zeros(2, [("x", "i4")]), "unknown element type"),
        (RawTensor(dtype_by_name("int32"), (2,), b"1234"), "take 8 bytes, not 4"),
        (RawTensor(dtype_by_name("variant"), (1,), b"\1a"), "variant 0 exceeds its tensor"),
        (RawTensor(dtype_by_name("string"), (1,), b"\1ab----"), "do not take"),
        (PartitionedTensor((2,), []), "it has no pieces"),
        (PartitionedTensor((2,), [(TensorSlice.parse("0,1"), np.zeros(1))]), "hold 1 of the 2"),
        (PartitionedTensor((2,), [(TensorSlice.parse("-"), np.zeros(2))]), "is all of it"),
        (PartitionedTensor((2,), [(TensorSlice.parse("0,1"), np.zeros(2))]), r"of shape \[2\]"),
        (PartitionedTensor((2,), [(TensorSlice.parse("0,3"), np.zeros(3))]), "exceeds shape"),
        (
            PartitionedTensor(
                (2,),
                [
                    (TensorSlice.parse("0,1"), np.zeros(1)),
                    (TensorSlice.parse("1,1"), np.zeros(1, int)),
                ],
            ),
            r"its piece '1,1' is int64 of shape \[1\], not float64",
        ),
        (
            PartitionedTensor((2,), 2 * [(TensorSlice.parse("0,1"), np.zeros(1))]),
            "a tensor of that name was written before",
        ),
    ],
)
def test_values_that_cannot_be_written(tmp_path: Path, value: Any, reason: str) -> None:
    with pytest.raises(SavedModelError, match=rf"tensor 'a' cannot be written: .*{reason}"):
        write_bundle(tmp_path / "x", [("a", value)])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["a", "a"], "tensor 'a' cannot be written: a tensor of that name was written before"),
        ([""], "tensor '' cannot be written: its name is empty"),
        (["\ud800"], "surrogates not allowed"),
    ],
)
def test_names_that_cannot_be_written(tmp_path: Path, names: list[str], reason: str) -> None:
    with pytest.raises(SavedModelError, match=reason):
        write_bundle(tmp_path / "x", [(name, np.zeros(1)) for name in names])
    assert list(tmp_path.iterdir()) == []


def test_unusual_names(tmp_path: Path) -> None:
    names = ["z", "größe", "\0", "a b/ü", "\udcff\udc80", "x" * 100_000]
    write_bundle(tmp_path / "x", [(name, np.array(n)) for n, name in enumerate(names)])
    bundle = open_bundle(tmp_path / "x")
    assert {name: int(bundle.read(name)) for name in bundle} == {
        name: n for n, name in enumerate(names)
    }


def test_no_tensors(tmp_path: Path) -> None:
    write_bundle(tmp_path / "x", [])
    assert len(open_bundle(tmp_path / "x")) == 0
    assert files(tmp_path / "x")[".data-00000-of-00001"] == b""


def test_shards(tmp_path: Path) -> None:
    sizes = [10, 30, 100, 5, 5, 90, 1]
    arrays = [(f"t{n}", np.full(size, n, np.uint8)) for n, size in enumerate(sizes)]
    write_bundle(tmp_path / "x", arrays, shard_bytes=50)
    bundle = open_bundle(tmp_path / "x")
    assert bundle.shards == 5
    lengths = [len(data) for name, data in files(tmp_path / "x").items() if "data" in name]
    assert lengths == [40, 100, 10, 90, 1]
    bundle.verify_all()
    for key, array in arrays:
        assert np.array_equal(bundle.read(key), array)


def test_partitioned(tmp_path: Path) -> None:
    whole = np.arange(24.0).reshape(4, 6)
    parts = [TensorSlice.parse(text) for text in ("2,2:-", "0,2:0,5", "0,2:5,1")]
    pieces = [
        (part, whole[tuple(slice(e.start, e.stop) for e in part.within((4, 6)))]) for part in parts
    ]
    tensors = [("w", PartitionedTensor((4, 6), pieces)), ("v", Alias("w"))]
    write_bundle(tmp_path / "x", tensors, shard_bytes=1)
    bundle = open_bundle(tmp_path / "x")
    bundle.verify_all()
    assert bundle.shards == 3
    assert list(bundle) == ["v", "w"]
    for key in bundle:
        assert np.array_equal(bundle.read(key), whole)
        assert list(bundle.entry(key).slices) == parts
    assert np.array_equal(bundle.read_slice("v", TensorSlice.parse("1,2:4,2")), whole[1:3, 4:])


def test_aliases(tmp_path: Path) -> None:
    array = np.arange(100)
    tensors = [("second", Alias("first")), ("first", array), ("third", Alias("first"))]
    write_bundle(tmp_path / "x", tensors)
    bundle = open_bundle(tmp_path / "x")
    places = {(e.shard, e.offset, e.size, e.crc32c) for e in map(bundle.entry, bundle)}
    assert len(places) == 1
    assert len(bundle.read_raw("first")) == len(files(tmp_path / "x")[".data-00000-of-00001"])
    assert np.shares_memory(bundle.read("second"), bundle.read("third"))
    # A copy shares as the original does.
    write_bundle(tmp_path / "y", ((key, TensorReference(bundle, key)) for key in bundle))
    assert files(tmp_path / "y") == files(tmp_path / "x")


@pytest.mark.parametrize(
    "tensors",
    [
        [("a", Alias("b"))],
        [("a", Alias("a"))],
        [("a", Alias("b")), ("b", Alias("a"))],
        [("x", np.zeros(1)), ("a", Alias("x")), ("b", Alias("a"))],
    ],
)
def test_aliases_of_nothing(tmp_path: Path, tensors: Any) -> None:
    with pytest.raises(SavedModelError, match="it is an alias of '.', which was not written"):
        write_bundle(tmp_path / "x", tensors)
    assert list(tmp_path.iterdir()) == []


def test_alias_of_a_taken_name(tmp_path: Path) -> None:
    for tensors in (
        [("a", np.zeros(1)), ("a", Alias("a"))],
        [("a", Alias("b")), ("a", np.zeros(1))],
    ):
        with pytest.raises(SavedModelError, match="was written before"):
            write_bundle(tmp_path / "x", tensors)


def test_raw_tensors(tmp_path: Path) -> None:
    source = open_bundle(GOLDEN / "variants")
    tensors = [
        (key, RawTensor(source.dtype(key), source.shape(key), source.read_raw(key)))
        for key in ("list", "lists", "after")
    ]
    write_bundle(tmp_path / "variants", tensors)
    assert files(tmp_path / "variants") == files(GOLDEN / "variants")


def test_damaged_tensors_are_not_copied(tmp_path: Path) -> None:
    write_bundle(tmp_path / "x", [("a", np.arange(3)), ("b", np.arange(3))])
    shard = tmp_path / "x.data-00000-of-00001"
    shard.write_bytes(b"\1" + shard.read_bytes()[1:])
    with pytest.raises(SavedModelError, match=r"tensor 'a' .* its checksum is"):
        write_bundle(tmp_path / "y", references(tmp_path / "x"))
    assert not list(tmp_path.glob("y*"))


def test_a_bundle_can_be_written_over_its_source(tmp_path: Path) -> None:
    write_bundle(tmp_path / "x", [("a", np.arange(3)), ("b", np.arange(4))])
    bundle = open_bundle(tmp_path / "x")
    view = bundle.read("b")
    write_bundle(tmp_path / "x", [("b", TensorReference(bundle, "b"))])
    assert view.tolist() == [0, 1, 2, 3]
    assert list(open_bundle(tmp_path / "x")) == ["b"]
    assert open_bundle(tmp_path / "x").read("b").tolist() == [0, 1, 2, 3]


def test_nothing_is_left_when_values_fail(tmp_path: Path) -> None:
    def failing() -> Iterator[tuple[str, Any]]:
        yield "a", np.zeros(3)
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        write_bundle(tmp_path / "deep" / "x", failing())
    assert list((tmp_path / "deep").iterdir()) == []


def test_one_tensor_is_in_memory_at_a_time(tmp_path: Path) -> None:
    import tracemalloc

    megabyte = 1024 * 1024
    arrays = ((f"{n:02}", np.full(megabyte, n, np.uint8)) for n in range(20))
    tracemalloc.start()
    try:
        write_bundle(tmp_path / "x", arrays)
        bundle = open_bundle(tmp_path / "x")
        assert tracemalloc.get_traced_memory()[1] < 2.5 * megabyte
        tracemalloc.reset_peak()
        write_bundle(tmp_path / "y", references(tmp_path / "x"))
        assert all(bundle.read(key).size == megabyte for key in bundle)
        assert tracemalloc.get_traced_memory()[1] < 0.5 * megabyte
    finally:
        tracemalloc.stop()
