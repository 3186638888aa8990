"""`anyhub inspect`: what a model offers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from anyhub.cli.tables import console, table
from anyhub.errors import MissingDependencyError

if TYPE_CHECKING:
    import argparse

    from anyhub.engines.tensorflow.summary import ModelSummary, SignatureSummary


def add_parser(commands: Any) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("inspect", help="show the signatures and functions of a model")
    parser.add_argument("handle", help="directory or URL of a model")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the summary."""
    from pathlib import Path

    from anyhub.engines import get_engine
    from anyhub.handles import resolve
    from anyhub.savedmodel import read_layout

    layout = read_layout(Path(resolve(arguments.handle)))
    engine = get_engine("tensorflow")
    if not engine.is_installed():
        raise MissingDependencyError(
            f"anyhub inspect reads models with TensorFlow, which is not installed; "
            f"run: {engine.install}"
        )
    from anyhub.engines.tensorflow.summary import summarize

    summary = summarize(layout)
    if arguments.json:
        print(json.dumps(summary.to_dict(), indent=1))
    else:
        _print(summary)
    return 0


def _print(summary: ModelSummary) -> None:
    out = console()
    out.print(summary.path, style="bold", markup=False, highlight=False)
    out.print(f"{summary.format}, written by TensorFlow {summary.tensorflow_version}")
    out.print(f"{summary.variables} variables, {summary.functions} functions", highlight=False)
    for variant in summary.variants:
        tags = ", ".join(variant.tags) or "none"
        out.print(f"\n[bold]Graph variant[/bold] with tags: {tags}")
        if variant.signatures:
            out.print(_signature_table(variant.signatures))
        else:
            out.print("  no signatures")
    if summary.callables:
        rows = [(name, str(traces)) for name, traces in summary.callables.items()]
        out.print()
        out.print(table("Functions of the object", ("name", "concrete functions"), rows))


def _signature_table(signatures: tuple[SignatureSummary, ...]) -> Any:
    rows = []
    for signature in signatures:
        name = signature.name
        for direction, tensors in (("in", signature.inputs), ("out", signature.outputs)):
            for tensor in tensors:
                rows.append((name, direction, tensor.name, f"{tensor.dtype} {tensor.shape_text}"))
                name = ""
    return table("Signatures", ("signature", "", "tensor", "type"), rows)
