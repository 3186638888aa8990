"""Compares with what TensorFlow makes of a model when it loads it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf
from comparison import values
from tensorflow.python.saved_model import load as load_module
from tensorflow.python.saved_model import loader_impl

from anyhub.savedmodel.functions import ArgSpec
from anyhub.savedmodel.variables import Variable, list_variables

if TYPE_CHECKING:
    from comparison.report import Report

    from anyhub.savedmodel.model import MetaGraph, SavedModel
    from anyhub.savedmodel.signatures import Signature


def compare_loaded(report: Report, name: str, directory: Path, model: SavedModel) -> None:
    """Compare with the objects, or for TF1 with the variables of the imported graph."""
    if not model.graphs[0].objects.nodes:
        for graph in model.graphs:
            _compare_collections(report, name, directory, graph, model)
        return
    try:
        nodes = load_nodes(directory)
    except Exception as error:
        report.not_loaded[name] = f"{type(error).__name__}: {str(error).splitlines()[0][:100]}"
        return
    report.counts["models that TensorFlow loads as objects"] += 1
    graph = model.graph()
    for variable in model.variables():
        _compare_variable(report, name, model, variable, nodes[variable.node_id or 0])
    _compare_functions(report, name, graph, nodes)
    _compare_signatures(report, name, graph.signatures, nodes[0].signatures)


def load_nodes(directory: Path) -> list[Any]:
    """All objects that TensorFlow makes of a model, by their numbers."""
    loaders = []

    class RecordingLoader(load_module.Loader):  # type: ignore[misc]
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            loaders.append(self)

    original = load_module.Loader
    load_module.Loader = RecordingLoader
    try:
        tf.saved_model.load(str(directory))
    finally:
        load_module.Loader = original
    return list(loaders[0]._nodes)


def _compare_variable(
    report: Report, name: str, model: SavedModel, variable: Variable, theirs: Any
) -> None:
    place = f"{name}: variable {variable.name}"
    # Optimizers make their slots, which have no path, anew, under names without their own.
    theirs_name = theirs.name.removesuffix(":0") if variable.path else variable.name
    found = (variable.name, variable.dtype.name, variable.shape, variable.trainable)
    expected = (theirs_name, theirs.dtype.name, values.shape(theirs.shape), theirs.trainable)
    report.check("restored variables", place, found, expected)
    if variable.key is not None:
        value = model.store.read(variable.key)
        expected_value = values.array(theirs.numpy())
        report.check("restored variables' values, bit for bit", place, value, expected_value)


def _compare_functions(report: Report, name: str, graph: MetaGraph, nodes: list[Any]) -> None:
    ids = {path: node for node, path in graph.objects.paths.items()}
    expected = sorted(
        path
        for node, path in graph.objects.paths.items()
        if type(nodes[node]).__name__ in {"RestoredFunction", "_WrapperFunction"}
    )
    report.check("lists of restored functions", name, list(graph.restored_functions), expected)
    for path, ours in graph.restored_functions.items():
        place = f"{name}: function {path}"
        theirs = nodes[ids[path]]
        traces = getattr(theirs, "concrete_functions", [theirs])
        spec = getattr(theirs, "function_spec", None)
        # An input signature takes the place of `*args`; what it says is in the trace, too.
        if spec is not None and spec.input_signature is None:
            expected_spec = argspec(spec.fullargspec)
            # TensorFlow drops the difference between no defaults and an empty dict of them.
            found = replace(ours.argspec, kwonlydefaults=ours.argspec.kwonlydefaults or None)
            report.check("restored functions' parameters", place, found, expected_spec)
        report.check("numbers of traces", place, len(ours.concrete_functions), len(traces))
        for trace, other in zip(ours.concrete_functions, traces, strict=True):
            arguments = values.ours(other.graph.structured_input_signature)
            report.check("restored traces' arguments", place, trace.input_signature, arguments)
            results = values.ours(other.graph.structured_outputs)
            report.check("restored traces' results", place, trace.output_signature, results)
            captures = len(other.captured_inputs)
            report.check("numbers of captures", place, len(trace.bound_inputs), captures)


def argspec(theirs: Any) -> ArgSpec:
    """Translate a FullArgSpec."""
    return ArgSpec(
        tuple(theirs.args),
        tuple(values.ours(value) for value in theirs.defaults or ()),
        theirs.varargs,
        theirs.varkw,
        tuple(theirs.kwonlyargs),
        values.ours(theirs.kwonlydefaults),
    )


def _compare_signatures(report: Report, name: str, ours: Any, theirs: Any) -> None:
    report.check("restored signatures' names", name, sorted(ours), sorted(theirs))
    for key in sorted(set(ours) & set(theirs)):
        place = f"{name}: signature {key}"
        specs = theirs[key].structured_input_signature[1]
        inputs = {k: (values.dtype(s.dtype), values.shape(s.shape)) for k, s in specs.items()}
        outputs = {
            k: (values.dtype(s.dtype), values.shape(s.shape))
            for k, s in theirs[key].structured_outputs.items()
        }
        report.check("restored signatures", place, _plain(ours[key]), (inputs, outputs))


def _plain(signature: Signature) -> Any:
    return tuple(
        {key: (info.dtype, info.shape) for key, info in infos.items()}
        for infos in (signature.inputs, signature.outputs)
    )


def _compare_collections(
    report: Report, name: str, directory: Path, graph: MetaGraph, model: SavedModel
) -> None:
    """TF1: the variables that TensorFlow finds in the graph when it imports it."""
    loader = loader_impl.SavedModelLoader(str(directory))
    theirs = loader.get_meta_graph_def_from_tags(sorted(graph.tags))
    with tf.Graph().as_default():
        try:
            tf.compat.v1.train.import_meta_graph(theirs, clear_devices=True)
        except Exception as error:
            report.not_loaded[name] = f"{type(error).__name__}: {str(error).splitlines()[0][:100]}"
            return
        report.counts["graphs that TensorFlow imports"] += 1
        trainable = {variable.name for variable in tf.compat.v1.trainable_variables()}
        collections = (
            tf.compat.v1.global_variables(),
            tf.compat.v1.trainable_variables(),
            tf.compat.v1.model_variables(),
            tf.compat.v1.local_variables(),
        )
        expected = {
            v.name.removesuffix(":0"): (
                v.dtype.base_dtype.name,
                values.shape(v.shape),
                v.name in trainable,
            )
            for collection in collections
            for v in collection
        }
    found = {
        v.name: (v.dtype.name, v.shape, v.trainable) for v in list_variables(graph, model.store)
    }
    for key, variable in expected.items():
        report.check("variables of TF1 graphs", f"{name}: {key}", found.pop(key, None), variable)
    listed_nowhere = {key for key in found if graph.nodes[key].op not in _VARIABLE_OPS}
    report.check("other variables of TF1 graphs", name, listed_nowhere, set())


_VARIABLE_OPS = ("VarHandleOp", "VariableV2", "Variable")
