"""Progress of a download: a bar on a terminal, one log line elsewhere."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOG = logging.getLogger(__name__)


class Progress(Protocol):
    """What a download reports to."""

    def start(self, total: int | None) -> None:
        """A try begins.

        Args:
            total: Size in bytes when the server told it.
        """

    def advance(self, count: int) -> None:
        """Another `count` bytes have come."""


class SilentProgress:
    """Shows nothing; the log has one line for a finished download."""

    def start(self, total: int | None) -> None:
        """Forget what came before."""

    def advance(self, count: int) -> None:
        """Ignore it."""


@contextmanager
def show_progress(description: str, wanted: bool | None) -> Iterator[Progress]:
    """Show a progress bar while the context lasts.

    Args:
        description: What is downloaded.
        wanted: True, False, or None for "when stderr is a terminal".

    Yields:
        The receiver of the numbers.
    """
    if wanted is None:
        wanted = sys.stderr.isatty()
    if not wanted:
        yield SilentProgress()
        return
    with _bar(description) as bar:
        yield bar


@contextmanager
def _bar(description: str) -> Iterator[Progress]:
    # rich is imported only where it is used: it would double the time of `import anyhub`.
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as RichProgress

    columns = (
        # Text as it is: a URL may hold what looks like markup.
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with RichProgress(*columns, console=Console(stderr=True)) as rich_progress:
        yield _Bar(rich_progress, description)


class _Bar:
    def __init__(self, rich_progress: object, description: str) -> None:
        from rich.progress import Progress as RichProgress

        assert isinstance(rich_progress, RichProgress)  # noqa: S101 - for the type checker
        self._progress = rich_progress
        self._task = rich_progress.add_task(description, total=None)

    def start(self, total: int | None) -> None:
        self._progress.reset(self._task, total=total)

    def advance(self, count: int) -> None:
        self._progress.advance(self._task, count)
