"""Runs 2,000 cases of the fuzz programs; run those by themselves for more."""

from __future__ import annotations

from typing import Any

import format_fuzz
import pytest
import run_all
from samples import checkpoint_objects, graph_model, object_model
from walking import use_model

# Of protobuf's parser of texts, about bytes that were damaged.
pytestmark = pytest.mark.filterwarnings("ignore:invalid escape sequence")


def test_damaged_files_do_no_harm() -> None:
    results = run_all.run_all(2000, seed=20261120)
    # The programs reach what they are to test.
    for name in ("index", "read", "copy"):
        for end in ("accepted", "refused"):
            assert results["bundle_fuzz"][f"{name} {end}"] > 10
    found = results["format_fuzz"]
    for name in (
        "saved_model.pb", "saved_model.pbtxt", "structured values", "tensors", "signatures",
        "objects", "variables", "arguments", "constants", "functions' parameters",
    ):  # fmt: skip
        assert found[f"{name} accepted"] > 10, name
        assert found[f"{name} refused"] > 0, name


@pytest.mark.parametrize("model", [object_model(), graph_model()], ids=["objects", "graph"])
def test_samples_are_accepted_before_they_are_damaged(model: Any) -> None:
    checkpoint = checkpoint_objects().SerializeToString()
    found = set(use_model(model.SerializeToString(), "saved_model.pb", checkpoint))
    refused = {text for text in found if text.endswith("refused")}
    assert refused <= {"choice of the graph refused"}
    assert "signatures accepted" in found


def test_limits_can_be_exceeded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(format_fuzz, "MEMORY_BASE", 0)
    monkeypatch.setattr(format_fuzz, "MEMORY_FACTOR", 1)
    with pytest.raises(AssertionError, match="bytes of memory for"):
        format_fuzz.fuzz(count=20, seed=1)
    monkeypatch.setattr(format_fuzz, "SECONDS", 0)
    with pytest.raises(AssertionError, match="took") as caught:
        format_fuzz.fuzz(count=1, seed=1)
    assert caught.value.__notes__ == ["reproduce with --seed 1 --only 0"]


def test_other_errors_come_through(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyError("not ours")

    monkeypatch.setattr("walking.read_tensor", fail)
    with pytest.raises(KeyError, match="not ours"):
        format_fuzz.fuzz(count=20, seed=1)
