"""hub.inspect: what a model offers, without a framework."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import anyhub as hub
from anyhub.errors import SavedModelError
from anyhub.inspection import ArgumentReport
from support.reference import corpus_rows


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("tensorflow", reason="makes the models with TensorFlow")
    from support import models

    folder = tmp_path_factory.mktemp("inspected")
    for name in ("mul", "text", "signatures", "trainable", "dict", "tf1_hub"):
        getattr(models, f"save_{name}")(folder / name)
    return folder


def endpoints(path: Path) -> dict:
    (variant,) = hub.inspect(path).variants
    return {endpoint.name: endpoint for endpoint in variant.endpoints}


def test_functions_with_python_values(models: Path) -> None:
    call = endpoints(models / "trainable")["__call__"]
    assert call.parameters == ("inputs", "training=False", "rate=0.5")
    assert len(call.forms) == 4
    assert call.forms[0].arguments[0] == ArgumentReport("inputs", "float32 (?, 3)")
    values = {(form.arguments[1].type, form.arguments[2].type) for form in call.forms}
    assert values == {("True", "0.5"), ("True", "0.0"), ("False", "0.5"), ("False", "0.0")}
    assert not call.forms[0].arguments[1].is_tensor
    assert call.engines == ("tensorflow", "portable")


def test_nested_arguments_and_results(models: Path) -> None:
    (form,) = endpoints(models / "dict")["__call__"].forms
    assert [leaf.name for leaf in form.arguments] == ["inputs['ids']", "inputs['mask']"]
    assert [leaf.name for leaf in form.results] == ["result['pooled']", "result['raw']"]


def test_signatures(models: Path) -> None:
    add = endpoints(models / "signatures")["add"]
    assert (add.kind, add.method_name) == ("signature", "tensorflow/serving/predict")
    assert [leaf.name for leaf in add.forms[0].arguments] == ["a", "b"]
    assert add.engines == ("tensorflow", "portable")


def test_whole_report(models: Path) -> None:
    report = hub.inspect(models / "text")
    assert (report.format, report.findings) == ("SavedModel", ())
    (variant,) = report.variants
    assert variant.assets == ("text.vocabulary.txt",)
    assert variant.ops["LookupTableFindV2"] >= 1
    # The table of vectors, and the save_counter of tf.train.Checkpoint.
    assert (variant.variables.count, variant.variables.bytes) == (2, 5 * 4 * 4 + 8)
    assert report.disk_bytes > 1000
    assert json.loads(json.dumps(report.to_dict()))["path"] == str(models / "text")


def test_variants(models: Path) -> None:
    report = hub.inspect(models / "tf1_hub")
    assert report.format == "TF1 Hub"
    assert [variant.tags for variant in report.variants] == [(), ("train",)]


def test_damaged_file(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"\x12\x80")
    with pytest.raises(SavedModelError, match=r"saved_model.pb' \(2 bytes\) is cut short"):
        hub.inspect(tmp_path)


@pytest.mark.corpus
def test_corpus(corpus: Path) -> None:
    """Every model is described; signatures and counts are those that TensorFlow reported."""
    counts: Counter[str] = Counter()
    for row in corpus_rows(corpus):
        report = hub.inspect(corpus / row["dir"])
        counts["models"] += 1
        counts["unsafe"] += bool(report.findings)
        names = {e.name for v in report.variants for e in v.endpoints if e.kind == "signature"}
        expected = {name for name in row["signatures"] or {} if not name.startswith("__")}
        assert expected <= names, row["dir"]
        assert row["n_variables"] in [v.variables.count for v in report.variants], row["dir"]
    assert counts == {"models": 107, "unsafe": 2}


@pytest.mark.corpus
def test_command_line(corpus: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "anyhub", "inspect", *arguments]
        wide = {**os.environ, "COLUMNS": "160"}
        return subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, env=wide
        )

    model = corpus / "spotify__basic-pitch/basic_pitch--saved_models--icassp_2022--nmp"
    text = run(str(model)).stdout
    for words in (
        "73 variables",
        "__call__(inputs, training=False, mask=None)",
        "runs on: portable, tensorflow",
    ):
        assert words in text
    safe = run(str(model), "--safety")
    assert (safe.returncode, safe.stdout) == (0, "nothing found: the model only computes\n")
    unsafe = run(
        str(
            corpus
            / "google-deepmind__rgb_stacking/assets--saved_models--mpo_state_rgb_test_triplet1"
        ),
        "--safety",
    )
    assert unsafe.returncode == 1
    assert "ReverbTimestepDataset" in unsafe.stdout
