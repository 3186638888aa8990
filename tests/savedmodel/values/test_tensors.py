"""Tensor constants: what a message means, in bytes written by hand and as TensorFlow reads it."""

from __future__ import annotations

import tracemalloc
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from anyhub.errors import SavedModelError
from anyhub.savedmodel import schema
from anyhub.savedmodel.dtypes import dtype_by_name, dtype_by_number, dtype_of_array
from anyhub.savedmodel.tensors import MAX_EXPANSION, read_tensor, tensor_proto

# Not all releases of ml_dtypes have the last ones.
NUMBERS = (
    "float32", "float64", "float16", "bfloat16", "int8", "int16", "int32", "int64", "uint8",
    "uint16", "uint32", "uint64", "bool", "complex64", "complex128", "float8_e5m2",
    "float8_e4m3fn", "int4", "uint4",
)  # fmt: skip
NAMES = [name for name in NUMBERS if dtype_by_name(name).numpy is not None]


def message(number: int, shape: tuple[int, ...] = (), **fields: Any) -> Any:
    proto = schema.TensorProto(dtype=number, **fields)
    proto.tensor_shape.SetInParent()
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    return proto


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        # dtype: 3 (int32), tensor_shape {}, int_val: [7]
        (b"\x08\x03\x12\x00\x3a\x01\x07", np.int32(7)),
        # dtype: 1 (float), tensor_shape {dim {size: 2}}, tensor_content: 1.0 and -2.0
        (
            b"\x08\x01\x12\x04\x12\x02\x08\x02\x22\x08\0\0\x80\x3f\0\0\0\xc0",
            np.float32([1, -2]),
        ),
        # dtype: 7 (string), tensor_shape {dim {size: 2}}, string_val: ["a", "b\0"]
        (
            b"\x08\x07\x12\x04\x12\x02\x08\x02\x42\x01a\x42\x02b\0",
            np.array([b"a", b"b\0"], object),
        ),
        # dtype: 10 (bool), tensor_shape {dim {size: 3}}, bool_val: [true]: the last is repeated
        (b"\x08\x0a\x12\x04\x12\x02\x08\x03\x5a\x01\x01", np.array([True, True, True])),
    ],
    ids=["scalar", "content", "strings", "repeated"],
)
def test_bytes_written_by_hand(data: bytes, expected: Any) -> None:
    found = read_tensor(schema.TensorProto.FromString(data))
    assert found.dtype == np.asarray(expected).dtype
    assert found.shape == np.shape(expected)
    assert found.tolist() == np.asarray(expected).tolist()
    assert not found.flags.writeable


@pytest.mark.parametrize(
    ("number", "fields", "expected"),
    [
        (1, {"float_val": [1.5, 2.5]}, [1.5, 2.5, 2.5]),
        (2, {"double_val": [1.5]}, [1.5, 1.5, 1.5]),
        (4, {"int_val": [255]}, [255] * 3),
        (8, {"scomplex_val": [1, 2, 3, 4]}, [1 + 2j, 3 + 4j, 3 + 4j]),
        (9, {"int64_val": [-(2**63), 2**63 - 1]}, [-(2**63), 2**63 - 1, 2**63 - 1]),
        (10, {"bool_val": [True, False]}, [True, False, False]),
        (18, {"dcomplex_val": [1, 2]}, [1 + 2j] * 3),
        (19, {"half_val": [0x3C00, 0xC000]}, [1.0, -2.0, -2.0]),
        (14, {"half_val": [0x3F80]}, [1.0] * 3),
        (22, {"uint32_val": [2**32 - 1]}, [2**32 - 1] * 3),
        (23, {"uint64_val": [1, 2**64 - 1]}, [1, 2**64 - 1, 2**64 - 1]),
        (7, {"string_val": [b"x", b"y\0"]}, [b"x", b"y\0", b"y\0"]),
        (24, {"float8_val": b"\x3c"}, [1.0] * 3),
        (3, {}, [0, 0, 0]),
        (7, {}, [b"", b"", b""]),
    ],
)
def test_short_fields_continue_with_the_last_value(
    number: int, fields: dict[str, Any], expected: list[Any]
) -> None:
    found = read_tensor(message(number, (3,), **fields))
    assert found.dtype == dtype_by_number(number).numpy
    assert found.tolist() == expected


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(), (0,), (2, 3), (1, 0, 2)])
def test_round_trip(name: str, shape: tuple[int, ...]) -> None:
    dtype = dtype_by_name(name)
    array = np.asarray(np.arange(np.prod(shape, dtype=int)) % 2).astype(dtype.numpy).reshape(shape)
    proto = tensor_proto(array)
    assert proto.dtype == dtype.number == dtype_of_array(array).number
    found = read_tensor(schema.TensorProto.FromString(proto.SerializeToString()))
    assert found.dtype == array.dtype
    assert found.shape == shape
    assert found.tobytes() == array.tobytes()


def test_strings_round_trip() -> None:
    found = read_tensor(tensor_proto(np.array([["ä", "b"], ["", "d\0e"]])))
    assert found.tolist() == [["ä".encode(), b"b"], [b"", b"d\0e"]]


def test_quantized_types_are_written_on_request() -> None:
    proto = tensor_proto(np.int8([1, -1]), dtype_by_name("qint8"))
    assert proto.dtype == dtype_by_name("qint8").number
    assert read_tensor(proto).tolist() == [1, -1]


@pytest.mark.parametrize(
    ("proto", "reason"),
    [
        (message(1, (2,), tensor_content=b"123"), "2 float32 elements has 3 bytes, expected 8"),
        (message(3, (1,), int_val=[1, 2]), "of 1 elements has 2 values"),
        (message(8, (1,), scomplex_val=[1, 2, 3]), "odd number of parts"),
        (message(7, (1,), tensor_content=b"x"), "a string constant has raw content"),
        (message(20), "type 'resource', which has no values"),
        (message(101), "type 'float32_ref', which has no values"),
        (message(99), "unknown element type 99"),
        (message(1, (-1,)), "shape (None,); it must be fully known"),
        (message(1, (-2,)), "negative dimension"),
        (message(1, (1,) * 255), "255 dimensions; TensorFlow allows 254"),
        (message(1, (1,) * 100), "dimension"),
        (message(1, (2**20, 2**20)), "over 2 GiB"),
        (message(7, (2**30,)), "over 2 GiB"),
        (message(4, (2**28,), int_val=[1, 2]), "repeats the last, which is done up to 128 MiB"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_contradictions_are_refused(proto: Any, reason: str) -> None:
    with pytest.raises(SavedModelError) as caught:
        read_tensor(proto)
    assert reason in str(caught.value)


def test_one_value_everywhere_takes_no_memory() -> None:
    tracemalloc.start()
    found = read_tensor(message(1, (2**14, 2**14), float_val=[1.5]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.shape == (2**14, 2**14)
    assert found[-1, -1] == 1.5
    assert found.nbytes > MAX_EXPANSION
    assert peak < 100_000


@pytest.fixture
def tensorflow() -> Any:
    return pytest.importorskip("tensorflow", reason="TensorFlow is not installed")


def translate(theirs: Any) -> Any:
    return schema.TensorProto.FromString(theirs.SerializeToString())


@pytest.mark.parametrize("name", [*NAMES, "string", "qint8", "quint8", "qint32"])
@pytest.mark.parametrize("shape", [(), (0,), (5,), (2, 3)])
def test_tensorflow_agrees(tensorflow: Any, name: str, shape: tuple[int, ...]) -> None:
    tf = tensorflow
    dtype = tf.as_dtype(name)
    count = int(np.prod(shape))
    if name == "string":
        array: Any = np.array([b"a\0", b"", b"ccc", b"d", b"e", b"f"][:count], object)
    else:
        array = np.asarray(np.arange(count) % 2).astype(dtype.as_numpy_dtype)
    array = array.reshape(shape)
    theirs = tf.make_tensor_proto(array, dtype=dtype, shape=shape)
    check_same(tf, theirs)
    # The typed field instead of the content, which C++ and Python fill alike.
    ours = tensor_proto(plain(array).astype(dtype_by_name(name).numpy), dtype_by_name(name))
    again = tf.make_ndarray(type(theirs).FromString(ours.SerializeToString()))
    assert again.shape == shape
    assert plain(again).tolist() == plain(array).tolist()


def plain(array: Any) -> Any:
    """TensorFlow keeps quantized types as records of one number."""
    return array[array.dtype.names[0]] if array.dtype.names else array


def check_same(tf: Any, theirs: Any) -> None:
    expected = plain(tf.make_ndarray(theirs))
    found = read_tensor(translate(theirs))
    assert found.shape == expected.shape
    assert found.tolist() == expected.tolist()
    if found.dtype != object:
        assert found.dtype == expected.dtype
        assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    ("number", "fields"),
    [
        (1, {"float_val": [1.5, float("nan"), -0.0]}), (2, {"double_val": [1e300]}),
        (3, {"int_val": [1, -2]}), (4, {"int_val": [255]}), (6, {"int_val": [-128, 5]}),
        (8, {"scomplex_val": [1, 2, 3, 4]}), (9, {"int64_val": [-(2**63), 5]}),
        (10, {"bool_val": [True, False]}), (18, {"dcomplex_val": [1, 2]}),
        (19, {"half_val": [0x3C00, 0xC000]}), (14, {"half_val": [0x3F80]}),
        (22, {"uint32_val": [2**32 - 1]}), (23, {"uint64_val": [1, 2**64 - 1]}),
        (7, {"string_val": [b"x", b"y"]}), (3, {}), (1, {}),
    ],
)  # fmt: skip
def test_tensorflow_fills_alike(tensorflow: Any, number: int, fields: dict[str, Any]) -> None:
    tf = tensorflow
    proto = message(number, (2, 2), **fields)
    theirs = tf.make_tensor_proto(0)
    theirs.ParseFromString(proto.SerializeToString())
    with tf.Graph().as_default():
        # The C++ code reads it, not the Python of make_ndarray.
        output = tf.raw_ops.Identity(input=_constant(tf, theirs))
        with tf.compat.v1.Session() as session:
            expected = session.run(output)
    found = read_tensor(proto)
    assert repr(found.tolist()) == repr(expected.tolist())
    if found.dtype != object:
        assert found.tobytes() == expected.tobytes()


def _constant(tf: Any, tensor: Any) -> Any:
    graph = tf.compat.v1.GraphDef()
    node = graph.node.add(name="c", op="Const")
    node.attr["dtype"].type = tensor.dtype
    node.attr["value"].tensor.CopyFrom(tensor)
    return tf.import_graph_def(graph, return_elements=["c:0"])[0]


def test_all_types_of_tensorflow_are_known(tensorflow: Any) -> None:
    from tensorflow.core.framework import types_pb2

    for name, number in types_pb2.DataType.items():
        if name == "DT_INVALID":
            continue
        found = dtype_by_number(number)
        expected = tensorflow.as_dtype(number)
        assert (found.name, found.is_reference) == (expected.name, name.endswith("_REF"))
        if found.numpy is not None and found.numpy.kind != "O":
            assert found.itemsize == np.dtype(expected.as_numpy_dtype).itemsize
            if "q" not in found.name:
                assert found.numpy == np.dtype(expected.as_numpy_dtype)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(SavedModelError, match="unknown element type 'float31'; known are bfloat16"):
        dtype_by_name("float31")
    with pytest.raises(SavedModelError, match="unknown element type"):
        dtype_of_array(np.array(["2020-01-01"], "datetime64[D]"))
    assert dtype_of_array(np.zeros(1, ml_dtypes.bfloat16)).name == "bfloat16"
    assert dtype_of_array(np.array(["a"])).name == "string"
