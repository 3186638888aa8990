"""The reference cases of the corpus: inputs, and outputs as TensorFlow computed them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    """A call of a signature with its inputs and outputs."""

    signature: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]


def corpus_rows(corpus: Path) -> list[dict[str, Any]]:
    """The rows of the corpus' index."""
    return [json.loads(line) for line in (corpus / "index.jsonl").read_text().splitlines()]


def signature_cases(corpus: Path, row: dict[str, Any]) -> Iterator[Case]:
    """The deterministic calls of signatures that change nothing."""
    if not row.get("ref_npz"):
        return
    arrays = np.load(corpus / f"{row['dir']}.tf_ref.npz", allow_pickle=False)
    for index, case in enumerate(json.loads(str(arrays["__meta__"]))["cases"]):
        changes_state = case["name"] in ("train", "incr_counter", "incr_counter_by")
        if case["kind"] != "signature" or not case.get("deterministic") or changes_state:
            continue
        inputs, outputs = ({}, {})
        for key in arrays.files:
            if key.startswith(f"c{index}|in|"):
                inputs[key.split("|", 2)[2]] = _value(arrays[key])
            elif key.startswith(f"c{index}|out|"):
                outputs[key.split("|", 2)[2]] = arrays[key]
        # Arrays of bytes lost their final zeros, which serialized examples may end in.
        if row["format"] == "tf1" and any(v.dtype == object for v in inputs.values()):
            continue
        yield Case(case["name"], inputs, outputs)


def _value(array: np.ndarray) -> np.ndarray:
    return array.astype(object) if array.dtype.kind == "S" else array
