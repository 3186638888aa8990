"""Runs some cases of the fuzz program; run it by itself for more."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

PROGRAM = Path(__file__).parents[1] / "fuzz" / "bundle_fuzz.py"


@pytest.fixture
def program() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bundle_fuzz", PROGRAM)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_damaged_bundles_do_no_harm(program: Any) -> None:
    total, _, _ = program.fuzz(count=500, seed=20261120)
    # The program reaches what it is to test.
    for name in ("index", "read", "verify", "slice", "copy"):
        assert total[f"{name} accepted"] > 10
        assert total[f"{name} refused"] > 10


def test_limits_can_be_exceeded(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "MEMORY_BASE", 0)
    monkeypatch.setattr(program, "MEMORY_FACTOR", 1)
    with pytest.raises(AssertionError, match="bytes of memory for files of"):
        program.fuzz(count=1, seed=1)
    monkeypatch.setattr(program, "SECONDS", 0)
    with pytest.raises(AssertionError, match="took") as caught:
        program.fuzz(count=1, seed=1)
    assert caught.value.__notes__ == ["reproduce with --seed 1 --only 0"]
