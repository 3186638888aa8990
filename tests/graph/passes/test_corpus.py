"""The passes on real models: TensorFlow runs the graphs, its earlier answers are in the corpus."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from anyhub import savedmodel
from anyhub.errors import SavedModelError
from anyhub.graph.attributes import call_target
from anyhub.graph.convert import read_function
from anyhub.graph.effects import has_control_flow
from anyhub.graph.endpoint import endpoint_graph, find_function, freeze_endpoint
from anyhub.graph.fold import fold
from anyhub.graph.function_def import function_def
from anyhub.graph.inference import Facts
from anyhub.graph.ir import Ref, topological_order
from anyhub.graph.prune import prune
from anyhub.savedmodel.dtypes import dtype_by_number
from support.corpus_cases import leaf_names, read_cases, read_index

pytestmark = pytest.mark.corpus


def models(corpus):
    return ((row, savedmodel.read(corpus / row["dir"])) for row in read_index(corpus))


def test_every_endpoint(corpus):
    """Every signature and concrete function is inlined, pruned and folded, and keeps an order."""
    count = Counter()
    for row, model in models(corpus):
        for graph in model.graphs:
            for name in [*graph.signatures, *graph.concrete_functions]:
                for keep_effects in (True, False):
                    endpoint = endpoint_graph(
                        model, name, tags=graph.tags, keep_effects=keep_effects
                    )
                    folded = prune(fold(endpoint.graph), keep_effects)
                    where = f"{row['dir']} {name}"
                    assert len(topological_order(endpoint.graph)) == len(endpoint.graph.nodes), (
                        where
                    )
                    assert len(folded.nodes) <= len(endpoint.graph.nodes), where
                    assert folded.inputs == endpoint.graph.inputs, where
                    calls = (call_target(node, graph.functions) for node in folded.nodes.values())
                    assert not any(calls), where
                    count["endpoints"] += 1
    print(count)
    assert count["endpoints"] > 1500


def test_functions_written_and_read_again(corpus):
    count = 0
    for _row, model in models(corpus):
        for graph in model.graphs:
            for proto in graph.functions.values():
                if any(a.number_attr or a.type_list_attr for a in proto.signature.output_arg):
                    continue
                if any(node.op == "ReverbTimestepDataset" for node in proto.node_def):
                    continue  # an op of another library, whose outputs are not known
                before = read_function(proto, graph.functions)
                types = [argument.type for argument in proto.signature.output_arg]
                after = read_function(function_def(before, types, graph.functions), graph.functions)
                assert (after.inputs, after.outputs) == (before.inputs, before.outputs)
                assert {*after.controls} == {*before.controls}
                for name, node in before.nodes.items():
                    made = after.nodes[name]
                    assert (made.op, made.inputs, made.controls) == (
                        node.op,
                        node.inputs,
                        node.controls,
                    )
                count += 1
    assert count > 1000


class Run:
    """A frozen endpoint and the inputs of a case."""

    def __init__(self, model, row, case):
        tags = row["tags_used"]
        endpoint = endpoint_graph(model, case.name, tags=tags, trace=case.trace, keep_effects=False)
        self.others = sorted({c.kind for c in endpoint.captures if c.kind != "variable"})
        if self.others:
            return
        self.frozen = freeze_endpoint(model, endpoint)
        self.graph = self.frozen.graph
        names = endpoint.arguments
        self.output_names = self.graph.output_names
        if case.kind == "signature":
            names = [endpoint.input_names[key][0] for key in case.inputs]
        else:
            trace = find_function(model.graph(tags), case.name, case.trace)
            self.output_names = leaf_names(trace.output_signature)
        self.fed = {}
        for name, value in zip(names, case.inputs.values(), strict=True):
            dtype = dtype_by_number(self.graph.nodes[name].attrs["T"].type).numpy
            self.fed[name] = value.astype(dtype, copy=False)

    def compute(self, graph, wanted):
        """Fetch tensors from a TensorFlow session."""
        import tensorflow as tf

        from support.tensorflow_graphs import to_tensorflow

        with tf.Graph().as_default() as built:
            tf.graph_util.import_graph_def(to_tensorflow(graph, self.frozen.library), name="")
        # Some models ask for a GPU.
        config = tf.compat.v1.ConfigProto(allow_soft_placement=True)
        # The graph as it is: with constant weights TensorFlow fuses ops, and rounds differently.
        config.graph_options.rewrite_options.disable_meta_optimizer = True
        with tf.compat.v1.Session(graph=built, config=config) as session:
            found = session.run(wanted, {f"{name}:0": value for name, value in self.fed.items()})
        return [np.asarray(v, object) if isinstance(v, bytes) else np.asarray(v) for v in found]


def known_refs(facts, node):
    if node.op in ("Const", "_Arg", "NoOp", "VarHandleOp"):
        return []
    known = {*facts.values_of(node.name)}
    if facts.shape(Ref(node.name)) is not None:
        known.add(0)
    return [Ref(node.name, index) for index in sorted(known)]


def check_facts(run, where):
    """Values and shapes that are said to be certain are what TensorFlow computes."""
    if has_control_flow(run.graph):
        return 0
    facts = Facts(run.graph, {name: value.shape for name, value in run.fed.items()})
    for name in topological_order(run.graph):
        facts.learn(run.graph.nodes[name])
    refs = [ref for node in run.graph.nodes.values() for ref in known_refs(facts, node)]
    for ref, value in zip(refs, run.compute(run.graph, [*map(str, refs)]), strict=True):
        known = facts.values_of(ref.node).get(ref.index)
        if known is not None:
            assert known.dtype == value.dtype, f"{where} {ref}"
            np.testing.assert_array_equal(known, value, f"{where} {ref}")
        pairs = zip(facts.shape(ref), value.shape, strict=True)
        assert all(a in (None, b) for a, b in pairs), f"{where} {ref}"
    return len(refs)


def close(ours, theirs, spread):
    """Equal within 1e-4, or by as much as TensorFlow differs from itself with other kernels."""
    if ours.dtype.kind in "OSb":
        return np.array_equal(ours, theirs)
    wide = np.complex128 if "c" in (ours.dtype.kind, theirs.dtype.kind) else np.float64
    return ours.shape == theirs.shape and np.allclose(
        ours.astype(wide), theirs.astype(wide), rtol=1e-4, atol=1e-5 + 4 * spread, equal_nan=True
    )


def judge(model, row, case, count):
    """Run a case; says what came of it."""
    if not case.deterministic:
        return "not deterministic"
    try:
        run = Run(model, row, case)
    except SavedModelError as error:
        return "assigns" if "changes it" in str(error) else f"refused: {error}"
    if run.others:
        return "captures " + ", ".join(run.others)
    if not run.graph.outputs:
        return "no outputs"
    count["facts"] += check_facts(run, str(case))
    expected = dict(case.outputs)
    if len(run.output_names) == len(expected) == 1:
        expected = {run.output_names[0]: next(iter(expected.values()))}
    for graph in (run.graph, prune(fold(run.graph))):
        outputs = run.compute(graph, [*map(str, graph.outputs)])
        for name, value in zip(run.output_names, outputs, strict=True):
            spread = max([0.0, *case.spread.values()])
            assert close(value, expected[name], spread), f"{case} output {name!r}"
    return "equal"


def test_the_comparison_can_fail():
    assert not close(np.float32([1.0]), np.float32([1.001]), 0)
    assert not close(np.float32([np.nan]), np.float32([1]), 0)
    assert not close(np.array([b"a"], object), np.array([b"b"], object), 0)


def test_frozen_models_compute_what_tensorflow_does(corpus):
    pytest.importorskip("tensorflow", reason="TensorFlow runs the frozen graphs")
    pytest.importorskip("tensorflow_text", reason="some models need its ops")
    count = Counter()
    for row, model in models(corpus):
        for case in read_cases(corpus, row):
            count[judge(model, row, case, count)] += 1
    print("\n".join(f"{number:6} {what}" for what, number in count.most_common()))
    assert count["equal"] >= 220
    refused = [what for what in count if what.startswith("refused")]
    # Metrics are local variables, which no checkpoint has.
    assert all("takes a variable without a value" in what for what in refused)


def loaded_captures(loaded, model, case, endpoint):
    """What TensorFlow captures for the inputs of an endpoint that are no arguments."""
    function = loaded
    for name in case.name.split("."):
        function = getattr(function, name)
    concrete = function.concrete_functions[case.trace]
    meta_graph = model.graph("serve" if len(model.graphs) > 1 else None)
    proto = meta_graph.functions[find_function(meta_graph, case.name, case.trace).name]
    inputs = read_function(proto, meta_graph.functions).inputs
    captured = concrete.captured_inputs
    by_name = dict(zip(inputs[len(inputs) - len(captured) :], captured, strict=True))
    return [by_name[name] for name in endpoint.graph.inputs[len(endpoint.arguments) :]]


def test_loaded_models_with_tables_compute_the_same(corpus):
    """With the variables and tables of the loaded model as captures, effects included."""
    tf = pytest.importorskip("tensorflow", reason="TensorFlow loads the models and runs the graphs")
    pytest.importorskip("tensorflow_text", reason="some models need its ops")
    from support.tensorflow_graphs import as_function

    count = Counter()
    for row, model in models(corpus):
        cases = [case for case in read_cases(corpus, row) if case.kind in ("call", "function")]
        cases = [case for case in cases if case.deterministic and row["format"] == "tf2"]
        if not cases or not (row["has_tables"] or row["bytes"] < 1 << 20):
            continue
        loaded = tf.saved_model.load(str(corpus / row["dir"]))
        for case in cases:
            endpoint = endpoint_graph(model, case.name, tags=row["tags_used"], trace=case.trace)
            captures = loaded_captures(loaded, model, case, endpoint)
            graph = prune(fold(endpoint.graph))
            values = zip(endpoint.arguments, case.inputs.values(), strict=True)
            dtypes = {n: tf.as_dtype(graph.nodes[n].attrs["T"].type) for n in endpoint.arguments}
            fed = [tf.constant(value, dtypes[name]) for name, value in values]
            outputs = [v.numpy() for v in as_function(graph, endpoint.library, captures)(*fed)]
            trace = find_function(model.graph(row["tags_used"]), case.name, case.trace)
            names = leaf_names(trace.output_signature)
            for name, value in zip(names, outputs, strict=False):
                expected = case.outputs.get(name)
                if expected is not None:
                    ours = np.asarray(value, object) if isinstance(value, bytes) else value
                    assert close(ours, expected, max([0.0, *case.spread.values()])), str(case)
                    count["tables" if row["has_tables"] else "plain"] += 1
    print(count)
    assert count["tables"] >= 5
