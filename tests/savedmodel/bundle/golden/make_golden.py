"""Makes the golden bundles and expected.json beside this file. Needs TensorFlow.

The values come from NumPy, TensorFlow writes them, and TensorFlow reads them again before
expected.json is written: the tested code has no part in it.
"""

from __future__ import annotations

import json
from pathlib import Path

import ml_dtypes
import numpy as np
import tensorflow as tf
from tensorflow.python.framework import dtypes

HERE = Path(__file__).parent
RANDOM = np.random.default_rng(7)

NUMBERS = {
    "float32": [0.0, -0.0, 1.5, np.inf, -np.inf, np.nan],
    "float64": [0.1, -1e300, np.nan],
    "float16": [0.1, 65504, np.nan],
    "bfloat16": [0.1, -3e38, np.nan],
    "int8": [-128, 127],
    "int16": [-32768, 32767],
    "int32": [-(2**31), 2**31 - 1],
    "int64": [-(2**63), 2**63 - 1],
    "uint8": [0, 255],
    "uint16": [0, 65535],
    "uint32": [0, 2**32 - 1],
    "uint64": [0, 2**64 - 1],
    "bool": [True, False, True],
    "complex64": [1 - 2j, np.nan],
    "complex128": [1e-300 + 2j, -5],
    "float8_e5m2": [0.5, -57344, np.nan],
    "float8_e4m3fn": [0.5, -448, np.nan],
    "float8_e4m3fnuz": [0.5, -240, np.nan],
    "float8_e4m3b11fnuz": [0.5, -30, np.nan],
    "float8_e5m2fnuz": [0.5, -57344, np.nan],
    "int4": [-8, -3, 0, 7],
    "uint4": [0, 5, 15],
    "int2": [-2, -1, 0, 1],
    "uint2": [0, 1, 3],
    "float4_e2m1fn": [0.5, -6, 1],
}
QUANTIZED = {"qint8": np.int8, "quint8": np.uint8, "qint16": np.int16, "quint16": np.uint16,
             "qint32": np.int32}  # fmt: skip
STRINGS = {
    "plain": [b"one", b"", b"three"],
    "bytes": [b"\xff\xfe\x00", "grün".encode(), b"\x00"],
    "long": [b"x" * 127, b"y" * 128, b"z" * 300],
    "scalar": b"alone",
    "empty_scalar": b"",
    "none": np.zeros((0, 3), object),
    "matrix": [[b"a", b"b"], [b"c", b"d" * 200]],
}


def save(prefix: str, tensors: dict, slices: dict | None = None) -> None:
    names = list(tensors)
    specs = [(slices or {}).get(name, "") for name in names]
    keys = [name.split("#")[0] for name in names]
    tf.raw_ops.SaveV2(
        prefix=str(HERE / prefix), tensor_names=keys, shape_and_slices=specs,
        tensors=list(tensors.values()),
    )  # fmt: skip


def number_tensors() -> dict:
    tensors = {}
    for name, values in NUMBERS.items():
        if not hasattr(dtypes, name):
            print(f"this TensorFlow has no {name}")
            continue
        scalar = getattr(ml_dtypes, name, None) or np.dtype(name).type
        tensors[name] = tf.constant(np.array(values, np.float64 if np.dtype(scalar).kind in "fV"
                                             else None).astype(scalar))  # fmt: skip
    for name, numpy in QUANTIZED.items():
        tensors[name] = tf.bitcast(tf.constant([1, 2, 3], numpy), getattr(tf, name))
    tensors["scalar"] = tf.constant(42, tf.int64)
    tensors["empty"] = tf.zeros((2, 0, 3), tf.float32)
    tensors["nothing"] = tf.zeros((0,), tf.int32)
    tensors["odd"] = tf.constant([7], tf.uint8)
    tensors["unaligned"] = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    return tensors


def string_tensors() -> dict:
    return {name: tf.constant(value, tf.string) for name, value in STRINGS.items()}


def many_tensors() -> dict:
    tensors = {}
    for layer in range(12):
        for part in ("kernel", "bias", "moving_mean"):
            key = f"model/layer_with_weights-{layer}/{part}/.ATTRIBUTES/VARIABLE_VALUE"
            tensors[key] = tf.constant(layer, tf.float32)
    tensors["größe/層/😀"] = tf.constant(1, tf.int32)
    return tensors


def save_partitioned() -> dict[str, np.ndarray]:
    rows = np.arange(12, dtype=np.float32).reshape(6, 2)
    grid = RANDOM.integers(0, 100, (4, 6)).astype(np.int64)
    thirds = np.arange(7, dtype=np.float64)
    save(
        "partitioned",
        {
            "rows#1": rows[4:], "rows#0": rows[:4],
            "grid#0": grid[:2, :3], "grid#1": grid[:2, 3:], "grid#2": grid[2:, :3],
            "grid#3": grid[2:, 3:],
            "plain": tf.constant([1, 2]),
            "thirds#0": thirds[:3], "thirds#1": thirds[3:5], "thirds#2": thirds[5:],
        },
        {
            "rows#1": "6 2 4,2:-", "rows#0": "6 2 0,4:-",
            "grid#0": "4 6 0,2:0,3", "grid#1": "4 6 0,2:3,3", "grid#2": "4 6 2,2:0,3",
            "grid#3": "4 6 2,2:3,3",
            "thirds#0": "7 0,3", "thirds#1": "7 3,2", "thirds#2": "7 5,2",
        },
    )  # fmt: skip
    return {"rows": rows, "grid": grid, "plain": np.array([1, 2], np.int32), "thirds": thirds}


def save_sharded() -> dict[str, np.ndarray]:
    part = np.arange(10, dtype=np.int32)
    save("one", {"a": tf.constant([1.0, 2.0]), "part": part[:4]}, {"part": "10 0,4"})
    save("two", {"b": tf.constant([b"text"]), "part": part[4:]}, {"part": "10 4,6"})
    save("three", {"c": tf.constant(3)})
    tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=[str(HERE / name) for name in ("one", "two", "three")],
        destination_prefix=str(HERE / "sharded"), delete_old_dirs=False,
    )  # fmt: skip
    return {"a": np.array([1, 2], np.float32), "b": np.array([b"text"], object),
            "c": np.array(3, np.int32), "part": part}  # fmt: skip


def variant_tensors() -> dict:
    lists = tf.raw_ops.TensorListFromTensor(
        tensor=tf.constant([1.0, 2.0]), element_shape=tf.constant([], tf.int32)
    )
    return {"list": lists, "lists": tf.stack([lists, lists]), "after": tf.constant(1)}


def expected(array: np.ndarray) -> dict:
    if array.dtype == object:
        flat = [item.hex() for item in array.ravel().tolist()]
        return {"dtype": "string", "shape": list(array.shape), "strings": flat}
    return {"dtype": array.dtype.name, "shape": list(array.shape), "hex": array.tobytes().hex()}


def as_numpy(tensor) -> np.ndarray:
    if tensor.dtype in {tf.qint8, tf.quint8, tf.qint16, tf.quint16, tf.qint32}:
        tensor = tf.bitcast(tensor, tf.as_dtype(QUANTIZED[tensor.dtype.name]))
    array = np.asarray(tensor.numpy())
    return array.astype(object) if tensor.dtype == tf.string else array


def main() -> None:
    for path in HERE.glob("*.index"):
        for file in HERE.glob(f"{path.stem}.*"):
            file.unlink()
    result = {}
    for name, tensors in (
        ("numbers", number_tensors()),
        ("strings", string_tensors()),
        ("many", many_tensors()),
    ):
        save(name, tensors)
        result[name] = {key: as_numpy(tensor) for key, tensor in tensors.items()}
    save("variants", variant_tensors())
    result["partitioned"] = save_partitioned()
    result["sharded"] = save_sharded()
    for name, arrays in result.items():
        reader = tf.train.load_checkpoint(str(HERE / name))
        assert sorted(reader.get_variable_to_shape_map()) == sorted(arrays)
        for key, array in arrays.items():
            if key in QUANTIZED:
                continue
            found = np.asarray(reader.get_tensor(key))
            same = found.tolist() == array.tolist() if array.dtype == object else (
                found.tobytes() == array.tobytes() and found.dtype == array.dtype
            )  # fmt: skip
            assert same, key
            assert found.shape == array.shape, key
    text = {name: {k: expected(a) for k, a in arrays.items()} for name, arrays in result.items()}
    for key, quantized in ((key, text["numbers"][key]) for key in QUANTIZED):
        quantized["dtype"] = key
    (HERE / "expected.json").write_text(json.dumps(text, indent=0) + "\n")


if __name__ == "__main__":
    main()
