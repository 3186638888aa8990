"""Structured values and what is made of them: specs, arguments, parameters, signatures, objects."""

from __future__ import annotations

import collections
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from comparison.report import difference
from samples import VALUES, checkpoint_objects, object_model

from anyhub.errors import SavedModelError
from anyhub.savedmodel import schema
from anyhub.savedmodel.dtypes import dtype_by_name
from anyhub.savedmodel.functions import ArgSpec, ConcreteFunction, read_argspec
from anyhub.savedmodel.objects import ObjectGraph, match_checkpoint_keys
from anyhub.savedmodel.reading import parse
from anyhub.savedmodel.shapes import read_shape, shape_proto, shape_text
from anyhub.savedmodel.signatures import Signature, TensorInfo, read_signature, signature_proto
from anyhub.savedmodel.structured import (
    NamedTuple,
    TensorSpec,
    TypeSpec,
    read_structured,
    structured_value,
)

FLOAT = dtype_by_name("float32")


@pytest.fixture
def tf() -> Any:
    return pytest.importorskip("tensorflow", reason="TensorFlow is not installed")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x0a\x00", None),
        (b"\x59\0\0\0\0\0\0\x04\x40", 2.5),
        (b"\x60\x03", -2),  # zigzag
        (b"\x6a\x02ab", "ab"),
        (b"\x70\x01", True),
        (b"\x9a\x03\x04\x0a\x02\x0a\x00", [None]),
        (b"\xa2\x03\x00", ()),
        (b"\xaa\x03\x09\x0a\x07\x0a\x01k\x12\x02\x70\x00", {"k": False}),
        (b"\x8a\x02\x09\x0a\x01n\x12\x02\x12\x00\x18\x01", TensorSpec((0,), FLOAT, "n")),
    ],
    ids=["none", "float", "int", "text", "bool", "list", "tuple", "dict", "spec"],
)
def test_bytes_written_by_hand(data: bytes, expected: Any) -> None:
    assert difference(read_structured(schema.StructuredValue.FromString(data)), expected) == ""
    assert structured_value(expected).SerializeToString() == data


@pytest.mark.parametrize("value", [*VALUES, list(VALUES)], ids=lambda v: type(v).__name__)
def test_round_trip(value: Any) -> None:
    proto = schema.StructuredValue.FromString(structured_value(value).SerializeToString())
    assert difference(read_structured(proto), value) == ""


def test_values_that_are_refused() -> None:
    with pytest.raises(SavedModelError, match="of no kind"):
        read_structured(schema.StructuredValue())
    with pytest.raises(SavedModelError, match="set .* cannot be a structured value"):
        structured_value([{1, 2}])
    unknown = schema.StructuredValue()
    unknown.type_spec_value.type_spec_class = 77
    with pytest.raises(SavedModelError, match="type spec of unknown class 77"):
        read_structured(unknown)
    nested: Any = schema.StructuredValue()
    inner = nested
    for _ in range(95):
        inner = inner.list_value.values.add()
    inner.bool_value = True
    with pytest.raises(SavedModelError, match="nested more than 90 levels deep"):
        read_structured(nested)


Point = collections.namedtuple("Point", "x y")


def tensorflow_values(tf: Any) -> list[Any]:
    spec = tf.TensorSpec([None, 2], tf.float32, name="x")
    from tensorflow.python.framework.tensor_spec import BoundedTensorSpec

    return [
        None, True, 3, -(2**63), 1.5, float("nan"), "ä", [], (), {}, [1, (2, {"k": None})], spec,
        tf.TensorSpec(None, tf.string), BoundedTensorSpec([2], tf.int32, 0, [5, 6], "b"),
        tf.TensorShape([1, None]), tf.TensorShape(None), tf.bfloat16, tf.resource,
        tf.RaggedTensorSpec([None, None], tf.int32), tf.SparseTensorSpec([3, None], tf.float32),
        tf.IndexedSlicesSpec([3, 4], tf.float32), tf.data.DatasetSpec(spec),
        tf.TensorArraySpec([2], tf.float32), tf.OptionalSpec(spec), Point(1, [spec]),
        {"b": spec, "a": Point((), {})}, tf.constant([[1.0, 2.0]]), tf.constant([b"a", b"b"]),
        np.arange(3), np.float16([1]),
    ]  # fmt: skip


def test_tensorflow_encodes_alike(tf: Any) -> None:
    from comparison import values
    from tensorflow.python.saved_model import nested_structure_coder as coder

    checked = 0
    for value in tensorflow_values(tf):
        theirs = coder.encode_structure(value)
        proto = schema.StructuredValue.FromString(theirs.SerializeToString())
        found = read_structured(proto)
        assert difference(found, values.ours(value)) == "", value
        # What we write, TensorFlow reads: as the same value.
        written = type(theirs).FromString(structured_value(found).SerializeToString())
        assert difference(values.ours(coder.decode_proto(written)), values.ours(value)) == ""
        checked += 1
    assert checked == 30


def test_functions_with_every_kind_of_argument(tf: Any, tmp_path: Path) -> None:
    from comparison.files import compare_files
    from comparison.loaded import compare_loaded
    from comparison.report import Report

    from anyhub.savedmodel.reading import read

    class Model(tf.Module):
        def __init__(self) -> None:
            self.weight = tf.Variable([1.0, 2.0], name="weight")
            self.fixed = tf.Variable(3, trainable=False)
            self.parts = [tf.Variable(1.0), {"a": tf.Variable(2.0)}]

        @tf.function
        def call(self, x, *rest, training=False, mask=None, scale=2.0, mode="sum", **others):
            return {"y": x * self.weight, "rest": [*rest], "point": Point(x, (x,))}

        @tf.function
        def composite(self, ragged, sparse, shape=(1, 2), size=5, flag=True):
            return ragged, sparse

    model = Model()
    x = tf.TensorSpec([None, 2], tf.float32, name="x")
    model.call.get_concrete_function(x)
    model.call.get_concrete_function(x, x, training=True, mask=x, mode="mean", extra={"k": [x]})
    model.call.get_concrete_function(x, scale=None, extra=Point(x, [x, 3]))
    model.composite.get_concrete_function(
        tf.RaggedTensorSpec([None, None], tf.int32), tf.SparseTensorSpec([3, None], tf.float32)
    )
    tf.saved_model.save(model, str(tmp_path))
    report, found = Report(), read(tmp_path)
    compare_files(report, "model", tmp_path, found)
    compare_loaded(report, "model", tmp_path, found)
    assert report.differences == []
    assert report.counts["restored traces' arguments"] >= 4
    assert report.counts["restored functions' parameters"] >= 2
    assert {v.path for v in found.variables()} == {"weight", "fixed", "parts.0", "parts.1.a"}


def full_argspec(**fields: Any) -> Any:
    proto = schema.message_class("FunctionSpec")()
    proto.fullargspec.CopyFrom(structured_value(NamedTuple("FullArgSpec", tuple(fields.items()))))
    return proto


def test_parameters() -> None:
    proto = full_argspec(args=["self", "x"], defaults=(1,), varkw="more", kwonlyargs=["y"])
    assert read_argspec(proto) == ArgSpec(("x",), (1,), None, "more", ("y",), None)
    # A method's first parameter is dropped whatever its name is.
    proto = full_argspec(args=["this", "x"])
    assert read_argspec(proto).args == ("this", "x")
    proto.is_method = True
    assert read_argspec(proto).args == ("x",)
    assert read_argspec(schema.message_class("FunctionSpec")()) == ArgSpec()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"args": 5}, "whose args is a int"),
        ({"args": ["x", 5]}, "whose args hold a int"),
        ({"args": np.arange(3)}, "whose args is a ndarray"),
        ({"defaults": True}, "whose defaults is a bool"),
        ({"varargs": ["x"]}, "whose varargs is a list"),
        ({"kwonlydefaults": [1]}, "whose kwonlydefaults is a list"),
    ],
)
def test_parameters_that_make_no_sense(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(SavedModelError) as caught:
        read_argspec(full_argspec(**fields))
    assert reason in str(caught.value)


def test_arguments_that_make_no_sense() -> None:
    trace = schema.SavedObjectGraph().concrete_functions["f"]
    assert ConcreteFunction("f", (), trace).input_signature == ((), {})
    trace.canonicalized_input_signature.CopyFrom(structured_value([1]))
    with pytest.raises(SavedModelError, match="concrete function 'f' are described by list"):
        _ = ConcreteFunction("f", (), trace).input_signature


@pytest.mark.parametrize(
    ("shape", "text"),
    [(None, "any shape"), ((), "()"), ((3,), "(3,)"), ((None, 2), "(?, 2)")],
)
def test_shapes(shape: Any, text: str) -> None:
    assert read_shape(shape_proto(shape)) == shape
    assert shape_text(shape) == text


def test_signatures() -> None:
    signature = Signature(
        {"x": TensorInfo(("x:0",), FLOAT, (None, 2))},
        {
            "s": TensorInfo(("v:0", "i:0", "d:0"), FLOAT, (3, None), "sparse"),
            "op": TensorInfo(("run",), None, None),
        },
        "method",
        {"x": np.float32([[1, 2]])},
    )
    found = read_signature(signature_proto(signature))
    assert difference(found.inputs, signature.inputs) == ""
    assert difference(found.outputs["s"], signature.outputs["s"]) == ""
    assert found.outputs["op"].dtype is None
    assert difference(found.defaults, signature.defaults) == ""
    assert [str(info) for info in found.outputs.values()] == ["op ()", "sparse float32 (3, ?)"]
    parts = TensorInfo(("a:0", "b:0"), FLOAT, None, "composite")
    with pytest.raises(SavedModelError, match="cannot write a signature with the composite"):
        signature_proto(Signature({"x": parts}, {}))


def test_signatures_for_internal_use_are_left_out() -> None:
    from anyhub.savedmodel.model import MetaGraph

    graph = schema.MetaGraphDef()
    for name in ("__saved_model_init_op", "__saved_model_train_op", "__mine", "serve"):
        graph.signature_def[name].method_name = "m"
    assert list(MetaGraph(graph).signatures) == ["__mine", "serve"]


def test_objects_and_their_keys() -> None:
    objects = ObjectGraph(object_model().meta_graphs[0].object_graph_def)
    assert objects.paths[1] == "weight"
    assert objects.find("optimizer").id == 4
    assert objects.find("optimizer.none") is None
    assert objects.find("").id == 0
    keys = match_checkpoint_keys(objects, checkpoint_objects())
    # A slot belongs to the optimizer and the variable that it was made for.
    assert keys == {
        1: {"VARIABLE_VALUE": "weight/value"},
        8: {"VARIABLE_VALUE": "weight/m/value"},
    }


def test_objects_that_do_not_exist() -> None:
    proto = schema.SavedObjectGraph()
    proto.nodes.add().children.add(node_id=1, local_name="far")
    with pytest.raises(SavedModelError, match="refers to object 1 as 'far', but there are only 1"):
        _ = ObjectGraph(proto).nodes
    checkpoint = schema.TrackableObjectGraph()
    checkpoint.nodes.add().children.add(node_id=-1, local_name="weight")
    with pytest.raises(SavedModelError, match="checkpoint's object graph refers to object -1"):
        match_checkpoint_keys(
            ObjectGraph(object_model().meta_graphs[0].object_graph_def), checkpoint
        )


def test_a_chain_of_objects_takes_no_square_of_memory() -> None:
    proto = schema.SavedObjectGraph()
    for number in range(1, 2001):
        proto.nodes.add().children.add(node_id=number, local_name="next")
    proto.nodes.add()
    with pytest.raises(SavedModelError, match=r"path of 20\d\d characters, 'next.next.*accepted"):
        _ = ObjectGraph(proto).paths


@pytest.mark.parametrize("opening", [b"a {", b"a <", b"meta_graphs { object_graph_def <" * 3])
def test_texts_nested_too_deeply(opening: bytes) -> None:
    with pytest.raises(SavedModelError, match=r"'saved_model.pbtxt' \(\d+ bytes\) is cut short"):
        parse(opening * 2000, Path("saved_model.pbtxt"))


def test_text_of_a_spec() -> None:
    assert str(TensorSpec((None,), FLOAT)) == "float32 (?,)"
    assert str(TypeSpec("RAGGED_TENSOR_SPEC", "RaggedTensorSpec", (1,))) == "RaggedTensorSpec(1,)"
