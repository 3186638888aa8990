"""Opens two exported Keras models with anyhub and with TensorFlow, side by side, and compacts them.

    python bench/opening.py [--models DIRECTORY] [--rounds N]

Makes the models in DIRECTORY, or finds them there from an earlier run; without --models in a
temporary directory. Every measurement is a new process. Prints a Markdown table, and writes it
and the record to `bench/results/`. Needs Linux, TensorFlow, Keras 3, and 3 GB of disk.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

from fresh_install import checkout
from opening import children, report

RESULTS = Path(__file__).resolve().parent / "results"
MODELS = ("EfficientNetB0", "encoder")
PROGRAMS = tuple(report.TITLES)
PACKAGES = ("tensorflow", "keras", "numpy", "protobuf")
ROUNDS = 7


def main() -> None:
    """Make the models, measure, print and write what came out."""
    parser = argparse.ArgumentParser(description="Open models with anyhub and with TensorFlow.")
    parser.add_argument("--models", type=Path, help="where the models are, or are made")
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help=f"default {ROUNDS}; fewer: nothing is written"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="opening-") as temporary:
        found = measure(options.models or Path(temporary), Path(temporary), options.rounds)
    record = {"facts": facts(options.rounds), "models": found}
    text = report.markdown(record)
    print(text)
    if options.rounds < ROUNDS:
        return
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "opening.md").write_text(text)
    (RESULTS / "opening.json").write_text(json.dumps(record, indent=1) + "\n")


def measure(models: Path, work: Path, rounds: int) -> dict[str, Any]:
    """Make, check, measure and compact all models."""
    found = {name: prepare(name, models / name) for name in MODELS}
    samples: dict[str, dict[str, list[Any]]] = {m: {p: [] for p in PROGRAMS} for m in MODELS}
    for number in range(rounds):
        tell(f"round {number + 1} of {rounds}")
        for model in MODELS:
            turn = number % len(PROGRAMS)  # none is always the first
            for program in PROGRAMS[turn:] + PROGRAMS[:turn]:
                result = children.run("programs.py", program, str(models / model))
                samples[model][program].append(result)
    for model in MODELS:
        base = samples[model]["tensorflow"]
        programs = {p: report.summarize(samples[model][p], base) for p in PROGRAMS}
        found[model] |= {
            "programs": programs,
            "compaction": shrink(models / model, work / f"{model}-compact"),
            "samples": samples[model],
        }
    return found


def prepare(name: str, directory: Path) -> dict[str, Any]:
    """Make a model if it is not there, and run each program once, with checks.

    Raises:
        SystemExit: anyhub and TensorFlow do not find the same values, or anyhub is another one.
    """
    made = directory.with_suffix(".json")
    if not made.is_file():
        tell(f"making {name}")
        directory.parent.mkdir(parents=True, exist_ok=True)
        result = children.run("models.py", name, str(directory))
        made.write_text(json.dumps({"parameters": result["parameters"]}))
    tell(f"checking {name}")
    for program in PROGRAMS:  # twice: the first run may be the one that compiles
        children.run("programs.py", program, str(directory))
    checks = {p: children.run("programs.py", p, str(directory), "--check") for p in PROGRAMS}
    ours, theirs = checks["anyhub"], checks["tensorflow"]
    for value in ("sum", "values", "signatures"):
        if ours["counts"][value] != theirs["counts"][value]:
            raise SystemExit(f"{name}: {value} {ours['counts'][value]}, {theirs['counts'][value]}")
    if not Path(ours["anyhub"]).is_relative_to(children.SOURCES):
        raise SystemExit(f"measured {ours['anyhub']}, which is not in {children.SOURCES}")
    for program, check in checks.items():
        if check["not_compiled"]:
            raise SystemExit(f"{program}: not byte-compiled: {check['not_compiled']}")
    graph = (directory / "saved_model.pb").stat().st_size
    facts_of_model = json.loads(made.read_text())
    return {
        **facts_of_model,
        "counts": ours["counts"],
        "weight_bytes": ours["bytes"],
        "graph_bytes": graph,
    }


def shrink(directory: Path, smaller: Path) -> dict[str, Any]:
    """Compact a model, and compare what it computes with the original."""
    tell(f"compacting {directory.name}")
    done = children.run("shrinking.py", "compact", str(directory), str(smaller))
    return done | children.run("shrinking.py", "compare", str(directory), str(smaller))


def facts(rounds: int) -> dict[str, Any]:
    """When, where and with what it was measured."""
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "rounds": rounds,
        "Python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in PACKAGES},
        "anyhub": checkout(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": f"{processor()} ({os.cpu_count()} cores)",
    }


def processor() -> str:
    """The processor's name."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def tell(text: str) -> None:
    """Tell how far it is."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
