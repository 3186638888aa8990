"""The kinds of handles, as values.

`str(handle)` gives back a string that parses to an equal handle. The constructors do not
validate; `parse_handle` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit


@dataclass(frozen=True)
class LocalHandle:
    """A directory on this machine.

    Attributes:
        path: The path as it was given, not made absolute.
    """

    path: str

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True)
class HubHandle:
    """A model on a server that speaks the hosting protocol.

    Attributes:
        url: `scheme://host/publisher/model[/version]`, possibly with a query of its own.
    """

    url: str

    def __str__(self) -> str:
        return self.url

    @property
    def version(self) -> int | None:
        """The version number that ends the path, None when the handle means "the latest"."""
        last = urlsplit(self.url).path.rstrip("/").rpartition("/")[2]
        return int(last) if last.isascii() and last.isdigit() else None

    def download_url(self) -> str:
        """The address of the archive.

        Source: hosting protocol of TensorFlow Hub, `?tf-hub-format=compressed`; parameters
        that the handle already has are kept.
        """
        parts = urlsplit(self.url)
        query = [*parse_qsl(parts.query, keep_blank_values=True), ("tf-hub-format", "compressed")]
        return urlunsplit(parts._replace(query=urlencode(query)))


@dataclass(frozen=True)
class ArchiveHandle:
    """An archive file on any web server.

    Attributes:
        url: Address of a `.tar`, `.tar.gz`, `.tgz`, `.tar.zst` or `.zip` file.
    """

    url: str

    def __str__(self) -> str:
        return self.url

    def download_url(self) -> str:
        """The address of the archive: the handle itself."""
        return self.url


RemoteHandle: TypeAlias = HubHandle | ArchiveHandle
Handle: TypeAlias = LocalHandle | RemoteHandle
