"""Compares what the files say with TensorFlow's own messages and checkpoint reader."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf
from comparison import values
from tensorflow.python.saved_model import loader_impl, nested_structure_coder

from anyhub.errors import SavedModelError
from anyhub.savedmodel.signatures import INTERNAL_SIGNATURES, Signature, TensorInfo
from anyhub.savedmodel.tensors import read_tensor
from anyhub.savedmodel.variables import list_variables

if TYPE_CHECKING:
    from comparison.report import Report

    from anyhub.savedmodel.model import MetaGraph, SavedModel

_FULL_NAMES = {"name": "dense", "coo_sparse": "sparse", "composite_tensor": "composite"}


def compare_files(report: Report, name: str, directory: Path, model: SavedModel) -> None:
    """Compare everything that needs no op of TensorFlow to be registered."""
    proto = loader_impl.parse_saved_model(str(directory))
    report.check("numbers of variants", name, len(model.graphs), len(proto.meta_graphs))
    for graph, theirs in zip(model.graphs, proto.meta_graphs, strict=True):
        _compare_graph(report, name, graph, theirs)
        _compare_variables(report, name, graph, model)
    compare_checkpoint(report, name, directory, model)


def compare_checkpoint(report: Report, name: str, directory: Path, model: SavedModel) -> None:
    """Compare all values of the checkpoint, bit for bit."""
    prefix = directory / "variables" / "variables"
    if not prefix.with_name("variables.index").is_file():
        report.check("models without a checkpoint", name, model.store.keys(), ())
        _compare_missing_values(report, name, model)
        return
    reader = tf.train.load_checkpoint(str(prefix))
    keys = sorted(reader.get_variable_to_shape_map())
    report.check("checkpoints", name, sorted(model.store.keys()), keys)
    for key in keys:
        expected = values.array(reader.get_tensor(key))
        found = model.store.read(key)
        report.check("checkpoint values, bit for bit", f"{name}: {key}", found, expected)
        report.counts["bytes of checkpoint values"] += expected.nbytes


def _compare_missing_values(report: Report, name: str, model: SavedModel) -> None:
    """Where the checkpoint is missing, a value is refused when it is asked for."""
    for graph in model.graphs:
        for variable in list_variables(graph, model.store)[:1]:
            try:
                model.store.read(variable.key or variable.name)
                report.differences.append(f"{name}: {variable.name} has a value without a file")
            except SavedModelError as error:
                report.without_values[name] = str(error)


def _compare_graph(report: Report, name: str, graph: MetaGraph, theirs: Any) -> None:
    report.check("tags", name, sorted(graph.tags), sorted(theirs.meta_info_def.tags))
    report.check("assets", name, list(graph.assets), [a.filename for a in theirs.asset_file_def])
    report.counts["asset files"] += len(graph.assets)
    names = {node.name: node.op for node in theirs.graph_def.node}
    report.check("graphs' nodes", name, {k: node.op for k, node in graph.nodes.items()}, names)
    library = [f.signature.name for f in theirs.graph_def.library.function]
    report.check("function libraries", name, sorted(graph.functions), sorted(library))
    _compare_constants(report, name, graph, theirs)
    protos = {k: v for k, v in theirs.signature_def.items() if k not in INTERNAL_SIGNATURES}
    report.check("lists of signatures", name, sorted(graph.signatures), sorted(protos))
    for key in sorted(set(protos) & set(graph.signatures)):
        expected = _signature(protos[key])
        report.check("signatures", f"{name}: {key}", graph.signatures[key], expected)
    _compare_structures(report, name, graph, theirs.object_graph_def)


def _compare_constants(report: Report, name: str, graph: MetaGraph, theirs: Any) -> None:
    library = theirs.graph_def.library.function
    libraries = zip(graph.proto.graph_def.library.function, library, strict=True)
    groups = [(graph.proto.graph_def.node, theirs.graph_def.node)]
    groups += [(a.node_def, b.node_def) for a, b in libraries]
    for ours, others in groups:
        for node, other in zip(ours, others, strict=True):
            if other.op == "Const":
                found = read_tensor(node.attr["value"].tensor)
                expected = values.array(tf.make_ndarray(other.attr["value"].tensor))
                report.check("constants of graphs", f"{name}: {other.name}", found, expected)


def _signature(proto: Any) -> Signature:
    return Signature(
        {key: _tensor_info(info) for key, info in proto.inputs.items()},
        {key: _tensor_info(info) for key, info in proto.outputs.items()},
        proto.method_name,
        {k: values.array(tf.make_ndarray(tensor)) for k, tensor in proto.defaults.items()},
    )


def _tensor_info(proto: Any) -> TensorInfo:
    kind = proto.WhichOneof("encoding") or "name"
    names = {
        "name": lambda: (proto.name,),
        "coo_sparse": lambda: (
            proto.coo_sparse.values_tensor_name,
            proto.coo_sparse.indices_tensor_name,
            proto.coo_sparse.dense_shape_tensor_name,
        ),
        "composite_tensor": lambda: tuple(c.name for c in proto.composite_tensor.components),
    }[kind]()
    dtype = values.dtype(tf.as_dtype(proto.dtype)) if proto.dtype else None
    shape = values.shape(tf.TensorShape(proto.tensor_shape))
    return TensorInfo(names, dtype, shape, _FULL_NAMES[kind])


def _compare_structures(report: Report, name: str, graph: MetaGraph, theirs: Any) -> None:
    """The arguments and results of the traces, decoded by TensorFlow's own coder."""
    functions = graph.concrete_functions
    report.check("lists of traces", name, sorted(functions), sorted(theirs.concrete_functions))
    for key, proto in theirs.concrete_functions.items():
        place = f"{name}: {key}"
        if proto.HasField("canonicalized_input_signature"):
            expected = nested_structure_coder.decode_proto(proto.canonicalized_input_signature)
            found = functions[key].input_signature
            report.check("traces' arguments, decoded", place, found, values.ours(expected))
        if proto.HasField("output_signature"):
            expected = nested_structure_coder.decode_proto(proto.output_signature)
            found = functions[key].output_signature
            report.check("traces' results, decoded", place, found, values.ours(expected))


def _compare_variables(report: Report, name: str, graph: MetaGraph, model: SavedModel) -> None:
    """Variables against the entries of the checkpoint that they point to."""
    for variable in list_variables(graph, model.store):
        report.counts["variables"] += 1
        if variable.key is None:
            report.counts["variables without a saved value"] += 1
            continue
        value = model.store.read(variable.key)
        expected = str(value.dtype), variable.shape and value.shape
        found = str(variable.dtype.numpy), variable.shape
        report.check("variables' types and shapes", f"{name}: {variable.name}", found, expected)
