"""Inlining of functions made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from anyhub.errors import SavedModelError
from anyhub.graph import inline as inline_module
from anyhub.graph.function_def import function_def
from anyhub.graph.inline import inline
from anyhub.graph.ir import Ref, attr_value
from anyhub.graph.node_values import constant
from support.graph_programs import RESOURCE, argument, dtype, function, make_graph, node

FLOAT = 1


def library_of(*graphs, types=(FLOAT,)):
    library = {}
    for graph in graphs:
        library[graph.name] = function_def(graph, types[: len(graph.outputs)], library)
    return library


def calling(op, *inputs, target="f", **kwargs):
    attrs = {} if op == target else {"f": function(target)}
    return make_graph(
        argument("v", RESOURCE),
        argument("x", FLOAT, 1),
        node("call", op, *inputs, **attrs),
        **kwargs,
    )


NEG = make_graph(argument("a", FLOAT), node("n", "Neg", "a"), outputs="n", name="f")


@pytest.mark.parametrize("op", ["f", "PartitionedCall", "StatefulPartitionedCall"])
def test_a_call_becomes_the_body(op):
    graph = inline(calling(op, "x", outputs="call"), library_of(NEG))
    assert graph.outputs == (Ref("call/n"),)
    assert graph.nodes["call/n"].inputs == (Ref("x"),)
    assert set(graph.nodes) == {"v", "x", "call/n"}


def test_a_body_that_hands_on_its_argument():
    same = make_graph(argument("a", FLOAT), outputs="a", name="f")
    graph = make_graph(
        argument("x", FLOAT),
        node("one", "f", "x"),
        node("two", "f", "one"),
        node("y", "Neg", "two", "^two"),
        outputs="y",
    )
    inlined = inline(graph, library_of(same))
    assert inlined.nodes["y"].inputs == (Ref("x"),)
    assert inlined.nodes["two"].op == "NoOp"


def effects(*, listed):
    nodes = [argument("h", RESOURCE), argument("a", FLOAT, 1)]
    nodes += [node("set", "AssignVariableOp", "h", "a"), node("n", "Neg", "a")]
    return make_graph(*nodes, outputs="n", controls="set" if listed else "", name="f")


@pytest.mark.parametrize(("op", "listed", "stays"), [
    ("StatefulPartitionedCall", True, True), ("StatefulPartitionedCall", False, False),
    ("f", True, True), ("f", False, True),
])  # fmt: skip
def test_effects_of_a_body_run_as_in_tensorflow(op, listed, stays):
    """By its own name a function runs whole, by PartitionedCall only what it lists."""
    graph = inline(calling(op, "v", "x", outputs="call"), library_of(effects(listed=listed)))
    assert ("call/set" in graph.controls) is stays


def test_what_waits_and_what_is_waited_for():
    before = node("before", "AssignVariableOp", "v", "x")
    call = node("call", "f", "v", "x", "^before")
    after = node("after", "ReadVariableOp", "v", "^call", dtype=dtype(FLOAT))
    graph = make_graph(
        argument("v", RESOURCE), argument("x", FLOAT, 1), before, call, after, outputs="after"
    )
    inlined = inline(graph, library_of(effects(listed=True)))
    assert inlined.nodes["call/set"].controls == ("before",)
    assert inlined.nodes["call/n"].controls == ()
    assert inlined.nodes["after"].controls == ("call",)
    assert set(inlined.nodes["call"].controls) >= {"call/set", "call/n"}


def test_effects_wait_for_inputs_that_come_after_effects():
    first = node("first", "f", "v", "x")
    second = node("second", "f", "v", "first")
    graph = make_graph(
        argument("v", RESOURCE), argument("x", FLOAT, 1), first, second, outputs="second"
    )
    inlined = inline(graph, library_of(effects(listed=True)))
    assert inlined.nodes["second/set"].controls == ("first",)
    assert "first/set" in inlined.nodes["first"].controls


def test_calls_that_nothing_needs_are_left_out():
    graph = calling("f", "x", outputs="x")
    assert set(inline(graph, library_of(NEG)).nodes) == {"v", "x"}


def test_kept_functions_and_branches_stay():
    graph = make_graph(
        argument("x", FLOAT), argument("p", 10, 1),
        node("i", "StatelessIf", "p", "x", then_branch=function("f"), else_branch=function("f")),
        node("call", "f", "i"), outputs="call",
    )  # fmt: skip
    library = library_of(NEG)
    assert inline(graph, library).nodes["i"] is graph.nodes["i"]
    assert inline(graph, library, keep=lambda name: name == "f").nodes["call"].op == "f"


def test_names_that_are_taken():
    graph = make_graph(
        argument("x", FLOAT),
        node("call/n", "Neg", "x"),
        node("call", "f", "call/n"),
        outputs="call",
    )
    inlined = inline(graph, library_of(NEG))
    assert inlined.outputs == (Ref("call_1/n"),)
    assert inlined.nodes["call_1/n"].inputs == (Ref("call/n"),)


def test_attributes_of_a_call_fill_placeholders():
    proto = library_of(NEG)["f"]
    proto.signature.attr.add(name="T", type="type")
    proto.signature.input_arg[0].type = 0
    proto.signature.input_arg[0].type_attr = "T"
    proto.node_def[0].attr["T"].placeholder = "T"
    graph = make_graph(
        argument("x", FLOAT),
        node("call", "f", "x", T=dtype(2)),
        node("last", "f", "call", T=dtype(3)),
        outputs="last",
    )
    inlined = inline(graph, {"f": proto})
    assert inlined.nodes["call/n"].attrs["T"].type == 2
    assert inlined.nodes["last/n"].attrs["T"].type == 3
    with pytest.raises(SavedModelError, match="does not give its attribute 'T'"):
        inline(calling("f", "x", outputs="call"), {"f": proto})


def test_tables_keep_the_name_they_share():
    body = make_graph(
        argument("a", FLOAT),
        node("table", "HashTableV2", key_dtype=dtype(7), value_dtype=dtype(FLOAT)),
        node("n", "LookupTableFindV2", "table", "a", "a"),
        outputs="n",
        name="f",
    )
    inlined = inline(calling("f", "x", outputs="call"), library_of(body))
    assert inlined.nodes["call/table"].attrs["shared_name"].s == b"table"


def test_what_it_was_placed_with_is_forgotten():
    body = make_graph(
        argument("a", FLOAT),
        node("n", "Neg", "a", _class=attr_value(list={"s": [b"loc:@other"]})),
        outputs="n", name="f",
    )  # fmt: skip
    assert (
        "_class"
        not in inline(calling("f", "x", outputs="call"), library_of(body)).nodes["call/n"].attrs
    )


def test_functions_that_call_themselves_are_refused():
    def body(name, target):
        return make_graph(argument("a", FLOAT), node("n", target, "a"), outputs="n", name=name)

    library = {"g": None, "f": None}
    library = {**library_of(NEG), "g": library_of(NEG)["f"]}
    for name, target in [("f", "g"), ("g", "f")]:
        library[name] = function_def(body(name, target), [FLOAT], library)
    with pytest.raises(SavedModelError, match="a function calls itself: f -> g -> f"):
        inline(calling("f", "x", outputs="call"), library)


def chain(length, calls):
    """Functions that each call the next so many times."""
    library = library_of(NEG)
    library["f0"] = library["f"]
    for number in range(1, length):
        nodes = [argument("a", FLOAT)]
        for i in range(calls):
            nodes.append(node(f"n{i}", f"f{number - 1}", nodes[-1].name))
        graph = make_graph(*nodes, outputs=nodes[-1].name, name=f"f{number}")
        library[graph.name] = function_def(graph, [FLOAT], library)
    return library


def test_too_deep_and_too_large():
    deep = calling(f"f{inline_module.MAX_DEPTH + 9}", "x", target=f"f{inline_module.MAX_DEPTH + 9}",
                   outputs="call")  # fmt: skip
    with pytest.raises(SavedModelError, match="nest more than 100 levels"):
        inline(deep, chain(inline_module.MAX_DEPTH + 10, 1))
    wide = calling("f40", "x", target="f40", outputs="call")
    with pytest.raises(SavedModelError, match="accepted are 5000"):
        inline(wide, chain(41, 2), max_nodes=5000)


def test_calls_that_do_not_fit():
    with pytest.raises(SavedModelError, match="which the library lacks"):
        inline(calling("PartitionedCall", "x", outputs="call", target="gone"), {})
    with pytest.raises(SavedModelError, match="gives function 'f' 2 inputs; it takes 1"):
        inline(calling("f", "x", "x", outputs="call"), library_of(NEG))
    with pytest.raises(SavedModelError, match="has no output 3"):
        inline(calling("f", "x", outputs="call:3"), library_of(NEG))


def test_calls_in_branches_of_tf1_run_only_there():
    body = make_graph(argument("a", FLOAT), constant("c", np.float32(1)), outputs="c", name="f")
    graph = make_graph(
        argument("x", FLOAT), argument("p", 10, 1), node("s", "Switch", "x", "p", T=dtype(FLOAT)),
        node("call", "f", "s:1"), node("m", "Merge", "call", "s"), outputs="m",
    )  # fmt: skip
    inlined = inline(graph, library_of(body))
    (start,) = inlined.nodes["call/c"].controls
    assert inlined.nodes[start].op == "Identity"
    assert inlined.nodes[start].inputs == (Ref("s", 1),)
