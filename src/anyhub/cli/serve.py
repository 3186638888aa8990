"""`anyhub serve`: a hub over a directory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from anyhub.settings import Settings

if TYPE_CHECKING:
    import argparse


def add_parser(commands: Any) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser(
        "serve", help="serve models of a tree <publisher>/<model>/<version>/ over HTTP"
    )
    parser.add_argument("directory", type=Path, help="the tree")
    parser.add_argument("--host", default="127.0.0.1", help="address (default: %(default)s)")
    parser.add_argument(
        "--port", type=int, default=8170, help="port, 0 for a free one (default: %(default)s)"
    )
    parser.add_argument("--workers", type=int, default=1, help="processes (default: 1)")
    parser.add_argument(
        "--archives",
        type=Path,
        help="where packed models are kept (default: a folder of the user's cache)",
    )
    parser.add_argument(
        "--uncompressed-base",
        help="answer tf-hub-format=uncompressed with this directory or bucket instead of the "
        "tree's path; without it only on 127.0.0.1",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted."""
    from anyhub.server.serving import ServeOptions, serve

    base = arguments.uncompressed_base
    if base is None and arguments.host in ("127.0.0.1", "localhost", "::1"):
        # Whoever talks to this machine's own address can read its directories.
        base = str(arguments.directory.resolve())
    archives = arguments.archives or Settings.from_environment().cache_dir / "served"
    serve(
        ServeOptions(
            root=arguments.directory,
            archives=archives,
            host=arguments.host,
            port=arguments.port,
            uncompressed_base=base,
            workers=arguments.workers,
        )
    )
    return 0
