"""The table as Markdown and the record as JSON."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fresh.case import Outcome
    from fresh.environments import Column, Environment
    from fresh.rows import Row

NOTE_CHARACTERS = 160
SHOWN_PACKAGES = ("tensorflow", "keras", "tf-keras", "tensorflow-hub", "anyhub", "setuptools")
NOTES = """\
Each column is a new virtual environment; each row runs in new processes with a new, empty cache
directory, and counts as working only if what its programs assert holds. "Does not import" is
shown for all rows of a column whose import fails. Row 9 takes the bits evenly from the compressed
data of saved_model.pb, an asset, the variables' index and the variables' data; in rows 9 and 10 a
refusal counts whoever makes it, the library or TensorFlow when it reads the cached files. The
last row is the Keras that the original library is made for; an environment without tf_keras gets
it for that row."""
SEEDED_NOTE = """\
The interpreter put setuptools {} into the new environments, which hides that tensorflow_hub
needs an old one: newer interpreters and uv put none."""
BARE_NOTE = """\
Row 1 depends on the interpreter: `venv` of Python 3.11 and older puts an old setuptools into new
environments, and with that tensorflow_hub is imported. Here none was put."""


@dataclass(frozen=True)
class Tried:
    """A column with what came out of its rows.

    Attributes:
        column: What it stands for.
        environment: Where its programs ran.
        packages: What was installed before any row.
        outcomes: One for each row.
    """

    column: Column
    environment: Environment
    packages: dict[str, str]
    outcomes: list[Outcome]


def record(facts: dict[str, str], rows: Sequence[tuple[int, Row]], tried: Sequence[Tried]) -> Any:
    """Everything that was found, as JSON values."""
    return {
        **facts,
        "columns": [
            {
                "title": one.column.title,
                "command": one.column.command,
                "in_the_new_environment": one.environment.seeded,
                "packages": one.packages,
                "rows": [
                    {"number": number, "title": row.title, **asdict(outcome)}
                    for (number, row), outcome in zip(rows, one.outcomes, strict=True)
                ],
            }
            for one in tried
        ],
    }


def markdown(facts: dict[str, str], rows: Sequence[tuple[int, Row]], tried: Sequence[Tried]) -> str:
    """The table with what is needed to judge it."""
    lines = ["# What works on a fresh install", ""]
    lines += [", ".join(f"{name} {value}" for name, value in facts.items()) + ".", ""]
    lines += ["| | " + " | ".join(one.column.title for one in tried) + " |"]
    lines += ["|---" * (len(tried) + 1) + "|"]
    lines += ["| installed by | " + " | ".join(f"`{t.column.command}`" for t in tried) + " |"]
    lines += ["| packages | " + " | ".join(_versions(one.packages) for one in tried) + " |"]
    for index, (number, row) in enumerate(rows):
        cells = " | ".join(_cell(one.outcomes[index]) for one in tried)
        lines.append(f"| {number}. {row.title} | {cells} |")
    works = [sum(bool(outcome.works) for outcome in one.outcomes) for one in tried]
    lines.append(f"| **work, of {len(rows)}** | " + " | ".join(map(str, works)) + " |")
    return "\n".join([*lines, "", *_notes(tried)]) + "\n"


def scrub(outcome: Outcome, work: str) -> Outcome:
    """Take out of a note what differs from run to run: directories, ports, addresses, hashes."""
    note = re.sub(rf"{re.escape(work)}/(column-\d+/row-\d+/)?", "", outcome.note)
    note = re.sub(r"(127\.0\.0\.1):\d+|, port=\d+", r"\1", note)
    note = re.sub(r"0x[0-9a-f]+", "0x...", note)
    note = re.sub(r"\b([0-9a-f]{6})[0-9a-f]{34}\b", r"\1...", note)
    return replace(outcome, note=note, seconds=round(outcome.seconds, 2))


def _versions(packages: dict[str, str]) -> str:
    return ", ".join(f"{name} {packages[name]}" for name in SHOWN_PACKAGES if name in packages)


def _cell(outcome: Outcome) -> str:
    verdict = {True: "yes", False: "**no**", None: "-"}[outcome.works]
    note = outcome.note
    if len(note) > NOTE_CHARACTERS:
        note = note[:NOTE_CHARACTERS].rstrip() + " ..."
    note = note.replace("|", "\\|").replace("<", "&lt;")
    return f"{verdict}: {note}" if note else verdict


def _notes(tried: Sequence[Tried]) -> list[str]:
    """What the table cannot say."""
    seeded = tried[0].environment.seeded.get("setuptools")
    return [NOTES, "", BARE_NOTE if seeded is None else SEEDED_NOTE.format(seeded)]
