"""Parses the command line and turns errors into words and exit codes.

Exit codes: 0 done; 1 an error of anyhub, explained on stderr; 2 wrong usage; 130 interrupted.
Data goes to stdout, everything else to stderr.
"""

from __future__ import annotations

import argparse
import logging
import sys
from typing import TYPE_CHECKING

from anyhub import __version__
from anyhub.cli import get, inspect, run, serve
from anyhub.errors import HubError

if TYPE_CHECKING:
    from collections.abc import Sequence

_EPILOG = "exit codes: 0 done, 1 error (explained on stderr), 2 wrong usage, 130 interrupted"


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="anyhub",
        description="Fetch, look into, run and serve pretrained models.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"anyhub {__version__}")
    parser.add_argument("-v", "--verbose", action="store_true", help="log what happens")
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    for module in (get, inspect, run, serve):
        module.add_parser(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: The arguments without the program's name, `sys.argv[1:]` by default.

    Returns:
        The exit code.
    """
    arguments = build_parser().parse_args(argv)
    logging.basicConfig(
        level=logging.INFO if arguments.verbose else logging.WARNING,
        format="%(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    try:
        code: int = arguments.run(arguments)
    except HubError as error:
        for note in (str(error), *getattr(error, "__notes__", ())):
            print(f"anyhub: {note}", file=sys.stderr)
        return 1
    except OSError as error:
        # A full disk, a closed pipe, a directory that is not there: no place for a traceback.
        print(f"anyhub: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("anyhub: interrupted", file=sys.stderr)
        return 130
    return code
