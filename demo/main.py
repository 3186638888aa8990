"""The whole journey of a model, on this machine: train, export, serve, load, fine-tune, publish.

    python demo/main.py [--output DIR]

Three programs that share no code: a publisher writes models into a directory, `anyhub serve`
serves it, and a consumer works with URLs. No network beyond this machine is used.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.rule import Rule
from rich.table import Table

from programs import run, served

REPOSITORY = Path(__file__).resolve().parent.parent
WRITTEN = ("hub", "cache", "map.png", "publisher.json", "consumer.json")


def main() -> None:
    """Run the three programs and print what came out."""
    parser = argparse.ArgumentParser(description="Train, export, serve, load, fine-tune, publish.")
    parser.add_argument("--output", type=Path, default=REPOSITORY / ".demo", metavar="DIR")
    output = parser.parse_args().output.resolve()
    # A plain end would leave the server running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    console = Console(highlight=False)
    started = time.monotonic()
    prepare(output)
    hub = output / "hub"
    heading(console, "1  The publisher trains two models and exports them")
    run(output, "publisher", hub)
    heading(console, "2  anyhub serve offers them over HTTP")
    with served(output, hub) as base_url:
        console.print(f"serving {hub} at {base_url}")
        heading(console, "3  The consumer knows nothing but the URL")
        run(output, "consumer", base_url, hub)
    heading(console, "What happened")
    facts = {**read(output / "publisher.json"), **read(output / "consumer.json")}
    console.print(summary(facts, time.monotonic() - started))
    console.print(f"the map of words: {output / 'map.png'}", soft_wrap=True)
    if facts["fine_tuned_accuracy"] <= facts["frozen_accuracy"]:
        raise SystemExit("fine-tuning did not beat frozen features")


def prepare(output: Path) -> None:
    """Make the output directory and remove what an earlier run left there."""
    output.mkdir(parents=True, exist_ok=True)
    for path in [output / name for name in WRITTEN]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def heading(console: Console, text: str) -> None:
    """Print a heading across the terminal."""
    console.print()
    console.print(Rule(f"[bold]{text}", align="left"))


def read(path: Path) -> dict[str, float]:
    """Read the numbers that a program reported."""
    return json.loads(path.read_text())


def summary(facts: dict[str, float], seconds: float) -> Table:
    """Build the closing table."""
    table = Table()
    table.add_column("step")
    table.add_column("result")
    rows = {
        "text embedding": (
            f"{facts['vocabulary']:,} words known, from {facts['tokens']:,} of documentation"
        ),
        "image features": (
            f"digits 0-4, {facts['pretrain_accuracy']:.1%} of held-out images correct"
        ),
        "sentences compared": (
            f"{facts['questions']} questions with {facts['statements']} sentences"
        ),
        "classifier, frozen": (
            f"digits 5-9, {facts['frozen_accuracy']:.1%} correct, "
            f"{facts['frozen_weights']:,} weights trained"
        ),
        "classifier, fine-tuned": (
            f"digits 5-9, {facts['fine_tuned_accuracy']:.1%} correct, "
            f"{facts['fine_tuned_weights']:,} weights trained"
        ),
        "published as version 2": (
            f"loaded again, outputs differ by at most {facts['reload_difference']:.1g}"
        ),
        "whole demo": f"{seconds:.0f} seconds",
    }
    for step, result in rows.items():
        table.add_row(step, result)
    return table


if __name__ == "__main__":
    main()
