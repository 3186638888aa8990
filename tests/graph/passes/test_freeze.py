"""Freezing of graphs made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from anyhub.errors import SavedModelError
from anyhub.graph.freeze import freeze
from anyhub.graph.function_def import function_def
from anyhub.graph.ir import Ref, attr_value
from anyhub.graph.node_values import constant
from anyhub.savedmodel.tensors import read_tensor
from support.graph_interpreter import Machine
from support.graph_programs import (
    RESOURCE,
    argument,
    dtype,
    function,
    make_graph,
    node,
    shape,
    types_attr,
)

FLOAT, INT32, BOOL = 1, 3, 10
VALUE = np.array([[1, 2], [3, 4]], np.float32)


def captured(*nodes, **kwargs):
    return make_graph(argument("x", INT32), argument("v", RESOURCE, 1), *nodes, **kwargs)


def frozen(*nodes, library=None, **kwargs):
    return freeze(captured(*nodes, **kwargs), {"v": VALUE}, library)


def computed(result, x=0):
    machine = Machine({**result.library}, {})
    return [np.asarray(v).tolist() for v in machine.run(result.graph, [np.int32(x)])]


def test_reading():
    read = node("r", "ReadVariableOp", "v", dtype=dtype(FLOAT))
    result = frozen(read, node("y", "Neg", "r"), outputs="y r")
    assert result.graph.inputs == ("x",)
    assert result.graph.nodes["y"].inputs == (Ref("v"),)
    assert computed(result) == [(-VALUE).tolist(), VALUE.tolist()]


@pytest.mark.parametrize("batch", [0, 1])
def test_gathering(batch):
    gather = node(
        "g", "ResourceGather", "v", "i", batch_dims=batch, Tindices=dtype(INT32), dtype=dtype(FLOAT)
    )
    indices = constant("i", np.array([1, 0] if batch else [1], np.int32))
    result = frozen(indices, gather, outputs="g")
    assert computed(result) == [[2, 3] if batch else [[3, 4]]]


def test_other_questions_about_variables():
    result = frozen(
        node("s", "VariableShape", "v"),
        node("i", "VarIsInitializedOp", "v"),
        constant("at", np.array([[1, 0]], np.int32)),
        node("n", "ResourceGatherNd", "v", "at", Tindices=dtype(INT32), dtype=dtype(FLOAT)),
        node("d", "DisableCopyOnRead", "v"),
        node("k", "IdentityN", "x", "v", T=types_attr(INT32, RESOURCE)),
        node("r", "ReadVariableOp", "k:1", "^d", dtype=dtype(FLOAT)),
        outputs="s i n r",
    )
    assert computed(result) == [[2, 2], True, [3], VALUE.tolist()]
    assert [*result.graph.nodes["k"].attrs["T"].list.type] == [INT32, FLOAT]


def test_variables_of_main_graphs():
    graph = make_graph(
        argument("x", INT32),
        node("h", "VarHandleOp", shared_name="h", dtype=dtype(FLOAT), shape=shape(2, 2)),
        node("r", "ReadVariableOp", "h", dtype=dtype(FLOAT)),
        node("v", "VariableV2", dtype=dtype(FLOAT), shape=shape(2, 2)),
        node("i", "Identity", "v", T=dtype(FLOAT)),
        node("ok", "IsVariableInitialized", "v"),
        node("e", "RefIdentity", "v", T=dtype(FLOAT)),
        outputs="r i ok e",
    )
    result = freeze(graph, {"h": VALUE, "v": VALUE + 1})
    assert computed(result) == [VALUE.tolist(), (VALUE + 1).tolist(), True, (VALUE + 1).tolist()]
    assert {n.op for n in result.graph.nodes.values()} == {"_Arg", "Const", "Identity"}


@pytest.mark.parametrize("op", ["AssignVariableOp", "AssignAddVariableOp", "ResourceScatterUpdate",
                                "ResourceApplyAdam", "DestroyResourceOp"])  # fmt: skip
def test_writing_is_refused(op):
    with pytest.raises(
        SavedModelError, match=rf"variable 'v' cannot be frozen: node 'w' \(op '{op}'\)"
    ):
        frozen(node("w", op, "v", "x"), controls="w")


def test_writing_a_reference_is_refused():
    graph = make_graph(
        argument("x", FLOAT), node("v", "VariableV2"), node("w", "AssignAdd", "v", "x"), outputs="w"
    )
    with pytest.raises(SavedModelError, match="'w' .* changes it"):
        freeze(graph, {"v": np.float32(1)})


@pytest.mark.parametrize("op", ["MapDataset", "Pack", "Select"])
def test_where_a_handle_cannot_be_followed(op):
    with pytest.raises(SavedModelError, match="its handle goes into node 'w'"):
        frozen(node("w", op, "v", "x"), outputs="w")


def test_a_handle_is_no_result():
    with pytest.raises(SavedModelError, match="output 'o0' .* is variable 'v' itself"):
        frozen(node("i", "Identity", "v", T=dtype(RESOURCE)), outputs="i")


def test_values_for_what_is_no_variable():
    with pytest.raises(SavedModelError, match="no variable 'y'"):
        freeze(captured(outputs="x"), {"y": VALUE})
    with pytest.raises(SavedModelError, match="reads variable 'v' as type 2"):
        frozen(node("r", "ReadVariableOp", "v", dtype=dtype(2)), outputs="r")


def body(name, *nodes, outputs, types, library=None):
    inputs = (argument("h", RESOURCE), argument("i", INT32, 1))
    graph = make_graph(*inputs, *nodes, outputs=outputs, name=name)
    return {name: function_def(graph, types, library or {})}


READ = node("r", "ReadVariableOp", "h", dtype=dtype(FLOAT))


def loop(swap=False):
    less = node("c", "Less", "i", "three", T=dtype(INT32))
    library = body("cond", constant("three", np.int32(3)), less, outputs="c", types=[BOOL])
    plus = node("n", "AddV2", "i", "one", T=dtype(INT32))
    steps = (READ, node("p", "Assert", "yes", "i", "^r", T=types_attr(INT32)),
             constant("yes", np.True_), constant("one", np.int32(1)), plus)  # fmt: skip
    outputs, types = ("n n", [INT32, INT32]) if swap else ("h n", [RESOURCE, INT32])
    return library | body("body", *steps, outputs=outputs, types=types)


def test_loops_take_values():
    run = node(
        "w",
        "While",
        "v",
        "x",
        T=types_attr(RESOURCE, INT32),
        cond=function("cond"),
        body=function("body"),
        output_shapes=attr_value(list={"shape": [{}, {}]}),
    )
    result = frozen(
        run, node("r", "ReadVariableOp", "w", dtype=dtype(FLOAT)), library=loop(), outputs="w:1 r"
    )
    made = result.graph.nodes["w"]
    assert [*made.attrs["T"].list.type] == [FLOAT, INT32]
    assert [d.size for d in made.attrs["output_shapes"].list.shape[0].dim] == [2, 2]
    assert {*result.library} == {"cond_frozen", "body_frozen"}
    assert "ReadVariableOp" not in {n.op for f in result.library.values() for n in f.node_def}
    assert result.graph.nodes["r"].op == "Identity"


def test_loops_that_lose_a_handle_are_refused():
    run = node("w", "While", "v", "x", T=types_attr(RESOURCE, INT32), cond=function("cond"),
               body=function("body"))  # fmt: skip
    with pytest.raises(SavedModelError, match="loop 'w' does not hand on"):
        frozen(run, library=loop(swap=True), outputs="w:1")


def test_branches_take_values_and_may_give_handles():
    library = body("t", READ, outputs="r h", types=[FLOAT, RESOURCE])
    library |= body("e", READ, node("n", "Neg", "r"), outputs="n h", types=[FLOAT, RESOURCE])
    choice = node("b", "If", "p", "v", "x", Tcond=dtype(BOOL), Tin=types_attr(RESOURCE, INT32),
                  Tout=types_attr(FLOAT, RESOURCE), then_branch=function("t"),
                  else_branch=function("e"))  # fmt: skip
    result = frozen(
        constant("zero", np.int32(0)), node("p", "Less", "x", "zero"), choice,
        node("r", "ReadVariableOp", "b:1", dtype=dtype(FLOAT)), library=library, outputs="b r",
    )  # fmt: skip
    assert [*result.graph.nodes["b"].attrs["Tout"].list.type] == [FLOAT, FLOAT]
    assert computed(result, -1) == [VALUE.tolist(), VALUE.tolist()]
    assert computed(result, 1) == [(-VALUE).tolist(), VALUE.tolist()]


def test_branches_that_differ_are_refused():
    library = body("t", READ, outputs="r", types=[FLOAT]) | body("e", outputs="h", types=[RESOURCE])
    choice = node(
        "b",
        "StatelessIf",
        "x",
        "v",
        "x",
        Tin=types_attr(RESOURCE, INT32),
        Tout=types_attr(FLOAT),
        then_branch=function("t"),
        else_branch=function("e"),
    )
    with pytest.raises(SavedModelError, match="differ in which results are variables"):
        frozen(choice, library=library, outputs="b")


def test_writing_inside_of_a_function_is_refused():
    library = body("f", READ, node("w", "AssignVariableOp", "h", "r"), outputs="r", types=[FLOAT])
    call = node(
        "c",
        "StatefulPartitionedCall",
        "v",
        "x",
        f=function("f"),
        Tin=types_attr(RESOURCE, INT32),
        Tout=types_attr(FLOAT),
    )
    with pytest.raises(SavedModelError, match="'w' .* of 'f' changes it"):
        frozen(call, library=library, outputs="c")


def test_functions_that_run_themselves_or_are_missing():
    call = node("c", "f", "v", "x")
    library = body("f", outputs="i", types=[INT32])
    library = body("f", node("n", "f", "h", "i"), outputs="n", types=[INT32], library=library)
    with pytest.raises(SavedModelError, match="call themselves or nest too deeply: f -> f"):
        frozen(call, library=library, outputs="c")
    missing = node("c", "PartitionedCall", "v", f=function("gone"), Tin=types_attr(RESOURCE))
    with pytest.raises(SavedModelError, match="'gone' is not in the library"):
        frozen(missing, outputs="c")


def test_functions_with_variables_of_their_own_are_refused():
    handle = node("own", "VarHandleOp", shared_name="own", dtype=dtype(FLOAT), shape=shape())
    read = node("r", "ReadVariableOp", "own", dtype=dtype(FLOAT))
    library = body("f", handle, read, outputs="r", types=[FLOAT])
    choice = node("b", "If", "x", "v", "x", Tin=types_attr(RESOURCE, INT32), Tout=types_attr(FLOAT),
                  then_branch=function("f"), else_branch=function("f"))  # fmt: skip
    with pytest.raises(SavedModelError, match="'f_frozen' makes the handle of a variable itself"):
        frozen(choice, library=library, outputs="b")


def test_one_function_for_several_variables():
    library = body("f", READ, outputs="r", types=[FLOAT])
    graph = make_graph(
        argument("x", INT32),
        argument("v", RESOURCE, 1),
        argument("w", RESOURCE, 2),
        node("a", "f", "v", "x"),
        node("b", "f", "w", "x"),
        node("c", "f", "v", "x"),
        outputs="a b c",
    )
    result = freeze(graph, {"v": VALUE, "w": VALUE * 2}, library)
    assert {*result.library} == {"f_frozen", "f_frozen_2"}
    assert computed(result) == [VALUE.tolist(), (VALUE * 2).tolist(), VALUE.tolist()]


def test_gathering_in_a_loop_of_tf1_stays_in_the_loop():
    graph = captured(
        node("e", "Enter", "v", T=dtype(RESOURCE), frame_name="l"),
        node("i", "Enter", "x", T=dtype(INT32), frame_name="l"),
        node("g", "ResourceGather", "e", "i", dtype=dtype(FLOAT), Tindices=dtype(INT32)),
        node("out", "Exit", "g", T=dtype(FLOAT)), outputs="out",
    )  # fmt: skip
    result = freeze(graph, {"v": VALUE}).graph
    assert result.nodes["e"].attrs["T"].type == FLOAT
    assert result.nodes["g/axis"].controls == ("i",)
    assert read_tensor(result.nodes["g/axis"].attrs["value"].tensor) == 0
