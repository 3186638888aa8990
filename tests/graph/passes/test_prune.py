"""What pruning keeps, on graphs made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from anyhub.errors import SavedModelError
from anyhub.graph.contexts import contexts
from anyhub.graph.node_values import constant
from anyhub.graph.prune import collapse, prune
from support.graph_programs import RESOURCE, argument, dtype, make_graph, node

FLOAT = 1


def names(graph):
    return set(graph.nodes)


def variable_graph(*nodes, **kwargs):
    arguments = [argument("v", RESOURCE), argument("w", RESOURCE, 1), argument("x", FLOAT, 2)]
    return make_graph(*arguments, *nodes, **kwargs)


def test_arguments_stay_and_the_rest_goes_if_not_needed():
    graph = variable_graph(node("a", "Neg", "x"), node("b", "Neg", "x"), outputs="a")
    assert names(prune(graph)) == {"v", "w", "x", "a"}
    assert prune(graph).inputs == ("v", "w", "x")


def test_control_outputs_stay_unless_only_outputs_count():
    graph = variable_graph(
        node("set", "AssignVariableOp", "v", "x"), node("y", "Neg", "x"),
        outputs="y", controls="set",
    )  # fmt: skip
    assert "set" in names(prune(graph))
    assert names(prune(graph, keep_effects=False)) == {"v", "w", "x", "y"}


def test_an_effect_that_an_output_reads_stays():
    graph = variable_graph(
        node("set", "AssignVariableOp", "v", "x"),
        node("other", "AssignVariableOp", "w", "x"),
        node("group", "NoOp", "^set", "^other"),
        node("y", "ReadVariableOp", "v", "^group", dtype=dtype(FLOAT)),
        outputs="y", controls="set other",
    )  # fmt: skip
    pruned = prune(graph, keep_effects=False)
    assert names(pruned) == {"v", "w", "x", "y", "set"}
    assert pruned.nodes["y"].controls == ("set",)


def test_an_effect_after_the_reading_goes():
    graph = variable_graph(
        node("read", "ReadVariableOp", "v", dtype=dtype(FLOAT)),
        node("set", "AssignVariableOp", "v", "x", "^read"),
        node("y", "Identity", "read", "^set"),
        outputs="y", controls="set",
    )  # fmt: skip
    pruned = prune(graph, keep_effects=False)
    assert names(pruned) == {"v", "w", "x", "read", "y"}
    assert pruned.nodes["y"].controls == ()


def test_messages_and_checks_go_with_the_effects():
    graph = variable_graph(
        node("message", "PrintV2", "x"), node("check", "Assert", "x", "x", "^message"),
        node("y", "Identity", "x", "^check"), outputs="y", controls="check",
    )  # fmt: skip
    assert names(prune(graph)) >= {"message", "check"}
    assert names(prune(graph, keep_effects=False)) == {"v", "w", "x", "y"}


def test_what_may_change_anything_stays_before_a_read():
    graph = variable_graph(
        node("call", "SomeFunction", "x"),
        node("y", "ReadVariableOp", "v", "^call", dtype=dtype(FLOAT)),
        outputs="y",
    )  # fmt: skip
    assert "call" in names(prune(graph, keep_effects=False))


def test_reference_variables_are_read_by_taking_them():
    graph = make_graph(
        argument("x", FLOAT),
        node("v", "VariableV2", dtype=dtype(FLOAT)),
        node("set", "Assign", "v", "x"),
        node("y", "Identity", "v", "^set"),
        outputs="y",
    )
    assert "set" in names(prune(graph, keep_effects=False))


def test_places_in_the_order_collapse():
    graph = variable_graph(
        node("set", "AssignVariableOp", "v", "x"),
        node("read", "ReadVariableOp", "w", "^set", dtype=dtype(FLOAT)),
        node("one", "NoOp", "^read"), node("empty", "NoOp"), constant("c", np.int32(1)),
        node("two", "NoOp", "^one", "^empty", "^c", "^x"),
        node("y", "Identity", "x", "^two"),
        outputs="y", controls="two",
    )  # fmt: skip
    pruned = prune(graph)
    assert names(pruned) == {"v", "w", "x", "set", "y"}
    assert pruned.nodes["y"].controls == ("set",)
    assert pruned.controls == ("set",)


def test_a_group_of_many_for_many_stays_one_node():
    effects = [node(f"p{i}", "PrintV2", "x") for i in range(9)]
    group = node("group", "NoOp", *(f"^p{i}" for i in range(9)))
    after = [node(f"q{i}", "PrintV2", "x", "^group") for i in range(9)]
    graph = variable_graph(*effects, group, *after, controls=" ".join(f"q{i}" for i in range(9)))
    assert "group" in names(collapse(graph))


def test_a_read_before_a_write_keeps_its_place():
    graph = variable_graph(
        node("read", "ReadVariableOp", "v", dtype=dtype(FLOAT)),
        node("set", "AssignVariableOp", "v", "x", "^read"),
        node("y", "Neg", "read"), outputs="y", controls="set",
    )  # fmt: skip
    assert prune(graph).nodes["set"].controls == ("read",)


def branch(*more, outputs):
    return make_graph(
        argument("x", FLOAT), argument("p", 10, 1),
        node("s", "Switch", "x", "p"), node("t", "Identity", "s:1"), node("f", "Identity", "s:0"),
        node("c", "Const", "^t", value=constant("_", np.float32(1)).attrs["value"],
             dtype=dtype(FLOAT)),
        node("m", "Merge", "c", "f"), *more, outputs=outputs,
    )  # fmt: skip


def test_a_branch_that_is_not_taken_stays_so():
    graph = branch(outputs="m")
    for keep_effects in (True, False):
        pruned = prune(graph, keep_effects)
        assert pruned.nodes["c"].controls == ("t",)
        assert "t" in names(pruned)


def test_a_check_beside_a_branch_goes():
    check = node("check", "Assert", "p", "x", "^t")
    graph = branch(check, node("y", "Neg", "x", "^m", "^check"), outputs="y")
    # Whether the check runs depends on the branch, so what waits for it does as well.
    assert "check" in names(prune(graph, keep_effects=False))
    graph = branch(node("y", "Neg", "x", "^m"), outputs="y")
    assert names(prune(graph, keep_effects=False)) == {"x", "p", "y"}


def test_contexts_of_branches_and_loops():
    graph = branch(outputs="m")
    found = contexts(graph)
    assert found["c"] == {("branch", "p:0", 1)}
    assert found["m"] == found["s"] == frozenset()
    loop = make_graph(
        argument("x", FLOAT),
        node("e", "Enter", "x", frame_name="l"), node("m", "Merge", "e", "n"),
        node("c", "Neg", "m"), node("l", "LoopCond", "c"), node("s", "Switch", "m", "l"),
        node("b", "Neg", "s:1"), node("n", "NextIteration", "b"), node("out", "Exit", "s:0"),
        outputs="out",
    )  # fmt: skip
    found = contexts(loop)
    assert found["out"] == frozenset()
    assert found["b"] == {("loop", "l", 0), ("branch", "l:0", 1)}
    assert names(prune(loop)) == names(loop)


def test_what_is_missing_or_goes_round_is_refused():
    with pytest.raises(SavedModelError, match="refers to node 'gone'"):
        prune(make_graph(outputs="gone"))
    with pytest.raises(SavedModelError, match="refers to node 'gone'"):
        prune(make_graph(node("a", "Neg", "gone"), outputs="a"))
    with pytest.raises(SavedModelError, match="cycle"):
        prune(make_graph(node("a", "Neg", "b"), node("b", "Neg", "a"), outputs="a"))
