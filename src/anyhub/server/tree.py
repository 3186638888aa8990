"""The tree that is served: `<publisher>/<model>/<version>/` with a model in each version.

A model's name may have several parts (`publisher/family/model/1`); a version is a number.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from anyhub.errors import HubError, ModelNotFoundError
from anyhub.savedmodel import read_layout


@dataclass(frozen=True)
class ServedModel:
    """A version of a model.

    Attributes:
        name: `publisher/model`.
        version: Its number.
        path: Its directory.
    """

    name: str
    version: int
    path: Path


class ModelTree:
    """Finds models below a directory.

    Args:
        root: The directory.

    Raises:
        ModelNotFoundError: The directory does not exist.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise ModelNotFoundError(
                f"cannot serve {str(root)!r}: it is no directory; expected a tree "
                "<publisher>/<model>/<version>/saved_model.pb"
            )
        self.root = root.resolve()

    def find(self, path: str) -> ServedModel:
        """Find a model by the path of its URL.

        Args:
            path: `publisher/model/version`, or without version for the latest.

        Raises:
            ModelNotFoundError: There is none; the message says what there is.
        """
        name, _, last = path.strip("/").rpartition("/")
        if name and _is_version(last):
            directory = self._directory(f"{name}/{last}")
            if directory is None or not _is_model(directory):
                raise ModelNotFoundError(self._explain(name, f"version {last} of {name!r}"))
            return ServedModel(name, int(last), directory)
        name = path.strip("/")
        versions = self.versions(name)
        if not versions:
            raise ModelNotFoundError(self._explain(name, repr(name)))
        return versions[-1]

    def versions(self, name: str) -> list[ServedModel]:
        """All versions of a model, the latest last."""
        directory = self._directory(name)
        if directory is None:
            return []
        found = [
            ServedModel(name, int(child.name), child)
            for child in directory.iterdir()
            if _is_version(child.name) and _is_model(child)
        ]
        return sorted(found, key=lambda model: model.version)

    def names(self, below: str = "") -> list[str]:
        """Names of all models, or of those below a part of a name."""
        start = self._directory(below)
        if start is None:
            return []
        found = {
            path.parent.relative_to(self.root).as_posix()
            for path in start.rglob("*")
            if _is_version(path.name) and _is_model(path)
        }
        return sorted(found)

    def _directory(self, path: str) -> Path | None:
        """The directory that a URL's path names, None if it is not below the root."""
        parts = [part for part in path.split("/") if part]
        if any(part.startswith(".") or "\\" in part or "\0" in part for part in parts):
            return None
        # A symbolic link may lead out of the tree: what counts is where it ends.
        directory = self.root.joinpath(*parts).resolve()
        is_below = directory == self.root or self.root in directory.parents
        return directory if is_below and directory.is_dir() else None

    def _explain(self, name: str, what: str) -> str:
        versions = [str(model.version) for model in self.versions(name)]
        if versions:
            return f"no {what} on this hub; versions: {', '.join(versions)}"
        names = self.names()
        shown = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
        return f"no {what} on this hub; models: {shown or 'none'}"


def _is_version(name: str) -> bool:
    return name.isascii() and name.isdigit()


def _is_model(directory: Path) -> bool:
    try:
        read_layout(directory)
    except HubError:
        return False
    return True
