"""The wording of the errors that this package raises.

Nothing here names the archive: `unpack` puts that in front of every message on the way out.
"""

from __future__ import annotations

from anyhub.errors import ArchiveError, UnsafeArchiveError

_SHOWN = 120


def shown(name: str | bytes) -> str:
    """Quote a name from an archive: control characters escaped, at most 120 characters."""
    text = name.decode("utf-8", "backslashreplace") if isinstance(name, bytes) else name
    if len(text) > _SHOWN:
        return f"{text[:_SHOWN]!r}... ({len(text)} characters)"
    return repr(text)


def damaged(found: str) -> ArchiveError:
    """Make the error for an archive that is cut or altered.

    Args:
        found: A clause that says what is wrong, and where.
    """
    return ArchiveError(
        f"{found}; an archive is taken only whole and unaltered: fetch it again, and if that "
        "does not help ask its publisher for a new one"
    )


def refused(member: str | bytes, found: str, accepted: str) -> UnsafeArchiveError:
    """Make the error for a member that must not be unpacked.

    Args:
        member: The name of the member as the archive spells it.
        found: What is wrong with it, beginning with a verb.
        accepted: What would have been accepted.
    """
    return UnsafeArchiveError(
        f"member {shown(member)} {found}; accepted are {accepted}: "
        "whoever packs the archive must change it or leave it out"
    )


def over_limit(found: str, limit: str, value: float) -> UnsafeArchiveError:
    """Make the error for an archive that exceeds a limit.

    Args:
        found: A clause that says how much was found.
        limit: The name of the field of `Limits`.
        value: What that field allows.
    """
    return UnsafeArchiveError(
        f"{found}; accepted are at most {value:,} ({limit}): if you trust its publisher, "
        f"unpack it with a higher Limits.{limit}"
    )
