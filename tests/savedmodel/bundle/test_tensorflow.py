"""TensorFlow writes, anyhub reads; anyhub writes, TensorFlow reads: bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from anyhub.savedmodel.bundle import (
    Alias,
    PartitionedTensor,
    TensorReference,
    TensorSlice,
    open_bundle,
    write_bundle,
)

tf = pytest.importorskip("tensorflow", reason="TensorFlow is the oracle and is not installed")

RANDOM = np.random.default_rng(1)
NUMPY_TYPES = (
    "float32", "float64", "float16", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32",
    "uint64", "bool", "complex64", "complex128",
)  # fmt: skip
OTHER_TYPES = ("bfloat16", "float8_e5m2", "float8_e4m3fn", "int4", "uint4")
# Checkpoints of version 1 aside, these are all that TensorFlow puts together from pieces.
SLICED_TYPES = "float32 float64 int32 uint8 int16 int8 complex64 complex128 int64 bool bfloat16"


def random_array(name: str, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    if name == "string":
        lengths = RANDOM.integers(0, 300, shape)
        items = [RANDOM.bytes(int(length)) for length in lengths.ravel()]
        array = np.empty(len(items), object)
        array[:] = items
        return array.reshape(shape)
    dtype = np.dtype(getattr(ml_dtypes, name, None) or name)
    if name in {"int4", "uint4", "bool"}:
        # Of a byte, TensorFlow may keep the meaning only.
        return np.asarray(RANDOM.integers(0, 8 if name != "bool" else 2, shape)).astype(dtype)
    data = RANDOM.bytes(int(np.prod(shape)) * dtype.itemsize)
    return np.frombuffer(data, dtype).reshape(shape)


def assert_same(found: Any, expected: Any) -> None:
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    if expected.dtype == object:
        assert found.tolist() == expected.tolist()
    else:
        assert found.dtype == expected.dtype
        assert found.tobytes() == expected.tobytes()


def tensorflow_saves(prefix: Path, tensors: list[tuple[str, Any]], slices: Any = None) -> None:
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=[name for name, _ in tensors],
        shape_and_slices=slices or [""] * len(tensors),
        tensors=[tf.constant(value) for _, value in tensors],
    )


def assert_reads(prefix: Path, expected: dict[str, Any]) -> None:
    """TensorFlow and anyhub find exactly these tensors."""
    bundle = open_bundle(prefix)
    bundle.verify_all()
    reader = tf.train.load_checkpoint(str(prefix))
    shapes, dtypes = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
    assert set(bundle) == set(expected) == set(shapes)
    for key, value in expected.items():
        assert_same(bundle.read(key), value)
        assert_same(reader.get_tensor(key), value)
        assert shapes[key] == list(bundle.shape(key))
        assert dtypes[key].as_datatype_enum == bundle.dtype(key).number


def test_the_comparison_can_fail(tmp_path: Path) -> None:
    array = np.array([0.0, 1.0], np.float32)
    tensorflow_saves(tmp_path / "x", [("a", array)])
    assert_reads(tmp_path / "x", {"a": array})
    for other in (-array, array[:1], array.astype(np.float64)):
        with pytest.raises(AssertionError):
            assert_reads(tmp_path / "x", {"a": other})
    with pytest.raises(AssertionError):
        assert_reads(tmp_path / "x", {"a": array, "b": array})


def files(prefix: Path) -> dict[str, bytes]:
    paths = sorted(prefix.parent.glob(f"{prefix.name}.*"))
    return {path.name.removeprefix(prefix.name): path.read_bytes() for path in paths}


def tensors_of_all_kinds() -> list[tuple[str, Any]]:
    shapes: list[tuple[int, ...]] = [(), (0,), (7,), (3, 1, 5), (2, 0, 3)]
    return [
        (f"{name}/{len(shape)}/{'x'.join(map(str, shape))}", random_array(name, shape))
        for shape in shapes
        for name in (*NUMPY_TYPES, *OTHER_TYPES, "string")
    ]


def many_keys(count: int) -> list[tuple[str, Any]]:
    return [
        (f"model/schicht_{'ü' * (n % 3)}{n}/kernel/.ATTRIBUTES/VARIABLE_VALUE", np.float32(n))
        for n in range(count)
    ]


CASES: dict[str, Callable[[], list[tuple[str, Any]]]] = {
    "all kinds": tensors_of_all_kinds,
    "17 keys": lambda: many_keys(17),
    "several blocks": lambda: many_keys(15_000),
    "long strings": lambda: [
        ("long", np.array([b"a" * 127, b"b" * 128, b"", b"c" * 70_000, b"\xff\xfe\0"], object)),
        ("many", random_array("string", (3000,))),
        ("after", np.int64(1)),
    ],
    "long keys": lambda: [
        ("k" * length, np.int32(length)) for length in (1, 127, 128, 20_000, 300_000, 700_000)
    ],
    "unusual keys": lambda: [
        (key, np.int32(n)) for n, key in enumerate(["😀", " ", "a\nb", "\x7f", "\x01", "é", "a/"])
    ],
}


@pytest.mark.parametrize("name", CASES)
def test_both_write_the_same_bytes(tmp_path: Path, name: str) -> None:
    tensors = CASES[name]()
    tensorflow_saves(tmp_path / "theirs", tensors)
    write_bundle(tmp_path / "ours", tensors)
    assert files(tmp_path / "ours") == files(tmp_path / "theirs")
    assert_reads(tmp_path / "ours", dict(tensors))
    if name == "several blocks":
        assert (tmp_path / "ours.index").stat().st_size > 2 * 256 * 1024


def test_tensorflow_reads_shards_of_ours(tmp_path: Path) -> None:
    tensors = tensors_of_all_kinds()
    write_bundle(tmp_path / "x", tensors, shard_bytes=200)
    assert open_bundle(tmp_path / "x").shards > 10
    assert_reads(tmp_path / "x", dict(tensors))


def test_tensorflow_reads_aliases_of_ours(tmp_path: Path) -> None:
    array = np.arange(1000)
    write_bundle(tmp_path / "x", [("a", array), ("b", Alias("a")), ("c", Alias("a"))])
    assert_reads(tmp_path / "x", {"a": array, "b": array, "c": array})
    assert len(files(tmp_path / "x")[".data-00000-of-00001"]) == array.nbytes


def grid(array: Any, rows: list[int], columns: list[int]) -> list[tuple[TensorSlice, Any]]:
    """Cut a matrix at these rows and columns."""
    parts = []
    edges = [[0, *cuts, size] for cuts, size in zip((rows, columns), array.shape, strict=True)]
    for top, bottom in zip(edges[0], edges[0][1:], strict=False):
        for left, right in zip(edges[1], edges[1][1:], strict=False):
            slice_ = TensorSlice.parse(f"{top},{bottom - top}:{left},{right - left}")
            parts.append((slice_, array[top:bottom, left:right].copy()))
    return parts


@pytest.mark.parametrize("name", SLICED_TYPES.split())
def test_pieces(tmp_path: Path, name: str) -> None:
    array = random_array(name, (9, 300))
    pieces = grid(array, [2, 3], [63, 64, 200])
    specs = [f"9 300 {slice_}" for slice_, _ in pieces]
    tensorflow_saves(tmp_path / "theirs", [("w", piece) for _, piece in pieces], specs)
    write_bundle(tmp_path / "ours", [("w", PartitionedTensor((9, 300), pieces))])
    assert files(tmp_path / "ours") == files(tmp_path / "theirs")
    assert_reads(tmp_path / "ours", {"w": array})
    (found,) = tf.raw_ops.RestoreV2(
        prefix=str(tmp_path / "ours"),
        tensor_names=["w"],
        shape_and_slices=["9 300 1,4:60,150"],
        dtypes=[tf.as_dtype(array.dtype)],
    )
    assert_same(found, array[1:5, 60:210])
    part = TensorSlice.parse("1,4:60,150")
    assert_same(open_bundle(tmp_path / "ours").read_slice("w", part), array[1:5, 60:210])


def test_pieces_along_all_of_a_dimension(tmp_path: Path) -> None:
    array = random_array("float32", (5, 2))
    tensors = [("w", array[3:]), ("w", array[:3])]
    tensorflow_saves(tmp_path / "theirs", tensors, ["5 2 3,2:-", "5 2 0,3:-"])
    slices = [TensorSlice.parse("3,2:-"), TensorSlice.parse("0,3:-")]
    pieces = list(zip(slices, (array[3:], array[:3]), strict=True))
    write_bundle(tmp_path / "ours", [("w", PartitionedTensor((5, 2), pieces))])
    assert files(tmp_path / "ours") == files(tmp_path / "theirs")
    assert_reads(tmp_path / "ours", {"w": array})


@pytest.mark.parametrize("axis", [0, 1])
def test_variables_of_a_partitioner(tmp_path: Path, axis: int) -> None:
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        partitioner = v1.fixed_size_partitioner(3, axis=axis)
        with v1.variable_scope("scope", partitioner=partitioner):
            v1.get_variable("w", (7, 5), initializer=v1.random_normal_initializer(seed=1))
        v1.get_variable("v", (8,), initializer=v1.ones_initializer())
        session.run(v1.global_variables_initializer())
        saver = v1.train.Saver()
        prefix = Path(saver.save(session, str(tmp_path / "model"), write_meta_graph=False))
        pieces = session.run([v for v in v1.global_variables() if "w/part" in v.name])
    expected = np.concatenate(pieces, axis)
    bundle = open_bundle(prefix)
    assert len(bundle.pieces("scope/w")) == 3
    assert_same(bundle.read("scope/w"), expected)
    bundle.verify_all()
    write_bundle(tmp_path / "copy", ((key, TensorReference(bundle, key)) for key in bundle))
    assert_same(tf.train.load_checkpoint(str(tmp_path / "copy")).get_tensor("scope/w"), expected)


def test_merged_saves(tmp_path: Path) -> None:
    array = random_array("float32", (10, 4))
    text = random_array("string", (5,))
    tensorflow_saves(tmp_path / "0", [("a", text), ("w", array[:6])], ["", "10 4 0,6:0,4"])
    tensorflow_saves(tmp_path / "1", [("w", array[6:]), ("b", np.int8(1))], ["10 4 6,4:0,4", ""])
    tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=[str(tmp_path / "0"), str(tmp_path / "1")],
        destination_prefix=str(tmp_path / "x"),
    )
    assert open_bundle(tmp_path / "x").shards == 2
    expected = {"a": text, "b": np.int8(1), "w": array}
    assert_reads(tmp_path / "x", expected)
    bundle = open_bundle(tmp_path / "x")
    write_bundle(tmp_path / "y", ((key, TensorReference(bundle, key)) for key in bundle))
    assert_reads(tmp_path / "y", expected)


def test_checkpoint_of_objects(tmp_path: Path) -> None:
    variables = [tf.Variable(random_array("float32", (n, 3))) for n in range(1, 5)]
    prefix = Path(tf.train.Checkpoint(variables=variables).save(str(tmp_path / "model")))
    reader = tf.train.load_checkpoint(str(prefix))
    keys = list(reader.get_variable_to_shape_map())
    assert "_CHECKPOINTABLE_OBJECT_GRAPH" in keys
    assert_reads(prefix, {key: as_bytes(reader.get_tensor(key)) for key in keys})
    bundle = open_bundle(prefix)
    write_bundle(tmp_path / "copy", ((key, TensorReference(bundle, key)) for key in bundle))
    restored = [tf.Variable(tf.zeros_like(variable)) for variable in variables]
    status = tf.train.Checkpoint(variables=restored).read(str(tmp_path / "copy"))
    status.assert_existing_objects_matched()
    for found, expected in zip(restored, variables, strict=True):
        assert_same(found.numpy(), expected.numpy())


def as_bytes(value: Any) -> Any:
    return np.array(value, object) if isinstance(value, bytes) else value


def test_checkpoint_of_version_1(tmp_path: Path) -> None:
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        v1.get_variable("w", (2,))
        session.run(v1.global_variables_initializer())
        saver = v1.train.Saver(write_version=v1.train.SaverDef.V1)
        saver.save(session, str(tmp_path / "old.ckpt"), write_meta_graph=False)
    with pytest.raises(ValueError, match="checkpoints of version 1 have such names"):
        open_bundle(tmp_path / "old.ckpt")
    (tmp_path / "old.ckpt").rename(tmp_path / "renamed.index")
    with pytest.raises(ValueError, match="perhaps it is a checkpoint of version 1"):
        open_bundle(tmp_path / "renamed")


def test_large_strings_and_lengths_of_files(tmp_path: Path) -> None:
    array = np.array([b"x" * 3_000_000, b"", b"y" * 2**16], object)
    tensorflow_saves(tmp_path / "x", [("a", array), ("b", np.arange(3))])
    assert_reads(tmp_path / "x", {"a": array, "b": np.arange(3)})
