"""What is said of ops' effects fits TensorFlow's registry."""

from __future__ import annotations

import pytest

from anyhub.graph import effects
from anyhub.graph.handles import PASSING_ON, find_handles
from anyhub.graph.op_defs import find_op
from support.graph_programs import RESOURCE, argument, make_graph, node

TABLES = [effects.REFERENCE_WRITERS, effects.HANDLES, effects.REFERENCES, effects.READERS,
          effects.SEEN_FROM_OUTSIDE_ONLY, effects.CONTROL_FLOW, PASSING_ON]  # fmt: skip


def test_the_ops_exist():
    assert not {
        op for table in TABLES for op in table if find_op(op) is None and op != "SummaryWriter"
    }


def test_the_tables_do_not_contradict_each_other():
    assert not effects.REFERENCE_WRITERS & (effects.READERS | effects.HANDLES)
    assert not effects.READERS & effects.HANDLES


@pytest.mark.parametrize(("op", "expected"), [
    ("AssignVariableOp", True), ("Assign", True), ("PrintV2", True), ("Unheard", True),
    ("StatefulPartitionedCall", True), ("While", True), ("LookupTableInsertV2", True),
    ("ReadVariableOp", False), ("VarHandleOp", False), ("RandomUniform", False), ("MatMul", False),
    ("LookupTableFindV2", False), ("TensorDataset", False), ("StatelessWhile", False),
])  # fmt: skip
def test_effects(op, expected):
    assert effects.has_effect(node("n", op)) is expected


def test_every_op_that_takes_a_reference_is_classified():
    pytest.importorskip("tensorflow", reason="the registry says which inputs are references")
    from tensorflow.core.framework import op_def_pb2
    from tensorflow.python.client import pywrap_tf_session

    ops = op_def_pb2.OpList()
    ops.ParseFromString(bytes(pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList())))
    taking = {op.name for op in ops.op if any(arg.is_ref for arg in op.input_arg)}
    # Ops that TensorFlow has for its own tests and debugging.
    taking -= {"RefIn", "RefInputFloatInput", "RefInputFloatInputIntOutput", "RefInputIntInput"}
    taking -= {"TwoRefsIn", "DebugGradientRefIdentity", "ReaderSerializeState"}
    known = effects.REFERENCE_WRITERS | effects.READERS | effects.CONTROL_FLOW
    assert taking <= known | {"RefIdentity", "RefSelect"}
    giving = {op.name for op in ops.op if any(a.is_ref for a in op.output_arg) and not op.input_arg}
    assert giving - {"RefOut", "RefOutput", "RefOutputFloatOutput", "FakeQueue"} <= effects.HANDLES


def test_handles_are_followed():
    graph = make_graph(
        argument("v", RESOURCE), argument("x", 1, 1), node("p", "Less", "x", "x"),
        node("s", "Switch", "v", "p"), node("i", "Identity", "s:1"), node("m", "Merge", "i", "s"),
        node("n", "IdentityN", "x", "m"), node("u", "Unheard", "x"), node("f", "Identity", "u"),
        node("r", "ReadVariableOp", "n:1"), node("q", "ReadVariableOp", "f"),
        outputs="r q",
    )  # fmt: skip
    handles = find_handles(graph)
    assert handles.of(graph.nodes["r"]) == {("_Arg", "v")}
    assert handles.of(graph.nodes["q"]) == {None}
    assert handles.of(graph.nodes["p"]) == frozenset()
