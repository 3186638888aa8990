"""Runs the hub on Granian."""

from __future__ import annotations

import functools
import logging
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anyhub.errors import HubError, MissingDependencyError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class ServeOptions:
    """How to serve.

    Attributes:
        root: The tree.
        archives: Where packed models are kept.
        host: Address to listen on.
        port: Port to listen on, 0 for a free one.
        uncompressed_base: See `anyhub.server.app.Hub`.
        workers: Number of processes.
    """

    root: Path
    archives: Path
    host: str
    port: int
    uncompressed_base: str | None
    workers: int


def serve(options: ServeOptions) -> None:
    """Serve until the process is told to stop.

    Raises:
        ModelNotFoundError: The tree does not exist.
        MissingDependencyError: The server's packages are not installed.
        HubError: The address cannot be used.
    """
    try:
        from granian import Granian
        from granian.constants import Interfaces

        from anyhub.server.app import create_app
        from anyhub.server.tree import ModelTree
    except ImportError as error:
        raise MissingDependencyError(
            f"anyhub serve needs a package that is not installed ({error.name}); "
            'run: pip install "anyhub[server]"'
        ) from error
    # Looked at here, where a wrong path can still be explained to the user.
    names = ModelTree(options.root).names()
    port = _usable_port(options.host, options.port)
    host = f"[{options.host}]" if ":" in options.host else options.host
    print(f"Serving {len(names)} models of {options.root} on http://{host}:{port}/", flush=True)  # noqa: T201 - the address is the output
    make_app = functools.partial(
        create_app, str(options.root), str(options.archives), options.uncompressed_base
    )
    server = Granian(
        "anyhub",
        address=options.host,
        port=port,
        interface=Interfaces.ASGI,
        workers=options.workers,
        log_level=logging.getLevelName(logging.WARNING).lower(),
    )
    server.serve(target_loader=make_app, wrap_loader=False)


def _usable_port(host: str, port: int) -> int:
    """Check that the address is free; Granian would report it from a worker, late."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            found: int = probe.getsockname()[1]
            return found
    except OSError as error:
        raise HubError(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another --port or --host"
        ) from error
