"""Reads what TensorFlow wrote: the golden bundles."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anyhub.errors import SavedModelError
from anyhub.savedmodel.bundle import Bundle, Extent, TensorSlice, open_bundle
from anyhub.savedmodel.dtypes import dtype_by_name

GOLDEN = Path(__file__).parent / "golden"
EXPECTED: dict[str, dict[str, Any]] = json.loads((GOLDEN / "expected.json").read_text())
NAMES = [*EXPECTED, "variants"]


@pytest.fixture
def golden_copy(tmp_path: Path) -> Path:
    """The golden bundles where they may be damaged."""
    return Path(shutil.copytree(GOLDEN, tmp_path / "golden"))


def assert_equals(array: np.ndarray[Any, Any], expected: dict[str, Any]) -> None:
    """Compare bit for bit with a tensor of expected.json."""
    assert list(array.shape) == expected["shape"]
    if "strings" in expected:
        assert [item.hex() for item in array.ravel().tolist()] == expected["strings"]
    else:
        assert array.dtype == dtype_by_name(expected["dtype"]).numpy
        assert array.tobytes().hex() == expected["hex"]


def test_the_comparison_can_fail() -> None:
    expected = EXPECTED["partitioned"]["plain"]
    array = open_bundle(GOLDEN / "partitioned").read("plain")
    assert_equals(array, expected)
    for other in (array + 1, array.astype(np.uint32), array[:1], array[None]):
        with pytest.raises(AssertionError):
            assert_equals(other, expected)


@pytest.mark.parametrize(
    ("name", "key"), [(name, key) for name, tensors in EXPECTED.items() for key in tensors]
)
def test_values(name: str, key: str) -> None:
    bundle = open_bundle(GOLDEN / name)
    expected = EXPECTED[name][key]
    assert bundle.dtype(key).name == expected["dtype"]
    assert list(bundle.shape(key)) == expected["shape"]
    if bundle.dtype(key).numpy is None:
        with pytest.raises(SavedModelError, match="a newer ml_dtypes may have"):
            bundle.read(key)
        assert bytes(bundle.read_raw(key)).hex() == expected["hex"]
        return
    array = bundle.read(key)
    assert_equals(array, expected)
    assert array.flags.aligned
    assert not array.flags.writeable
    assert_equals(bundle.read(key, aligned=False), expected)


@pytest.mark.parametrize("name", NAMES)
def test_keys_and_checksums(name: str) -> None:
    bundle = open_bundle(GOLDEN / name)
    bundle.verify_all()
    assert list(bundle) == list(bundle.keys()) == sorted(bundle, key=str.encode)
    assert len(bundle) == len(list(bundle))
    if name in EXPECTED:
        assert set(bundle) == set(EXPECTED[name])
    assert all(key in bundle for key in bundle)
    assert "no such key" not in bundle


def test_views_are_of_the_file() -> None:
    bundle = open_bundle(GOLDEN / "partitioned")
    assert np.shares_memory(bundle.read("plain"), bundle.read("plain"))
    unaligned = open_bundle(GOLDEN / "numbers")
    view = unaligned.read("unaligned", aligned=False)
    assert not view.flags.aligned
    assert not np.shares_memory(view, unaligned.read("unaligned"))


def test_views_outlive_the_bundle() -> None:
    array = open_bundle(GOLDEN / "partitioned").read("plain")
    assert array.tolist() == [1, 2]


def test_mappings_end_with_the_last_view() -> None:
    def mapped() -> bool:
        return str(GOLDEN / "many.data") in Path("/proc/self/maps").read_text()

    if not Path("/proc/self/maps").exists():
        pytest.skip("this system does not list mappings")
    bundle = open_bundle(GOLDEN / "many")
    key = next(iter(bundle))
    view = bundle.read(key, aligned=False)
    del bundle
    assert mapped()
    del view
    assert not mapped()


def test_entries() -> None:
    entry = open_bundle(GOLDEN / "sharded").entry("b")
    assert (entry.key, entry.shard, entry.offset, entry.size, entry.slices) == ("b", 1, 0, 9, ())
    full = open_bundle(GOLDEN / "sharded").entry("part")
    assert set(full.slices) == {TensorSlice((Extent(0, 4),)), TensorSlice((Extent(4, 6),))}
    assert full.elements == 10


def test_pickled_by_prefix() -> None:
    bundle = pickle.loads(pickle.dumps(open_bundle(GOLDEN / "sharded")))
    assert isinstance(bundle, Bundle)
    assert bundle.prefix == GOLDEN / "sharded"
    assert bundle.read("part").tolist() == list(range(10))


def test_slices() -> None:
    bundle = open_bundle(GOLDEN / "partitioned")
    grid = bundle.read("grid")
    assert np.shares_memory(
        bundle.read_slice("grid", TensorSlice.parse("0,2:3,3")),
        bundle.octets(bundle.pieces("grid")[1][1]),
    )
    for rows in range(4):
        for columns in range(6):
            part = bundle.read_slice("grid", TensorSlice.parse(f"{rows},{4 - rows}:0,{columns}"))
            assert np.array_equal(part, grid[rows:, :columns])
            assert part.dtype == grid.dtype
    plain = bundle.read_slice("plain", TensorSlice.parse("1,1"))
    assert plain.tolist() == [2]
    with pytest.raises(SavedModelError, match=r"'plain' of .*slice '0,3' exceeds shape \[2\]"):
        bundle.read_slice("plain", TensorSlice.parse("0,3"))
    scalar = open_bundle(GOLDEN / "numbers").read_slice("scalar", TensorSlice(()))
    assert scalar.shape == ()
    assert scalar == 42


def test_pieces() -> None:
    bundle = open_bundle(GOLDEN / "partitioned")
    assert [str(slice_) for slice_, _ in bundle.pieces("rows")] == ["4,2:-", "0,4:-"]
    assert [entry.shape for _, entry in bundle.pieces("rows")] == [(2, 2), (4, 2)]
    assert bundle.pieces("plain") == []


def test_raw_bytes() -> None:
    bundle = open_bundle(GOLDEN / "variants")
    raw = bundle.read_raw("list")
    assert raw.readonly
    assert b"tensorflow::TensorList" in bytes(raw)
    with pytest.raises(SavedModelError, match=r"'list' .* NumPy has no arrays of type variant"):
        bundle.read("list")
    with pytest.raises(SavedModelError, match="is stored in 4 pieces"):
        open_bundle(GOLDEN / "partitioned").read_raw("grid")


def test_unknown_key() -> None:
    with pytest.raises(SavedModelError, match=r"no tensor 'kernel' .* its 4 tensors are 'a', 'b'"):
        open_bundle(GOLDEN / "sharded").read("kernel")
    with pytest.raises(SavedModelError, match=r"its 37 tensors are .*, …$"):
        open_bundle(GOLDEN / "many").read("kernel")


@pytest.mark.parametrize("name", ["sharded.data-00001-of-00003", "sharded.data-00002-of-00003"])
def test_missing_shard(golden_copy: Path, name: str) -> None:
    (golden_copy / name).unlink()
    bundle = open_bundle(golden_copy / "sharded")
    assert bundle.read("a").tolist() == [1, 2]
    with pytest.raises(SavedModelError, match=rf"'\S+{name}' is missing; copy or fetch all files"):
        bundle.verify_all()


def test_missing_index(tmp_path: Path) -> None:
    with pytest.raises(SavedModelError, match=r"there is no '\S+x.index'; pass the path"):
        open_bundle(tmp_path / "x")
    with pytest.raises(SavedModelError, match=r"bundles in that directory: \['\S+/golden/many'"):
        open_bundle(GOLDEN)
    for odd in (".", "/", "[x"):
        with pytest.raises(SavedModelError, match="there is no"):
            open_bundle(odd)


@pytest.mark.parametrize("name", ["model.ckpt", "model.ckpt-00000-of-00002"])
def test_checkpoint_of_version_1(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"table")
    with pytest.raises(SavedModelError, match="checkpoints of version 1 have such names"):
        open_bundle(tmp_path / "model.ckpt")


def test_unreadable_index(tmp_path: Path) -> None:
    (tmp_path / "x.index").mkdir()
    with pytest.raises(OSError, match=r"x\.index"):
        open_bundle(tmp_path / "x")
