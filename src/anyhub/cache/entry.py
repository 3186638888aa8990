"""What the cache knows about one model: its record, written last and read first."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

RECORD_NAME = "entry.json"
MODEL_DIRECTORY = "model"
_FORMAT = 1


@dataclass(frozen=True)
class FileRecord:
    """A file of a cached model.

    Attributes:
        path: Relative to the entry's model directory, with `/`.
        size: Bytes.
        sha256: Hexadecimal digest of its content.
    """

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Entry:
    """The record of a cached model.

    Attributes:
        handle: The handle that it was fetched for.
        url: Where the archive came from, redirects followed.
        archive_sha256: Digest of the archive.
        archive_size: Bytes of the archive.
        fetched_at: Seconds since 1970, UTC.
        root: Where the model lies below the model directory, "." if it is that itself.
        files: Every file that was unpacked.
    """

    handle: str
    url: str
    archive_sha256: str
    archive_size: int
    fetched_at: float
    root: str
    files: tuple[FileRecord, ...]

    def to_json(self) -> str:
        """The text of the record file."""
        return json.dumps({"format": _FORMAT, **asdict(self)}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Entry:
        """Read the text of a record file.

        Raises:
            ValueError: The text is not a record that this version understands.
        """
        try:
            data = json.loads(text)
            if data.pop("format") != _FORMAT:
                raise ValueError("a record of another version of anyhub")
            files = tuple(FileRecord(**item) for item in data.pop("files"))
            return cls(files=files, **data)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a cache record: {error}") from error

    def damage(self, directory: Path) -> str | None:
        """Compare names and sizes with what lies on disk.

        Temporary-file cleaners remove files and leave directories; this finds it without
        reading any content.

        Args:
            directory: The entry's model directory.

        Returns:
            What is wrong with the first damaged file, None when all are there.
        """
        for record in self.files:
            try:
                size = (directory / record.path).stat().st_size
            except OSError as error:
                return f"file {record.path!r} is gone ({error.strerror})"
            if size != record.size:
                return f"file {record.path!r} has {size} bytes instead of {record.size}"
        return None
