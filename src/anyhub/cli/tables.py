"""Terminal output: one place that knows about colours and widths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def console() -> Console:
    """The console on stdout; without colours where there is no terminal or NO_COLOR is set."""
    return Console(soft_wrap=True)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A table of text, shown as it is (nothing in it is taken for markup)."""
    from rich.text import Text

    result = Table(title=title, title_justify="left")
    for column in columns:
        result.add_column(column)
    for row in rows:
        result.add_row(*(Text(cell) for cell in row))
    return result
