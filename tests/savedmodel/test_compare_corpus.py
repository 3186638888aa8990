"""The models of the corpus read as TensorFlow reads them; and the comparison can fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is the oracle and is not installed")

from compare_corpus import compare_corpus, compare_model, find_models
from comparison.files import compare_files
from comparison.loaded import compare_loaded
from comparison.report import Report

from anyhub.savedmodel.reading import read
from anyhub.savedmodel.variables import VariableStore

if TYPE_CHECKING:
    from anyhub.savedmodel.model import SavedModel

pytestmark = pytest.mark.corpus

MODEL = "SciSharp__TensorFlow.NET/TensorFlowNET.Keras.UnitTest--Assets--python_func_model"


def test_all_models_agree(corpus: Path) -> None:
    pytest.importorskip("tensorflow_text", reason="some models need its ops")
    report = compare_corpus(corpus)
    assert report.differences == []
    assert report.refused == {}
    assert len(report.not_loaded) <= 3
    (reason,) = report.without_values.values()
    assert reason == "no value 'global_step': the model was saved without variables"
    counts = report.counts
    assert counts["models"] == counts["models parsed"] == len(find_models(corpus)) == 107
    assert counts["checkpoints"] == 90
    assert counts["checkpoint values, bit for bit"] >= 1108
    assert counts["signatures"] >= 166
    assert counts["constants of graphs"] >= 33_000
    assert counts["restored traces' arguments"] >= 900
    assert counts["restored functions' parameters"] >= 300
    assert counts["restored variables' values, bit for bit"] >= 500
    assert counts["variables of TF1 graphs"] >= 500


class FlippedStore(VariableStore):
    """One bit of one value of each model is wrong."""

    def read(self, key: str) -> np.ndarray[Any, Any]:
        value = super().read(key)
        if key != max(self.keys()):
            return value
        flipped = value.copy()
        flipped.reshape(-1).view(np.uint8)[0] ^= 1
        return flipped


def flip_a_weight(model: SavedModel) -> SavedModel:
    return replace(model, store=FlippedStore(model.store.prefix))


def edit(change: Callable[[Any], None]) -> Callable[[SavedModel], SavedModel]:
    def edited(model: SavedModel) -> SavedModel:
        proto = type(model.proto)()
        proto.CopyFrom(model.proto)
        change(proto.meta_graphs[0])
        return model.with_proto(proto)

    return edited


def edit_a_signature(graph: Any) -> None:
    inputs = graph.signature_def["serving_default"].inputs
    inputs[next(iter(inputs))].tensor_shape.dim[-1].size += 1


def edit_a_variable(graph: Any) -> None:
    node = next(n for n in graph.object_graph_def.nodes if n.WhichOneof("kind") == "variable")
    node.variable.shape.dim.add(size=1)


def edit_a_trace(graph: Any) -> None:
    functions = graph.object_graph_def.concrete_functions
    for key in functions:
        result = functions[key].output_signature
        for part in (result, *result.list_value.values, *result.tuple_value.values):
            if part.WhichOneof("kind") == "tensor_spec_value":
                part.tensor_spec_value.name += "x"
                return
    raise AssertionError("no trace gives a tensor")


def edit_a_constant(graph: Any) -> None:
    nodes = [n for f in graph.graph_def.library.function for n in f.node_def if n.op == "Const"]
    nodes[0].attr["value"].tensor.ClearField("tensor_content")
    nodes[0].attr["value"].tensor.int_val[:] = [77]
    nodes[0].attr["value"].tensor.dtype = 3


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (flip_a_weight, "checkpoint values, bit for bit"),
        (flip_a_weight, "restored variables' values, bit for bit"),
        (edit(edit_a_signature), "signatures"),
        (edit(edit_a_signature), "restored signatures"),
        (edit(edit_a_variable), "variables' types and shapes"),
        (edit(edit_a_variable), "restored variables"),
        (edit(edit_a_trace), "traces' results, decoded"),
        (edit(edit_a_trace), "restored traces' results"),
        (edit(edit_a_constant), "constants of graphs"),
        (edit(lambda graph: graph.meta_info_def.tags.append("more")), "tags"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_difference_is_found(
    corpus: Path, damage: Callable[[SavedModel], SavedModel], what: str
) -> None:
    directory = corpus / MODEL
    report = Report()
    model = damage(read(directory))
    compare_files(report, "model", directory, model)
    compare_loaded(report, "model", directory, model)
    assert any(f": {what}: " in text for text in report.differences), report.differences
    assert len(report.differences) <= 6


def test_a_broken_model_is_counted_as_refused(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "saved_model.pb").write_bytes(b"\x08\x01\x12\xff")
    report = compare_model(tmp_path, tmp_path / "model")
    assert report.counts["models parsed"] == 0
    place = str(tmp_path / "model" / "saved_model.pb")
    assert place in report.refused["model"]
    assert "(4 bytes) is cut short" in report.refused["model"]
