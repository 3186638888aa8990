"""`anyhub inspect`: what a model offers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from anyhub.cli.tables import console, table

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from anyhub.inspection import EndpointReport, ModelReport, VariantReport

_SHOWN_OPS = 12
_SHOWN_FORMS = 4


def add_parser(commands: Any) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("inspect", help="show what a model offers, without running it")
    parser.add_argument("handle", help="directory or URL of a model")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--safety",
        action="store_true",
        help="only what the safety gate finds; exit code 1 if it finds something",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the report."""
    from anyhub.inspection import inspect

    report = inspect(arguments.handle)
    if arguments.safety:
        return _print_safety(report, as_json=arguments.json)
    if arguments.json:
        print(json.dumps(report.to_dict(), indent=1))
    else:
        _print(report)
    return 0


def _print_safety(report: ModelReport, *, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"path": report.path, "findings": report.findings}, indent=1))
    elif report.findings:
        print("\n".join(report.findings))
    else:
        print("nothing found: the model only computes")
    return 1 if report.findings else 0


def _print(report: ModelReport) -> None:
    out = console()
    out.print(report.path, style="bold", markup=False, highlight=False)
    size = f"{_bytes(report.disk_bytes)} on disk"
    if report.duplicate_bytes:
        size += f", {_bytes(report.duplicate_bytes)} of it values stored more than once"
    out.print(f"{report.format}, {size}", highlight=False)
    for finding in report.findings:
        out.print(f"unsafe: {finding}", style="red", markup=False, highlight=False)
    for variant in report.variants:
        _print_variant(out, variant)


def _print_variant(out: Any, variant: VariantReport) -> None:
    out.print()
    tags = ", ".join(variant.tags) or "none"
    version = variant.tensorflow_version or "of unknown version"
    out.print(f"Graph variant with tags: {tags}", style="bold", markup=False, highlight=False)
    variables = variant.variables
    text = f"{variables.count} variables, {_bytes(variables.bytes)}"
    text += f"; {variables.trainable_count} trainable, {_bytes(variables.trainable_bytes)}"
    out.print(f"written by TensorFlow {version}; {text}", markup=False, highlight=False)
    if variant.assets:
        out.print(f"assets: {', '.join(variant.assets)}", markup=False, highlight=False)
    ops = [f"{op} {count}" for op, count in variant.ops.items()]
    more = f", and {len(ops) - _SHOWN_OPS} more" if len(ops) > _SHOWN_OPS else ""
    out.print(f"ops: {', '.join(ops[:_SHOWN_OPS])}{more}", markup=False, highlight=False)
    engines = sorted({name for endpoint in variant.endpoints for name in endpoint.engines})
    needs = f", needs {', '.join(variant.packages)}" if variant.packages else ""
    out.print(f"runs on: {', '.join(engines) or 'no engine'}{needs}", markup=False, highlight=False)
    rows = [row for endpoint in variant.endpoints for row in _rows(endpoint)]
    if rows:
        out.print(table("", ("endpoint", "", "tensor or value", "type"), rows))
    else:
        out.print("nothing in it can be called", markup=False)


def _rows(endpoint: EndpointReport) -> Iterator[tuple[str, str, str, str]]:
    name = endpoint.name if endpoint.kind == "signature" else _call(endpoint)
    for form in endpoint.forms[:_SHOWN_FORMS]:
        for direction, leaves in (("takes", form.arguments), ("gives", form.results)):
            for index, leaf in enumerate(leaves):
                yield name, "" if index else direction, leaf.name, leaf.type
                name = ""
    if len(endpoint.forms) > _SHOWN_FORMS:
        yield "", "", f"and {len(endpoint.forms) - _SHOWN_FORMS} more forms", ""


def _call(endpoint: EndpointReport) -> str:
    return f"{endpoint.name}({', '.join(endpoint.parameters)})"


def _bytes(count: int) -> str:
    size = float(count)
    for unit in ("bytes", "KB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
