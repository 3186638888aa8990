"""The corpus of real SavedModels: its models and the cases that TensorFlow answered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from anyhub.savedmodel.structured import NamedTuple


@dataclass(frozen=True)
class Case:
    """Inputs of an endpoint and what TensorFlow made of them.

    Attributes:
        model: The model's folder below the corpus.
        kind: "signature", "call" or "function".
        name: The signature, or the function's path.
        trace: Which concrete function.
        inputs: Arrays by name, in the order in which the function takes them.
        outputs: Arrays by name.
        deterministic: Whether another run gave the same.
        spread: By how much TensorFlow differs from itself with other kernels, by output.
    """

    model: str
    kind: str
    name: str
    trace: int
    inputs: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray]
    deterministic: bool
    spread: dict[str, float]

    def __str__(self) -> str:
        return f"{self.model} {self.kind} {self.name}[{self.trace}]"


def read_index(corpus: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (corpus / "index.jsonl").read_text().splitlines()]


def read_cases(corpus: Path, row: dict[str, Any]) -> list[Case]:
    """The cases of a model, none where TensorFlow could not run it."""
    if not row["ref_npz"]:
        return []
    spread = json.loads((corpus / "spread.json").read_text())
    with np.load(corpus / row["ref_npz"]) as arrays:
        meta = json.loads(str(arrays["__meta__"]))
        values = {name: _text_restored(arrays[name]) for name in arrays.files}
    found = []
    for k, case in enumerate(meta["cases"]):
        names = (
            [n for n, what in case["args"] if what == "tensor"]
            if "args" in case
            else case["inputs"]
        )
        inputs = {n: values[f"c{k}|in|{n}"] for n in names if f"c{k}|in|{n}" in values}
        prefix = f"c{k}|out|"
        outputs = {n[len(prefix) :]: v for n, v in values.items() if n.startswith(prefix)}
        own = spread.get(row["ref_npz"], {}).get(
            str(k), spread.get(row["ref_npz"], {}).get(f"c{k}", {})
        )
        found.append(
            Case(row["dir"], case["kind"], case["name"], case["index"], inputs, outputs,
                 bool(case["deterministic"]), own if isinstance(own, dict) else {})
        )  # fmt: skip
    return found


def _text_restored(array: np.ndarray) -> np.ndarray:
    """Strings are kept with a fixed width; everywhere else they are objects."""
    return array.astype(object) if array.dtype.kind == "S" else array


def leaf_names(structure: Any, prefix: str = "") -> list[str]:
    """Names of the leaves of a nest, in the order in which TensorFlow flattens it."""
    match structure:
        case dict():
            items = sorted(structure.items())
        case NamedTuple():
            items = list(structure.fields)
        case list() | tuple():
            items = list(enumerate(structure))
        case None:
            return []
        case _:
            return [prefix.rstrip("/") or "out"]
    return [name for key, value in items for name in leaf_names(value, f"{prefix}{key}/")]
