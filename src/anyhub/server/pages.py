"""The few pages that a browser sees."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from anyhub.server.tree import ServedModel

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem }
pre { background: #f4f4f4; padding: 1rem; overflow-x: auto }
code { font-size: 0.9em }
"""


def index_page(title: str, names: Sequence[str]) -> str:
    """A list of models."""
    items = _links(names) if names else "<p>There is no model here.</p>"
    return _page(title, items)


def model_page(models: Sequence[ServedModel], shown: ServedModel, url: str) -> str:
    """A version of a model, with the code that uses it.

    Args:
        models: All versions.
        shown: The version of this page.
        url: The version's full address.
    """
    code = (
        "import anyhub as hub\n\n"
        f'model = hub.load("{url}")\n'
        f'layer = hub.KerasLayer("{url}", trainable=True)'
    )
    versions = _links(f"{model.name}/{model.version}" for model in models)
    return _page(
        f"{shown.name}, version {shown.version}",
        f"<pre><code>{escape(code)}</code></pre>\n"
        f'<p><a href="?tf-hub-format=compressed">Download the archive</a></p>\n'
        f"<h2>Versions</h2>\n{versions}",
    )


def error_page(status: int, message: str) -> str:
    """What went wrong."""
    return _page(f"Error {status}", f"<p>{escape(message)}</p>")


def _links(paths: Iterable[str]) -> str:
    items = (f'<li><a href="/{escape(path)}">{escape(path)}</a></li>' for path in paths)
    return f"<ul>\n{chr(10).join(items)}\n</ul>"


def _page(title: str, body: str) -> str:
    return (
        "<!doctype html>\n"
        f'<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head>\n"
        f'<body><p><a href="/">anyhub</a></p><h1>{escape(title)}</h1>\n{body}\n</body></html>\n'
    )
