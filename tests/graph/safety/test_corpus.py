"""The gate on real models that others wrote."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf import text_format
from google.protobuf.message import DecodeError

from anyhub.graph import safety
from anyhub.graph.safety import Family
from anyhub.savedmodel import schema

pytestmark = pytest.mark.corpus

# Each was looked at; why it is right is said in the comment.
FINDINGS = {
    # A left-over function streams from the Reverb server at localhost:14457 (op of dm-reverb).
    "google-deepmind__rgb_stacking/assets--saved_models--mpo_state_rgb_test_triplet1": {
        ("ReverbTimestepDataset", Family.UNKNOWN_OP, 1)
    },
    # Two engines that TensorRT compiled for one GPU, as bytes in an attribute.
    "tensorflow__serving/servables--tensorflow--testdata--saved_model_half_plus_two_gpu_trt"
    "--00000123@145b3374": {("TRTEngineOp", Family.CODE, 2)},
}


def read(path: Path):
    model = schema.SavedModel()
    if path.suffix == ".pbtxt":
        return text_format.Parse(path.read_text("utf-8"), model)
    model.ParseFromString(path.read_bytes())
    return model


def rows(corpus: Path) -> Iterator[dict]:
    with (corpus / "index.jsonl").open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def test_findings_on_real_models(corpus: Path) -> None:
    found, unreadable, scanned = {}, [], 0
    for row in rows(corpus):
        root = corpus / row["dir"]
        try:
            model = read(root / row["pb_file"])
        except (DecodeError, text_format.ParseError, UnicodeDecodeError):
            unreadable.append(row["dir"])
            continue
        scanned += 1
        findings = safety.scan(model, safety.list_assets(root))
        if findings:
            ops = [(finding.op, finding.family) for finding in findings]
            found[row["dir"]] = {(*op, ops.count(op)) for op in ops}
    assert found == FINDINGS
    assert unreadable == []
    assert scanned == 107


def test_without_assets_their_tables_are_refused(corpus: Path) -> None:
    """The comparison of the test above can fail: this is how a model would show up in it."""
    refused = set()
    for row in rows(corpus):
        findings = safety.scan(read(corpus / row["dir"] / row["pb_file"]))
        if any(finding.op.startswith("InitializeTable") for finding in findings):
            refused.add(row["dir"])
    assert len(refused) == 9


def test_damaged_models_are_scanned_or_unreadable(corpus: Path) -> None:
    """Nothing that parses makes the gate itself fail."""
    chance = random.Random(0)
    graphs = [corpus / row["dir"] / row["pb_file"] for row in rows(corpus)]
    small = [path for path in graphs if path.suffix == ".pb" and path.stat().st_size < 40_000]
    scanned = 0
    for path in small:
        data = path.read_bytes()
        for _ in range(20):
            changed = bytearray(data)
            for _ in range(chance.randint(1, 4)):
                changed[chance.randrange(len(changed))] = chance.randrange(256)
            try:
                model = schema.SavedModel.FromString(bytes(changed))
            except DecodeError:
                continue
            safety.scan(model)
            scanned += 1
    assert scanned > 100
