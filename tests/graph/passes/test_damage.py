"""Models damaged at random are refused with an error of this package, or taken as they are."""

from __future__ import annotations

import random

import pytest

from anyhub import savedmodel
from anyhub.errors import SavedModelError
from anyhub.graph.endpoint import endpoint_graph, freeze_endpoint
from anyhub.graph.fold import fold
from support.corpus_cases import read_index

pytestmark = pytest.mark.corpus

OPS = """
Identity Merge Switch Enter Exit NextIteration If While PartitionedCall Case IdentityN NoOp
ReadVariableOp VarHandleOp VariableV2 ResourceGather Shape Unpack Pack Const _Arg StridedSlice Cast
Reshape ConcatV2 Split Fill Range RefSwitch HashTableV2 Conv2D Squeeze"""
NAMES = ["", "^", "^nope", "a:b:c", "x:-1", "x:99", ":", "x:output:5"]


def damage(rng, graph):
    """Change some nodes of a MetaGraphDef, or a function's signature."""
    functions = list(graph.graph_def.library.function)
    for _ in range(rng.randint(1, 6)):
        inside = functions and rng.random() < 0.7
        nodes = rng.choice(functions).node_def if inside else graph.graph_def.node
        if nodes:
            damage_node(rng, rng.choice(list(nodes)), [node.name for node in nodes], functions)
    if functions and rng.random() < 0.3:
        damage_signature(rng, rng.choice(functions))


def damage_node(rng, node, names, functions):
    kind = rng.choice(["input", "drop", "add", "op", "forget", "attribute", "name"])
    if kind in ("input", "drop") and node.input:
        position = rng.randrange(len(node.input))
        if kind == "drop":
            del node.input[position]
        else:
            other = rng.choice(names)
            node.input[position] = rng.choice([*NAMES, other, f"{other}:7", f"^{other}", node.name])
    elif kind == "add":
        node.input.append(rng.choice(names))
    elif kind == "op":
        node.op = rng.choice([*OPS.split(), "", *(f.signature.name for f in functions[:5])])
    elif kind == "name":
        node.name = rng.choice(["", "x", *names])
    elif node.attr:
        key = rng.choice(list(node.attr))
        if kind == "forget":
            node.attr.pop(key)
        else:
            damage_attribute(rng, node.attr[key], functions)


def damage_attribute(rng, value, functions):
    match rng.randrange(8):
        case 0:
            value.i = rng.choice([0, -1, 1 << 40, 7])
        case 1:
            value.s = b"\xff"
        case 2:
            value.type = rng.choice([0, 1, 3, 7, 20, 21, 101, 999])
        case 3:
            value.list.i.append(-3)
        case 4:
            value.func.name = rng.choice(["", "nope", *(f.signature.name for f in functions[:5])])
        case 5:
            value.placeholder = "T"
        case 6:
            value.shape.dim.add(size=-7)
        case _:
            value.tensor.tensor_shape.dim.add(size=rng.choice([0, -1, 3, 1 << 50]))


def damage_signature(rng, function):
    arguments = function.signature.input_arg
    match rng.randrange(5):
        case 0 if function.ret:
            function.ret[rng.choice(list(function.ret))] = rng.choice(["", "zz", "a:b", "x:0:5"])
        case 1 if arguments:
            del arguments[0]
        case 2 if arguments:
            arguments[0].number_attr = "N"
        case 3:
            function.signature.attr.add(name="T")
        case _ if arguments:
            arguments[0].type = rng.choice([0, 1, 999])


@pytest.mark.parametrize("start", range(0, 240, 40))
def test_damaged_graphs(corpus, start):
    rows = [row for row in read_index(corpus) if row["n_nodes"] < 500]
    refused = 0
    for seed in range(start, start + 40):
        rng = random.Random(seed)
        model = savedmodel.read(corpus / rng.choice(rows)["dir"])
        damage(rng, model.proto.meta_graphs[0])
        graph = model.graphs[0]
        for name in [*graph.proto.signature_def, *graph.proto.object_graph_def.concrete_functions][
            :4
        ]:
            try:
                endpoint = endpoint_graph(model, name, tags=graph.tags, keep_effects=bool(seed % 2))
                fold(endpoint.graph)
                freeze_endpoint(model, endpoint)
            except SavedModelError:
                refused += 1
    assert refused
