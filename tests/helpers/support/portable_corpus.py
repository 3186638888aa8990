"""Runs the models of the corpus on the portable engine, beside TensorFlow's outputs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from anyhub import savedmodel
from anyhub.engines.portable.loading import load_model
from anyhub.engines.portable.nests import leaves
from anyhub.engines.portable.trace import Trace
from anyhub.engines.portable.values import to_host
from anyhub.errors import HubError
from anyhub.graph.endpoint import find_function
from support.corpus_cases import Case, leaf_names, read_cases, read_index

RTOL, ATOL, SPREADS = 1e-4, 1e-5, 10
# What makes a function one of text, tables or ragged values, which are not this issue's.
TEXT = ("String", "Unicode", "Regex", "Lookup", "HashTable", "Sentence", "Wordpiece", "Ragged",
        "ParseExample", "Decode", "AsString", "Tokenize", "Substr", "NGrams", "CaseFold",
        "NormalizeUTF8", "SparseFillEmptyRows", "Rouge")  # fmt: skip


@dataclass(frozen=True)
class Result:
    """How a case went.

    Attributes:
        case: The case.
        is_text: Whether it uses text, tables or ragged values.
        problem: What is wrong, "" for nothing.
        error: The largest difference, as a part of what is allowed.
        seconds: How long the call took.
    """

    case: Case
    is_text: bool
    problem: str
    error: float
    seconds: float


def compare_all(corpus: Path, wanted: str = "") -> Iterator[Result]:
    """Compare each deterministic case of each TF2 model."""
    for row in read_index(corpus):
        if row["format"] != "tf2" or wanted not in row["dir"]:
            continue
        model = savedmodel.read(corpus / row["dir"])
        for case in read_cases(corpus, row):
            if case.deterministic:
                yield _compare(model, case)


def _compare(model: Any, case: Case) -> Result:
    graph = model.graph(None)
    function = find_function(graph, case.name, case.trace)
    assert function is not None
    is_text = _is_text(graph, function.name) or any(
        value.dtype.hasobject for value in (*case.inputs.values(), *case.outputs.values())
    )
    started = time.perf_counter()
    try:
        # A model of its own for each case: some change their variables.
        outputs = _run(load_model(model), case, function)
        error, problem = difference(case, outputs)
    except HubError as failure:
        error, problem = np.inf, f"{type(failure).__name__}: {failure}"
    except Exception as failure:
        notes = "; ".join(getattr(failure, "__notes__", []))
        error, problem = np.inf, f"{type(failure).__name__}: {failure} {notes}"
    return Result(case, is_text, problem[:600], error, time.perf_counter() - started)


def _run(loaded: Any, case: Case, function: Any) -> dict[str, np.ndarray]:
    state = loaded._restorer.state
    if case.kind == "signature":
        outputs = loaded.signatures[case.name](**case.inputs)
        return {name: to_host(value) for name, value in outputs.items()}
    structure = function.output_signature
    trace = Trace(state, function.name)
    result = trace(list(case.inputs.values()), structure)
    names = leaf_names(structure)
    found = [value for value in leaves(result) if value is not None]
    return {name: to_host(value) for name, value in zip(names, found, strict=True)}


def difference(case: Case, outputs: dict[str, np.ndarray]) -> tuple[float, str]:
    worst = 0.0
    if {*outputs} != {*case.outputs} and len(outputs) == 1 == len(case.outputs):
        # References name the only result of a function after its dict's key or "out".
        outputs = dict(zip(case.outputs, outputs.values(), strict=True))
    for name, wanted in case.outputs.items():
        found = outputs[name]
        if found.shape != wanted.shape:
            return np.inf, f"{name}: shape {found.shape}, TensorFlow {wanted.shape}"
        if wanted.dtype.kind not in "fc":
            if not np.array_equal(found, wanted):
                return np.inf, f"{name}: {wanted.dtype} values differ"
            continue
        allowed = np.maximum(ATOL + RTOL * np.abs(wanted), SPREADS * case.spread.get(name, 0.0))
        with np.errstate(invalid="ignore"):
            part = np.abs(found - wanted) / allowed
        same = (found == wanted) | (np.isnan(found) & np.isnan(wanted))
        # A number beside no number is infinitely wrong.
        part = np.where(np.isnan(part), np.inf, part)
        worst = max(worst, float(np.where(same, 0, part).max(initial=0)))
        if not worst <= 1:
            return worst, f"{name}: {worst:.3g} times what is allowed"
    return worst, ""


def _is_text(graph: Any, name: str) -> bool:
    """Whether a function or what it calls has ops on text, tables or ragged values."""
    seen, waiting = set(), [name]
    while waiting:
        current = waiting.pop()
        if current in seen or current not in graph.functions:
            continue
        seen.add(current)
        for node in graph.functions[current].node_def:
            if any(word in node.op for word in TEXT) and not node.op.startswith("StaticRegex"):
                return True
            waiting += [v.func.name for v in node.attr.values() if v.HasField("func")]
            waiting += [f.name for v in node.attr.values() for f in v.list.func]
            waiting.append(node.op)
    return False
