"""Random programs give the same before and after each pass, in whatever order their nodes run."""

from __future__ import annotations

import numpy as np
import pytest

from anyhub.graph.fold import fold
from anyhub.graph.freeze import freeze
from anyhub.graph.inline import inline
from anyhub.graph.needed import reachable
from anyhub.graph.prune import prune
from support.graph_interpreter import Machine
from support.graph_programs import make_program

VARIABLES = {"v0": 3, "v1": -2}
ORDERS = 4


def outcome(graph, library, seed):
    """Outputs, variables and log after a run."""
    machine = Machine(library, VARIABLES, seed)
    with np.errstate(all="ignore"):
        outputs = machine.run(graph, ["v0", "v1", np.int64(5), np.int64(7)])
    return [int(v) for v in outputs], {n: int(v) for n, v in machine.variables.items()}, machine.log


@pytest.mark.parametrize("seed", range(150))
def test_effects_keep_their_order(seed):
    graph, library = make_program(seed)
    expected = outcome(graph, library, 0)
    assert expected == outcome(graph, library, 1), "the program itself depends on the order"
    inlined = inline(graph, library)
    for changed in (inlined, prune(inlined), fold(inlined), prune(fold(prune(inlined)))):
        for order in range(ORDERS):
            assert outcome(changed, library, order) == expected


@pytest.mark.parametrize("seed", range(150))
def test_outputs_alone_stay(seed):
    graph, library = make_program(seed)
    expected, *_ = outcome(graph, library, 0)
    inlined = inline(graph, library)
    pruned = prune(inlined, keep_effects=False)
    assert not pruned.controls
    assert len(pruned.nodes) <= len(inlined.nodes)
    for order in range(ORDERS):
        assert outcome(pruned, library, order)[0] == expected


@pytest.mark.parametrize("seed", range(60))
def test_frozen_variables_are_their_values(seed):
    graph, library = make_program(seed, writes=False)
    expected, *_ = outcome(graph, library, 0)
    values = {"r0": np.int64(3), "r1": np.int64(-2)}
    for before in (prune(inline(graph, library)), prune(graph)):
        frozen = freeze(before, values, library)
        assert frozen.graph.inputs == ("x", "y")
        for changed in (frozen.graph, prune(fold(prune(frozen.graph)))):
            assert not {"ReadVariableOp"} & {node.op for node in changed.nodes.values()}
            machine = Machine({**frozen.library}, {}, seed)
            outputs = machine.run(changed, [np.int64(5), np.int64(7)])
            assert [int(v) for v in outputs] == expected


def test_a_missing_edge_shows():
    """The comparison can fail: without control edges some order gives something else."""
    broken = 0
    for seed in range(20):
        graph, library = make_program(seed)
        inlined = inline(graph, library)
        nodes = {
            name: type(node)(name, node.op, node.inputs, (), node.attrs)
            for name, node in inlined.nodes.items()
        }
        loose = inlined.with_nodes(nodes)
        results = [outcome(loose, library, order) for order in range(8)]
        broken += any(result != outcome(graph, library, 0) for result in results)
    assert broken > 5


def test_nothing_needed_is_lost():
    graph, library = make_program(3)
    inlined = inline(graph, library)
    assert reachable(inlined) | set(inlined.inputs) == set(inlined.nodes)
