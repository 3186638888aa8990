"""Hostile models, each with one way to do harm and one place to hide it: all are refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from google.protobuf import text_format

from anyhub.errors import HubError, UnsafeModelError
from anyhub.graph import safety
from anyhub.graph.safety import Family
from anyhub.graph.safety.refused import REFUSED
from anyhub.savedmodel import schema

SERVE = "variant ['serve']"


def in_main_graph(build, op):
    build.node(op, name="bad")
    return None, f"graph of {SERVE}"


def in_library_only(build, op):
    build.function("nobody_calls_me").node(op, name="bad")
    return "nobody_calls_me", f"function library of {SERVE}"


def in_nested_function(build, op):
    build.function("inner").node(op, name="bad")
    build.function("outer").call("inner")
    build.expose("outer")
    return "inner", f"function library of {SERVE}"


def in_string_constant(build, op):
    nested = schema.GraphDef()
    nested.node.add(name="bad", op=op)
    nested.node.add(name="x", op="NoOp")
    build.const(nested.SerializeToString(), name="innocent")
    return None, f"graph inside the string constant of node 'innocent' in the graph of {SERVE}"


HIDING_PLACES = [in_main_graph, in_library_only, in_nested_function, in_string_constant]


@pytest.mark.parametrize("hide", HIDING_PLACES)
@pytest.mark.parametrize("op", sorted(REFUSED))
def test_each_refused_op_in_each_place(build, op: str, hide: Callable) -> None:
    function, place = hide(build, op)
    (finding,) = build.scan()
    assert finding == safety.Finding(
        op, function, "bad", place, REFUSED[op].reason, REFUSED[op].family
    )
    with pytest.raises(UnsafeModelError, match=op):
        safety.require_safe(build.model, "hostile")


CASES: list[Callable] = []


def hostile(case: Callable) -> Callable:
    """A model with one finding; the function returns its op, family and place."""
    CASES.append(case)
    return case


@hostile
def hidden_in_second_variant(build, func):
    other = build.model.meta_graphs.add()
    other.meta_info_def.tags.extend(["train", "serve"])
    other.graph_def.node.add(name="bad", op="ReadFile")
    return "ReadFile", Family.FILES_READ, "graph of variant ['serve', 'train']"


@hostile
def hidden_in_load_time_initializer(build, func):
    resource = build.meta.object_graph_def.nodes.add()
    resource.resource.SetInParent()
    build.function("__inference__initializer_7").node(
        "PrintV2", "text:output:0", name="bad", output_stream="file:///tmp/x"
    )
    build.expose("__inference__initializer_7")
    return "PrintV2", Family.FILES_WRITE, f"function library of {SERVE}"


@hostile
def hidden_in_init_op(build, func):
    build.node("WriteFile", name="bad")
    build.node("NoOp", "^bad", name="init")
    build.init("init")
    return "WriteFile", Family.FILES_WRITE, f"graph of {SERVE}"


@hostile
def hidden_in_list_of_strings(build, func):
    nested = schema.GraphDef()
    nested.node.add(name="bad", op="ReadFile")
    build.node("StringFormat", name="list", _texts=[b"harmless", nested.SerializeToString()])
    return (
        "ReadFile",
        Family.FILES_READ,
        "graph inside the string attribute '_texts' of node 'list'",
    )


@hostile
def hidden_in_second_string_of_a_constant(build, func):
    nested = schema.GraphDef()
    nested.node.add(name="bad", op="PyFunc")
    build.const(b"harmless", nested.SerializeToString(), name="many")
    return "PyFunc", Family.CODE, "graph inside the string constant of node 'many'"


@hostile
def hidden_in_raw_tensor_content(build, func):
    nested = schema.GraphDef()
    nested.node.add(name="bad", op="PyFunc")
    text = nested.SerializeToString()
    tensor = schema.TensorProto(dtype=7, tensor_content=bytes([2, len(text)]) + b"ab" + text)
    tensor.tensor_shape.dim.add(size=2)
    build.node("Const", name="raw", value=tensor)
    return "PyFunc", Family.CODE, "graph inside the string constant of node 'raw'"


@hostile
def hidden_in_variant_tensor(build, func):
    nested = schema.GraphDef()
    nested.node.add(name="bad", op="PyFunc")
    tensor = schema.TensorProto(dtype=21)
    part = tensor.variant_val.add().tensors.add(dtype=7)
    part.string_val.append(nested.SerializeToString())
    build.node("Const", name="variant", value=tensor)
    return "PyFunc", Family.CODE, "graph inside the string constant of node 'variant'"


@hostile
def hidden_in_function_def_string(build, func):
    definition = schema.FunctionDef()
    definition.signature.name = "f"
    definition.node_def.add(name="bad", op="EagerPyFunc")
    build.const(definition.SerializeToString(), name="function")
    return "EagerPyFunc", Family.CODE, "function library inside the string constant of node"


@hostile
def hidden_in_metagraph_string(build, func):
    meta = schema.MetaGraphDef()
    meta.graph_def.node.add(name="bad", op="EagerPyFunc")
    build.const(meta.SerializeToString(), name="meta")
    return "EagerPyFunc", Family.CODE, "graph inside the string constant of node 'meta'"


@hostile
def hidden_behind_overlong_tags(build, func):
    # A parser accepts tags with more bytes than needed: 0x12 as 0x92 0x00.
    node = b"\x0a\x03bad" + b"\x92\x00\x06PyFunc"
    build.const(b"\x0a" + bytes([len(node)]) + node, name="odd")
    return "PyFunc", Family.CODE, "graph inside the string constant of node 'odd'"


@hostile
def hidden_in_function_attribute(build, func):
    nested = schema.GraphDef()
    nested.node.add(name="bad", op="ReadFile")
    inner = build.function("f")
    inner.definition.attr["_note"].s = nested.SerializeToString()
    return "ReadFile", Family.FILES_READ, "graph inside the string attribute '_note' of node 'f'"


@hostile
def hidden_in_parameter_of_a_call(build, func):
    nested = schema.GraphDef()
    nested.node.add(name="bad", op="ReadFile")
    build.function("f")
    build.call("f", name="call")
    build.graph.node[-1].attr["f"].func.attr["x"].s = nested.SerializeToString()
    return "ReadFile", Family.FILES_READ, "graph inside the string attribute 'f.x' of node 'call'"


@hostile
def hidden_in_signature_default(build, func):
    nested = schema.GraphDef()
    nested.node.add(name="bad", op="ReadFile")
    default = build.meta.signature_def["serving_default"].defaults["x"]
    default.dtype = 7
    default.string_val.append(nested.SerializeToString())
    return "ReadFile", Family.FILES_READ, "graph inside the default of signature 'serving_default'"


@hostile
def hidden_twice_nested(build, func):
    inner = schema.GraphDef()
    inner.node.add(name="bad", op="ReadFile")
    outer = schema.GraphDef()
    constant = outer.node.add(name="inner", op="Const")
    constant.attr["value"].tensor.dtype = 7
    constant.attr["value"].tensor.string_val.append(inner.SerializeToString())
    build.const(outer.SerializeToString(), name="outer")
    place = "graph inside the string constant of node 'inner' in the graph inside the string "
    return "ReadFile", Family.FILES_READ, place + "constant of node 'outer'"


@hostile
def named_like_a_saver(build, func):
    inner = build.function("__inference__traced_restore_12", "file_prefix")
    inner.node("ReadFile", "file_prefix", name="bad")
    return "ReadFile", Family.FILES_READ, f"function library of {SERVE}"


@hostile
def attribute_prints_to_file(build, func):
    build.node("PrintV2", build.const(b"x"), name="bad", output_stream="file:///etc/cron.d/x")
    return "PrintV2", Family.FILES_WRITE, f"graph of {SERVE}"


@hostile
def attribute_reads_descriptors(build, func):
    build.node("DecodeProtoV2", name="bad", descriptor_source="/etc/passwd")
    return "DecodeProtoV2", Family.ATTRIBUTE, f"graph of {SERVE}"


@hostile
def attribute_of_the_caller(build, func):
    inner = build.function("f")
    inner.node("EncodeProto", name="bad")
    inner.definition.node_def[-1].attr["descriptor_source"].placeholder = "whatever"
    return "EncodeProto", Family.ATTRIBUTE, f"function library of {SERVE}"


@hostile
def attribute_reads_vocabulary(build, func):
    build.node("FixedUnigramCandidateSampler", name="bad", vocab_file="/etc/passwd")
    return "FixedUnigramCandidateSampler", Family.ATTRIBUTE, f"graph of {SERVE}"


@hostile
def attribute_reads_text(build, func):
    build.node("Skipgram", name="bad", filename="/etc/passwd")
    return "Skipgram", Family.ATTRIBUTE, f"graph of {SERVE}"


@hostile
def attribute_watches_a_copy(build, func):
    build.node("Copy", name="bad", debug_ops_spec=[b"DebugIdentity;grpc://host:1;0"])
    return "Copy", Family.ATTRIBUTE, f"graph of {SERVE}"


@hostile
def cache_in_a_file(build, func):
    build.node("CacheDatasetV2", "set", build.const(b"/tmp/cache"), "handle", name="bad")
    return "CacheDatasetV2", Family.DATASETS, f"graph of {SERVE}"


@hostile
def cache_in_an_unknown_file(build, func):
    build.node("Placeholder", name="name")
    build.node("CacheDataset", "set", "name", name="bad")
    return "CacheDataset", Family.DATASETS, f"graph of {SERVE}"


@hostile
def op_that_nobody_knows(build, func):
    build.node("BigQueryReader", name="bad")
    return "BigQueryReader", Family.UNKNOWN_OP, f"graph of {SERVE}"


@hostile
def function_named_like_an_op(build, func):
    build.function("Relu").node("NoOp", name="x")
    return "FunctionDef", Family.ATTRIBUTE, f"function library of {SERVE}"


@hostile
def two_functions_of_one_name(build, func):
    build.function("f").node("NoOp", name="x")
    build.function("f").node("NoOp", name="y")
    return "FunctionDef", Family.ATTRIBUTE, f"function library of {SERVE}"


@hostile
def two_nodes_of_one_name(build, func):
    build.const(b"a", name="same")
    build.const(b"b", name="same")
    return "NodeDef", Family.ATTRIBUTE, f"graph of {SERVE}"


@hostile
def handle_of_another_model(build, func):
    tensor = schema.TensorProto(dtype=20)
    tensor.resource_handle_val.add(container="localhost", name="weights_of_another_model")
    build.node("Const", name="bad", value=tensor)
    return "Const", Family.CODE, f"graph of {SERVE}"


@hostile
def handle_inside_a_variant(build, func):
    tensor = schema.TensorProto(dtype=21)
    tensor.variant_val.add().tensors.add(dtype=20).resource_handle_val.add(name="x")
    build.function("f").node("Const", name="bad", value=tensor)
    return "Const", Family.CODE, f"function library of {SERVE}"


@hostile
def compiled_engine(build, func):
    build.node("TRTEngineOp", name="bad", serialized_segment=b"\xe8\x14\0\0engine")
    return "TRTEngineOp", Family.CODE, f"graph of {SERVE}"


@hostile
def asset_outside(build, func):
    build.const(b"x", name="path")
    build.asset("path", "../../../etc/passwd")
    return "AssetFileDef", Family.FILES_READ, f"list of assets of {SERVE}"


@pytest.mark.parametrize("hide", CASES, ids=lambda case: case.__name__)
def test_hostile_model(build, func, hide: Callable) -> None:
    op, family, place = hide(build, func)
    (finding,) = build.scan()
    assert (finding.op, finding.family) == (op, family)
    assert finding.place.startswith(place)
    with pytest.raises(UnsafeModelError) as caught:
        safety.require_safe(build.model, "hostile")
    assert op in str(caught.value)


@pytest.mark.parametrize("hide", CASES, ids=lambda case: case.__name__)
def test_hostile_model_as_text(build, func, hide: Callable) -> None:
    """`saved_model.pbtxt` holds the same message."""
    op, family, _ = hide(build, func)
    model = text_format.Parse(text_format.MessageToString(build.model), schema.SavedModel())
    (finding,) = safety.scan(model)
    assert (finding.op, finding.family) == (op, family)


def test_nothing_in_a_harmless_model(build, func) -> None:
    build.node("Placeholder", name="x")
    build.node("MatMul", "x", "x", name="y")
    build.node("PrintV2", build.const(b"done"), output_stream="log(info)")
    build.node("EncodeProto", descriptor_source=b"bytes://\x0a\x12")
    build.node("CacheDatasetV2", "set", build.const(b""), "handle")
    build.node("TRTEngineOp", segment_func=func("f"), serialized_segment=b"")
    build.node("f", "x")
    build.function("f", "a").node("Relu", "a")
    build.signature("y", x="x")
    assert build.scan() == ()
    safety.require_safe(build.model, "harmless")


def test_a_graph_inside_an_engine_is_scanned(build) -> None:
    nested = schema.GraphDef()
    nested.node.add(name="bad", op="ReadFile")
    build.node("TRTEngineOp", name="engine", serialized_segment=nested.SerializeToString())
    (finding,) = build.scan()
    assert finding.op == "ReadFile"


def test_wrapped_four_times_is_refused_unseen(build) -> None:
    graph = schema.GraphDef()
    graph.node.add(name="x", op="NoOp")
    for _ in range(3):
        text, graph = graph.SerializeToString(), schema.GraphDef()
        constant = graph.node.add(name="wrapper", op="Const").attr["value"].tensor
        constant.dtype = 7
        constant.string_val.append(text)
    build.const(graph.SerializeToString(), name="outermost")
    (finding,) = build.scan()
    assert (finding.op, finding.family) == ("GraphDef", Family.DENIAL_OF_SERVICE)


def test_text_that_mentions_ops_is_no_graph(build) -> None:
    build.const(b"ReadFile PyFunc \x12\x08ReadFile", b"\0" * 100, bytes(range(256)) * 4)
    assert build.scan() == ()


def test_error_lists_every_finding_and_the_way_out(build) -> None:
    build.node("ReadFile", name="first")
    build.function("helper").node("PyFunc", name="second")
    with pytest.raises(UnsafeModelError) as caught:
        safety.require_safe(build.model, "https://example.com/model")
    message = str(caught.value)
    assert "'https://example.com/model' is refused" in message
    assert "ReadFile (files-read): node 'first', graph of variant ['serve']" in message
    assert "PyFunc (code): node 'second' of function 'helper'" in message
    assert "allow_ops=['PyFunc', 'ReadFile']" in message
    assert isinstance(caught.value, HubError | ValueError)


def test_error_escapes_and_clips_names(build) -> None:
    build.node("Evil\x1b[2J" * 100, name="\n" * 500)
    with pytest.raises(UnsafeModelError) as caught:
        safety.require_safe(build.model, "model")
    assert "\x1b" not in str(caught.value)
    assert max(len(line) for line in str(caught.value).splitlines()) < 1000


def test_allow_ops_allows_these_ops_only(build) -> None:
    build.node("ReadFile", name="a")
    build.node("MyCompanyOp", name="b")
    safety.require_safe(build.model, "model", allow_ops=["ReadFile", "MyCompanyOp"])
    with pytest.raises(UnsafeModelError) as caught:
        safety.require_safe(build.model, "model", allow_ops={"MyCompanyOp"})
    assert "MyCompanyOp" not in str(caught.value)


def test_the_comparison_can_fail(build) -> None:
    """Negative test: the assertion of `test_hostile_model` does not hold for another finding."""
    build.node("ReadFile", name="bad")
    (finding,) = build.scan()
    with pytest.raises(AssertionError):
        assert (finding.op, finding.family) == ("ReadFile", Family.CODE)
    build.graph.node[0].op = "Relu"
    with pytest.raises(ValueError, match="not enough values"):
        (finding,) = build.scan()
    safety.require_safe(build.model, "harmless")
