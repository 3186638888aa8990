"""Turns what a user passes as a handle into a value.

Grammar:

    handle  = local | file-url | hub-url | archive-url
    local   = any path, str or os.PathLike
    file-url    = "file://" ["localhost"] path
    hub-url     = ("https" | "http") "://" host path          path has no archive suffix
    archive-url = ("https" | "http") "://" host path suffix
    suffix  = ".tar" | ".tar.gz" | ".tgz" | ".tar.zst" | ".zip"
"""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from anyhub.errors import HandleError
from anyhub.handles.handle import ArchiveHandle, Handle, HubHandle, LocalHandle

ARCHIVE_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.zst", ".zip")
_SCHEMES = ("https", "http", "file")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_ACCEPTED = f"""accepted are
  a directory:          '/models/my_model', pathlib.Path(...), 'file:///models/my_model'
  a model on a hub:     'https://host/publisher/model/version'
  an archive on a host: 'https://host/model.tar.gz' (also {", ".join(ARCHIVE_SUFFIXES)})"""


def parse_handle(handle: object) -> Handle:
    """Parse a handle.

    Args:
        handle: A string or path of one of the forms in the module's docstring.

    Returns:
        A LocalHandle, HubHandle or ArchiveHandle.

    Raises:
        HandleError: The handle is of no accepted form; the message names the nearest one.

    Example:
        >>> parse_handle("https://example.com/google/nnlm/2").version
        2
        >>> parse_handle("/models/x.zip")
        LocalHandle(path='/models/x.zip')
    """
    if not isinstance(handle, (str, os.PathLike)):
        raise HandleError(
            f"a handle is a str or os.PathLike, found {type(handle).__name__} {handle!r}; "
            f"{_ACCEPTED}"
        )
    text = os.fspath(handle)
    if isinstance(text, bytes):
        raise HandleError(f"a handle is text, found bytes {text!r}; decode it first")
    if not text.strip():
        raise HandleError(f"the handle is empty: {text!r}; {_ACCEPTED}")
    if "\0" in text:
        raise HandleError(f"handle {text!r} contains a NUL character; {_ACCEPTED}")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        if not isinstance(handle, os.PathLike):
            raise HandleError(f"handle {text!r} is not valid Unicode: {error.reason}") from error
    scheme = _SCHEME.match(text)
    if isinstance(handle, os.PathLike) or scheme is None:
        return LocalHandle(text)
    return _parse_url(text, scheme[1].lower())


def _parse_url(text: str, scheme: str) -> Handle:
    if scheme not in _SCHEMES:
        near = difflib.get_close_matches(scheme, _SCHEMES, n=1)
        hint = f", did you mean {near[0] + text[len(scheme) :]!r}?" if near else ""
        raise HandleError(
            f"handle {text!r} has scheme {scheme!r}, which is not known{hint}; {_ACCEPTED}"
        )
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - reading it validates it
    except ValueError as error:
        raise HandleError(f"handle {text!r} is not a valid URL: {error}; {_ACCEPTED}") from error
    if scheme == "file":
        return _parse_file_url(text, parts)
    if not parts.hostname or not parts.path.strip("/"):
        raise HandleError(
            f"handle {text!r} has no {'host' if not parts.hostname else 'path'}; {_ACCEPTED}"
        )
    if "@" in parts.netloc:
        host = parts.netloc.rpartition("@")[2]
        raise HandleError(
            f"a handle for host {host!r} holds a user name or password; these would end up in logs "
            "and in the cache's records; remove them from the handle"
        )
    if parts.fragment:
        raise HandleError(
            f"handle {text!r} ends in a fragment {'#' + parts.fragment!r}, which names no model; "
            f"remove it"
        )
    if parts.path.lower().endswith(ARCHIVE_SUFFIXES):
        return ArchiveHandle(text)
    return HubHandle(text)


def _parse_file_url(text: str, parts: SplitResult) -> LocalHandle:
    if parts.netloc not in ("", "localhost"):
        raise HandleError(
            f"handle {text!r} names the host {parts.netloc!r}, but file URLs are for this machine; "
            f"did you mean {'file:///' + text[len('file://') :]!r}?"
        )
    if parts.query or parts.fragment:
        raise HandleError(
            f"handle {text!r} has a query or fragment, which a directory has not; write '?' as "
            "'%3F' and '#' as '%23' if they belong to its name"
        )
    path = unquote(parts.path)
    if not path:
        raise HandleError(f"handle {text!r} has no path; {_ACCEPTED}")
    return LocalHandle(str(Path(path)))
