"""Which names a member of an archive may have.

The rules of POSIX and of Windows hold at once and everywhere, so an archive that unpacks on
one machine unpacks on all, and no name means another file than the one it seems to mean.
Windows: https://learn.microsoft.com/windows/win32/fileio/naming-a-file, "Naming Conventions".
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anyhub.transport.archive.problems import over_limit, refused, shown

if TYPE_CHECKING:
    from anyhub.errors import UnsafeArchiveError
    from anyhub.transport.archive.limits import Limits

_ACCEPTED = "relative paths that mean the same on every system"
_PATH_FAULTS = tuple(
    (re.compile(pattern, re.DOTALL), found)
    for pattern, found in (
        (r"\Z", "has an empty name"),
        (r"/", "has an absolute path as its name"),
        (r"[A-Za-z]:", "has a name that begins with a Windows drive"),
        (r".*\\", "has a backslash in its name, which separates directories on Windows"),
        (r".*[\x00-\x1f\x7f-\x9f]", "has a control character in its name"),
    )
)
_COMPONENT_FAULTS = tuple(
    (re.compile(pattern), found)
    for pattern, found in (
        (r"\.\.\Z", "has '..' in its path, which leads out of the directory"),
        (r"\.?\Z", "has an empty component or '.' in its path"),
        (r'.*[<>:"|?*]', 'has one of <>:"|?* in its name, which Windows does not allow'),
        (r".*[. ]\Z", "has a component that ends in a dot or space, which Windows drops"),
    )
)
# Windows takes the superscript digits for digits.
_DEVICES = frozenset(
    {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}
    | {f"{device}{digit}" for device in ("COM", "LPT") for digit in "0123456789\xb9\xb2\xb3"}
)


def parse_name(raw: bytes, limits: Limits, *, directory: bool) -> tuple[str, ...]:
    """Parse the name of a member into its components.

    One leading `./` is dropped, and for a directory one trailing `/`. `.` is the root.

    Args:
        raw: The name as it stands in the archive.
        limits: The limits for depth and lengths.
        directory: Whether the member is a directory.

    Returns:
        The components, none for the root.

    Raises:
        UnsafeArchiveError: The name is not acceptable.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise refused(raw, "has a name that is not UTF-8", "names in UTF-8") from None
    if fault := _path_fault(text):
        raise refused(text, fault, _ACCEPTED)
    path = text.removesuffix("/") if directory else text
    path = path.removeprefix("./")
    if directory and path == ".":
        return ()
    _check_lengths(path, limits)
    parts = tuple(path.split("/"))
    for part in parts:
        if fault := _component_fault(part):
            raise refused(text, fault, _ACCEPTED)
    return parts


def _path_fault(text: str) -> str | None:
    for pattern, found in _PATH_FAULTS:
        if pattern.match(text):
            return found
    if not unicodedata.is_normalized("NFC", text):
        return "has a name that is not in Unicode normal form C"
    return None


def _check_lengths(path: str, limits: Limits) -> None:
    parts = path.split("/")
    if len(parts) > limits.depth:
        raise over_limit(
            f"the path {shown(path)} has {len(parts):,} components", "depth", limits.depth
        )
    if (size := len(path.encode())) > limits.path_bytes:
        raise over_limit(
            f"the path {shown(path)} has {size:,} bytes", "path_bytes", limits.path_bytes
        )
    if (size := max(len(part.encode()) for part in parts)) > limits.component_bytes:
        raise over_limit(
            f"the path {shown(path)} has a component of {size:,} bytes",
            "component_bytes",
            limits.component_bytes,
        )


def _component_fault(part: str) -> str | None:
    for pattern, found in _COMPONENT_FAULTS:
        if pattern.match(part):
            return found
    if part.partition(".")[0].rstrip(" ").upper() in _DEVICES:
        return f"has the component {part!r}, which is a device on Windows"
    return None


def _fold(part: str) -> str:
    """Map names that a file system may take for the same to one key.

    Unicode 16, section 3.13, definition D145 (canonical caseless matching).
    """
    if part.isascii():
        return part.lower()
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", part).casefold())


@dataclass
class _Entry:
    parts: tuple[str, ...]
    directory: bool
    implied: bool


class NameIndex:
    """The paths of an archive so far; finds those that cannot stand beside each other."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, ...], _Entry] = {}

    def add_file(self, parts: tuple[str, ...]) -> list[tuple[str, ...]]:
        """Add a file.

        Returns:
            The directories that it implies and that were not known, outermost first.

        Raises:
            UnsafeArchiveError: The path is taken, or differs from another only in case or
                Unicode form, or leads through a file.
        """
        implied = self._add_parents(parts)
        key = tuple(map(_fold, parts))
        if taken := self._entries.get(key):
            raise _conflict(parts, taken, directory=False)
        self._entries[key] = _Entry(parts, directory=False, implied=False)
        return implied

    def add_directory(self, parts: tuple[str, ...]) -> list[tuple[str, ...]]:
        """Add a directory, which files within may have implied before.

        Returns:
            The directories that were not known, outermost first and itself last.

        Raises:
            UnsafeArchiveError: As for `add_file`.
        """
        new = self._add_parents((*parts, ""))
        if parts:
            entry = self._entries[tuple(map(_fold, parts))]
            if not entry.implied:
                raise _conflict(parts, entry, directory=True)
            entry.implied = False
        return new

    def _add_parents(self, parts: tuple[str, ...]) -> list[tuple[str, ...]]:
        new = []
        key = tuple(map(_fold, parts))
        for depth in range(1, len(parts)):
            parent = parts[:depth]
            taken = self._entries.get(key[:depth])
            if taken is None:
                self._entries[key[:depth]] = _Entry(parent, directory=True, implied=True)
                new.append(parent)
            elif taken.parts != parent or not taken.directory:
                raise _conflict(parent, taken, directory=True)
        return new


def _conflict(parts: tuple[str, ...], taken: _Entry, *, directory: bool) -> UnsafeArchiveError:
    path, other = "/".join(parts), "/".join(taken.parts)
    if taken.parts != parts:
        found = f"differs from {shown(other)} only in case or in Unicode form"
    elif taken.directory == directory:
        found = "occurs twice"
    else:
        found = "is both a file and a directory"
    return refused(path, found, "paths that differ on every file system")
