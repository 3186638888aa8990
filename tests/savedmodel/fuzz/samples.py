"""Small models to damage, made with our own messages: every kind of thing that they can hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from anyhub.savedmodel import schema
from anyhub.savedmodel.dtypes import dtype_by_name
from anyhub.savedmodel.structured import (
    NamedTuple,
    TensorShape,
    TensorSpec,
    TypeSpec,
    structured_value,
)
from anyhub.savedmodel.tensors import tensor_proto

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus"
FLOAT = dtype_by_name("float32")
SPEC = TensorSpec((None, 3), FLOAT, "x")
VALUES: tuple[Any, ...] = (
    None, True, -7, 2.5, "text", [], (), {}, SPEC, TensorSpec(None, dtype_by_name("string")),
    TensorSpec((2,), FLOAT, "b", np.float32([0, 0]), np.float32([1, 1])),
    TensorShape((1, None)), TensorShape(None), dtype_by_name("int64"), np.arange(3),
    TypeSpec("RAGGED_TENSOR_SPEC", "RaggedTensorSpec", (TensorShape((None, None)), FLOAT, 1), 2),
    NamedTuple("Point", (("x", SPEC), ("y", [1, 2]))), {"a": [SPEC, (SPEC, None)], "b": {"c": 1}},
)  # fmt: skip


def structures() -> list[Any]:
    """Messages of structured values: each kind, all of them together, and nested deeply."""
    nested: Any = "core"
    for depth in range(30):
        nested = [nested] if depth % 2 else {"k": nested}
    return [structured_value(value) for value in (*VALUES, list(VALUES), nested)]


def tensors() -> list[Any]:
    """Messages of tensors, with raw content and with typed fields."""
    names = (
        "float32", "float64", "float16", "bfloat16", "int8", "int32", "int64", "uint32", "bool",
        "complex64",
    )  # fmt: skip
    found = [tensor_proto(np.arange(6).reshape(2, 3).astype(dtype_by_name(n).numpy)) for n in names]
    found.append(tensor_proto(np.array([b"a", b"", b"long" * 9], object)))
    for dtype, fields in (
        (1, {"float_val": [1.5, 2.5]}), (2, {"double_val": [1.5]}), (3, {"int_val": [1, 2, 3]}),
        (4, {"int_val": [255]}), (8, {"scomplex_val": [1, 2]}), (9, {"int64_val": [2**40]}),
        (10, {"bool_val": [True]}), (18, {"dcomplex_val": [1, 2]}), (19, {"half_val": [15360]}),
        (14, {"half_val": [16256]}), (22, {"uint32_val": [7]}), (23, {"uint64_val": [2**63]}),
        (7, {"string_val": [b"x", b"y"]}), (24, {"float8_val": b"\x3c"}), (3, {}),
    ):  # fmt: skip
        found.append(schema.TensorProto(dtype=dtype, **fields))
        found[-1].tensor_shape.dim.add(size=5)
    return found


def object_model() -> Any:
    """A TF2 model."""
    model = schema.SavedModel(saved_model_schema_version=1)
    graph = model.meta_graphs.add()
    graph.meta_info_def.tags.append("serve")
    graph.meta_info_def.tensorflow_version = "2.21.0"
    graph.asset_file_def.add(filename="words.txt").tensor_info.name = "asset:0"
    _add_nodes(graph.graph_def.node)
    function = graph.graph_def.library.function.add()
    function.signature.name = "trace"
    _add_nodes(function.node_def)
    graph.graph_def.library.gradient.add(function_name="trace", gradient_func="trace")
    _add_signature(graph.signature_def["serving_default"])
    _add_signature(graph.signature_def["other"])
    _add_objects(graph.object_graph_def)
    return model


def _add_nodes(nodes: Any) -> None:
    nodes.add(name="x", op="Placeholder").attr["dtype"].type = 1
    for index, tensor in enumerate(tensors()[::3]):
        node = nodes.add(name=f"const{index}", op="Const", input=["^x"])
        node.attr["value"].tensor.CopyFrom(tensor)
        node.attr["dtype"].type = tensor.dtype


def _add_signature(signature: Any) -> None:
    signature.method_name = "tensorflow/serving/predict"
    signature.inputs["x"].name = "x:0"
    signature.inputs["x"].dtype = 1
    signature.inputs["x"].tensor_shape.dim.add(size=-1)
    signature.outputs["sparse"].coo_sparse.values_tensor_name = "v:0"
    signature.outputs["sparse"].dtype = 9
    signature.outputs["parts"].composite_tensor.components.add(name="p:0", dtype=1)
    signature.outputs["parts"].dtype = 1
    signature.defaults["x"].CopyFrom(tensor_proto(np.float32([1, 2])))


def _add_objects(objects: Any) -> None:
    root = objects.nodes.add()
    root.user_object.identifier = "_generic_user_object"
    names = ("weight", "call", "bare", "optimizer", "file", "table", "held")
    for number, name in enumerate(names, start=1):
        root.children.add(node_id=number, local_name=name)
    variable = objects.nodes.add().variable
    variable.name, variable.dtype, variable.trainable = "weight", 1, True
    variable.shape.dim.add(size=3)
    function = objects.nodes.add().function
    function.concrete_functions.append("trace")
    function.function_spec.is_method = True
    function.function_spec.fullargspec.CopyFrom(structured_value(_argspec()))
    objects.nodes.add().bare_concrete_function.concrete_function_name = "trace"
    optimizer = objects.nodes.add()
    optimizer.user_object.identifier = "optimizer"
    optimizer.slot_variables.add(
        original_variable_node_id=1, slot_name="m", slot_variable_node_id=8
    )
    objects.nodes.add().asset.asset_file_def_index = 0
    objects.nodes.add().resource.device = ""
    objects.nodes.add().captured_tensor.name = "const0:0"
    slot = objects.nodes.add().variable
    slot.name, slot.dtype = "weight/m", 1
    trace = objects.concrete_functions["trace"]
    trace.bound_inputs.append(1)
    arguments = ((*VALUES,), {"training": False, "mask": None})
    trace.canonicalized_input_signature.CopyFrom(structured_value(arguments))
    trace.output_signature.CopyFrom(structured_value({"y": SPEC}))


def _argspec() -> NamedTuple:
    fields = {
        "args": ["self", "x", "training"], "varargs": None, "varkw": "kwargs",
        "defaults": (False,), "kwonlyargs": ["mask"], "kwonlydefaults": {"mask": None},
        "annotations": {},
    }  # fmt: skip
    return NamedTuple("FullArgSpec", tuple(fields.items()))


def graph_model() -> Any:
    """A TF1 model: variables in collections, two variants."""
    model = schema.SavedModel(saved_model_schema_version=1)
    for tags in (["serve"], ["serve", "gpu"]):
        graph = model.meta_graphs.add()
        graph.meta_info_def.tags.extend(tags)
        _add_nodes(graph.graph_def.node)
        _add_signature(graph.signature_def["serving_default"])
        for name in ("weight", "weight/m"):
            node = graph.graph_def.node.add(name=name, op="VariableV2")
            node.attr["dtype"].type = 1
            node.attr["shape"].shape.dim.add(size=3)
            variable = schema.VariableDef(variable_name=f"{name}:0", trainable=True)
            variable.save_slice_info_def.full_name = name
            for collection in ("variables", "trainable_variables"):
                values = graph.collection_def[collection].bytes_list.value
                values.append(variable.SerializeToString())
        graph.graph_def.node.add(name="loose", op="VarHandleOp").attr["dtype"].type = 9
    return model


def checkpoint_objects() -> Any:
    """The graph of objects in the checkpoint of `object_model`."""
    graph = schema.TrackableObjectGraph()
    root = graph.nodes.add()
    root.children.add(node_id=1, local_name="weight")
    root.children.add(node_id=2, local_name="optimizer")
    graph.nodes.add().attributes.add(name="VARIABLE_VALUE", checkpoint_key="weight/value")
    optimizer = graph.nodes.add()
    optimizer.slot_variables.add(
        original_variable_node_id=1, slot_name="m", slot_variable_node_id=3
    )
    graph.nodes.add().attributes.add(name="VARIABLE_VALUE", checkpoint_key="weight/m/value")
    return graph


def corpus_files(ending: str, largest: int) -> list[bytes]:
    """The small files of real models, none where the corpus is missing."""
    paths = sorted(CORPUS.rglob(f"saved_model.{ending}"))
    return [path.read_bytes() for path in paths if path.stat().st_size <= largest]
