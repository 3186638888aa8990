"""How much an archive may ask for.

The defaults let every known model pass: weights compress 1.1 times and vocabularies 4 times,
the largest published modules are some GiB. An archive of zeros reaches 1,000 times.
"""

from __future__ import annotations

from dataclasses import dataclass

from anyhub.transport.archive.problems import over_limit, shown

# A header, the padding of the contents and the extended header of a long name take less.
_OVERHEAD_PER_MEMBER = 4096


@dataclass(frozen=True)
class Limits:
    """Upper bounds for an archive; what exceeds one of them is refused.

    Attributes:
        total_bytes: Size of all files together.
        ratio: Size of all files together, in sizes of the archive itself.
        ratio_floor_bytes: Total size up to which any ratio is accepted.
        members: Number of members, counting directories that only their contents imply.
        depth: Number of components in a path.
        component_bytes: Length of one component of a path in UTF-8.
        path_bytes: Length of a path in UTF-8.
        header_bytes: Size of the extended headers of one member of a tar.
    """

    total_bytes: int = 64 * 2**30
    ratio: float = 100
    ratio_floor_bytes: int = 2**30
    members: int = 100_000
    depth: int = 64
    component_bytes: int = 255
    path_bytes: int = 4096
    header_bytes: int = 2**20


DEFAULT_LIMITS = Limits()


class Budget:
    """What one archive has used of its limits.

    Attributes:
        limits: The limits.
        claimed_bytes: Size of the files so far, as declared.
        members: Number of members so far.
    """

    def __init__(self, limits: Limits, archive_bytes: int) -> None:
        self.limits = limits
        self.claimed_bytes = 0
        self.members = 0
        self._archive_bytes = archive_bytes

    def claim(self, size: int, member: bytes) -> None:
        """Count a file before it is written.

        Args:
            size: Its declared size. Readers never take more than this from the archive.
            member: Its name in the archive.

        Raises:
            UnsafeArchiveError: The files together are too large, or too large for so small
                an archive.
        """
        self.claimed_bytes += size
        found = f"its files up to {shown(member)} take {self.claimed_bytes:,} bytes"
        if self.claimed_bytes > self.limits.total_bytes:
            raise over_limit(found, "total_bytes", self.limits.total_bytes)
        allowed = max(self.limits.ratio_floor_bytes, self.limits.ratio * self._archive_bytes)
        if self.claimed_bytes > allowed:
            found += f", {self.claimed_bytes / max(1, self._archive_bytes):,.0f} times the archive"
            raise over_limit(found, "ratio", self.limits.ratio)

    def count_members(self, count: int = 1) -> None:
        """Count members, or directories that members imply.

        Raises:
            UnsafeArchiveError: There are too many.
        """
        self.members += count
        if self.members > self.limits.members:
            raise over_limit(
                f"it holds {self.members:,} members or more", "members", self.limits.members
            )

    def check_overhead(self, position: int) -> None:
        """Bound what a tar holds beside its files: headers, padding, zeros at the end.

        Without this, a small archive could expand to any number of headers or zeros that
        nothing else counts.

        Args:
            position: Bytes of the tar that were read.

        Raises:
            UnsafeArchiveError: There is too much of it.
        """
        overhead = position - self.claimed_bytes
        if overhead > self.limits.header_bytes + _OVERHEAD_PER_MEMBER * self.limits.members:
            raise over_limit(
                f"it holds {overhead:,} bytes of headers and padding",
                "members",
                self.limits.members,
            )
