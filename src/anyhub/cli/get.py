"""`anyhub get`: fetch a model and print where it lies."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse


def add_parser(commands: Any) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("get", help="fetch a model and print its directory")
    parser.add_argument("handle", help="directory or URL of a model")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Fetch the model."""
    from anyhub.handles import resolve

    path = resolve(arguments.handle)
    print(json.dumps({"handle": arguments.handle, "path": path}) if arguments.json else path)
    return 0
