"""What a row works with, and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fresh import archives

if TYPE_CHECKING:
    from fresh.process import Answer, Launcher


@dataclass(frozen=True)
class Outcome:
    """A cell of the table.

    Attributes:
        works: The verdict, None when the row could not be run here.
        note: Why, or how well.
        seconds: Duration of the call that decided.
        imports: Whether the library could be imported at all.
    """

    works: bool | None
    note: str = ""
    seconds: float = 0.0
    imports: bool = True

    @classmethod
    def of(cls, answer: Answer, *, before: str = "", good: str = "") -> Outcome:
        """Take the verdict of a program.

        Args:
            answer: What the program said.
            before: What to say before its error.
            good: What to note when all is well.
        """
        note = good if answer.ok else before + answer.error
        return cls(answer.ok, note, answer.seconds, answer.imports)


@dataclass(frozen=True)
class Case:
    """The model, and the programs of one library in a fresh cache.

    Attributes:
        programs: Runs them.
        model: Directory of the model.
        probe: File with its known input and output.
    """

    programs: Launcher
    model: Path
    probe: Path

    @cached_property
    def packed(self) -> bytes:
        """The model as a hub sends it."""
        return archives.tar_gz(self.model)

    def run(self, program: str, **arguments: Any) -> Answer:
        """Run a program on the model's directory."""
        return self.load(str(self.model), program, **arguments)

    def load(self, handle: str, program: str = "load", **arguments: Any) -> Answer:
        """Run a program on a handle that gives the model."""
        return self.programs.run(program, handle=handle, probe=str(self.probe), **arguments)
