"""Models that are made to exhaust memory, time or the stack."""

from __future__ import annotations

import math
import time

import pytest

from anyhub.graph import safety
from anyhub.graph.safety import Family, calls, limits
from anyhub.savedmodel import schema


def only_finding(build) -> safety.Finding:
    (finding,) = build.scan()
    assert finding.family is Family.DENIAL_OF_SERVICE
    return finding


def shaped(dtype: int, *sizes: int, **fields) -> schema.TensorProto:
    tensor = schema.TensorProto(dtype=dtype, **fields)
    for size in sizes:
        tensor.tensor_shape.dim.add(size=size)
    return tensor


def test_constant_that_is_all_shape(build) -> None:
    build.node("Const", name="bomb", value=shaped(1, 1 << 20, 1 << 20, float_val=[0.0]))
    finding = only_finding(build)
    assert (finding.op, finding.node) == ("Const", "bomb")
    assert "declares 4398046511104 bytes and holds" in finding.reason


def test_constant_in_a_list_of_a_function(build) -> None:
    build.function("f").node("NoOp", name="x")
    tensors = build.graph.library.function[0].node_def[0].attr["_list"].list.tensor
    tensors.add().CopyFrom(shaped(7, 1 << 30))
    assert only_finding(build).function == "f"


@pytest.mark.parametrize("sizes", [(), (0,), (-1, 1 << 40), (1 << 20, 32)])
def test_constant_within_limits_passes(build, sizes: tuple[int, ...]) -> None:
    build.node("Const", value=shaped(1, *sizes, float_val=[0.0]))
    assert build.scan() == ()


def test_constant_that_the_file_holds_passes(build, monkeypatch) -> None:
    monkeypatch.setattr(limits, "MAX_CONSTANT_BYTES", 1000)
    build.node("Const", value=shaped(1, 1000, tensor_content=bytes(4000)))
    assert build.scan() == ()


@pytest.mark.parametrize(
    "shape",
    [
        shaped(9, 2, int64_val=[1 << 20, 1 << 20]),
        shaped(9, 3, int64_val=[1 << 20]),
        shaped(3, 2, int_val=[1 << 20, 1 << 20]),
        shaped(3, 2, tensor_content=(1 << 20).to_bytes(4, "little") * 2),
        shaped(9, 2, tensor_content=(1 << 20).to_bytes(8, "little") * 2),
    ],
)
def test_fill_with_a_constant_shape(build, shape) -> None:
    build.node("Fill", build.node("Const", value=shape), "x", name="bomb")
    finding = only_finding(build)
    assert (finding.op, finding.node) == ("Fill", "bomb")


def test_fill_within_limits_passes(build) -> None:
    build.node("Fill", build.node("Const", value=shaped(3, 2, int_val=[1000, 1000])), "x")
    build.node("Fill", "unknown", "x")
    build.node("BroadcastTo", "x")
    assert build.scan() == ()


def test_function_that_calls_itself(build) -> None:
    build.function("f").call("g")
    build.function("g").call("f")
    finding = only_finding(build)
    assert (finding.op, finding.reason) == ("FunctionDef", "calls itself: 'f' → 'g' → 'f'")


def test_function_that_branches_to_itself(build, func) -> None:
    build.function("f").node("If", "x", then_branch=func("f"), else_branch=func("f"))
    assert only_finding(build).node == "f"


def test_function_that_is_its_own_op(build) -> None:
    build.function("f").node("f")
    assert only_finding(build).node == "f"


def test_calls_nested_too_deep(build) -> None:
    for level in range(calls.MAX_CALL_DEPTH + 5):
        build.function(f"f{level}").call(f"f{level + 1}")
    assert "levels deep" in only_finding(build).reason


def test_ten_thousand_levels_do_not_overflow_the_stack(build) -> None:
    for level in range(10_000):
        inner = build.function(f"f{level}", "a")
        inner.call(f"f{level + 1}", "a")
    build.function("f10000", "a").node("RestoreV2", "a", "names", "slices")
    assert {found.op for found in build.scan()} == {"RestoreV2", "FunctionDef"}


def test_calls_that_multiply(build) -> None:
    for level in range(60):
        inner = build.function(f"f{level}")
        inner.call(f"f{level + 1}")
        inner.call(f"f{level + 1}")
    build.function("f60").node("NoOp")
    assert "when every call is expanded" in only_finding(build).reason


def test_arguments_that_multiply_take_no_time(build) -> None:
    """Following an argument backwards visits each function once."""
    for level in range(40):
        inner = build.function(f"f{level}", "a")
        inner.call(f"f{level + 1}", "a")
        inner.call(f"f{level + 1}", "a")
    build.function("f40", "a").node("RestoreV2", "a", "names", "slices")
    started = time.process_time()
    build.scan()
    assert time.process_time() - started < 1


def test_circles_are_not_listed_without_end(build) -> None:
    for i in range(300):
        inner = build.function(f"f{i}")
        for j in range(300):
            inner.call(f"f{j}")
    assert len(build.scan()) <= 5


def test_too_many_nodes(build, monkeypatch) -> None:
    monkeypatch.setattr(limits, "MAX_NODES", 10)
    for _ in range(11):
        build.node("NoOp")
    assert "11 nodes" in only_finding(build).reason


def test_a_large_model_takes_little_time(build) -> None:
    for number in range(200):
        inner = build.function(f"f{number}", "a")
        for _ in range(100):
            inner.node("Conv2D", "a", "b", padding="SAME", data_format="NHWC", _name="x")
    build.const(*(b"word %d" % number for number in range(30_000)))
    data = build.model.SerializeToString()
    times = []
    for _ in range(3):
        started = time.process_time()
        assert safety.scan(schema.SavedModel.FromString(data)) == ()
        times.append(time.process_time() - started)
    assert min(times) < 0.6 * math.ceil(len(data) / 4e6)
