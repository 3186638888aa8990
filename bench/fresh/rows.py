"""The rows of the table: each tells whether one thing works, and why not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from fresh import faults
from fresh.case import Case, Outcome
from fresh.server import StubHub, whole

Check: TypeAlias = Callable[[Case], Outcome]


@dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes:
        title: What should work.
        check: Finds out whether it does.
        needs: A package that is installed for this row.
        environ: Environment variables of its programs.
    """

    title: str
    check: Check
    needs: str | None = None
    environ: tuple[tuple[str, str], ...] = ()


def importing(case: Case) -> Outcome:
    """Import the library."""
    return Outcome.of(case.programs.run("import"))


def local(program: str, **arguments: Any) -> Check:
    """Make the check that runs one program on the model's directory."""
    return lambda case: Outcome.of(case.run(program, **arguments))


def keras_file(case: Case) -> Outcome:
    """Save a `.keras` file in one process and open it in another."""
    path = str(case.programs.work / "model.keras")
    saved = case.run("save_keras", path=path)
    if not saved.ok:
        return Outcome.of(saved, before="cannot be made: ")
    return Outcome.of(case.programs.run("open_keras", probe=str(case.probe), path=path))


def fetched(case: Case) -> Outcome:
    """Load from a hub."""
    with StubHub(whole(case.packed)) as hub:
        return Outcome.of(case.load(hub.url()))


ROWS = (
    Row("the library is imported", importing),
    Row("`hub.load` of a local SavedModel; its outputs are right", local("load")),
    Row("`hub.load` of a `pathlib.Path`", local("load", as_path=True)),
    Row("`KerasLayer` in `keras.Sequential` (Keras 3) and `fit`", local("sequential")),
    Row("`KerasLayer` in a functional Keras 3 model", local("functional")),
    Row(
        "fine-tuning (`trainable=True`, own loop) changes the weights",
        local("fine_tune"),
    ),
    Row("a `.keras` file with the layer opens in a new process, no `custom_objects`", keras_file),
    Row("a model is fetched from a hub URL (loopback)", fetched),
    Row("one flipped bit in the archive is refused", faults.flipped_bits),
    Row("a `.tar` cut before the weights is refused, the next call works", faults.cut_archive),
    Row("a cleaner removed the cached files: the next call fetches again", faults.cleaned_cache),
    Row("`kill -9` in mid-download: the next caller has it in 20 s", faults.killed_download),
    Row("a server is silent after its headers: the call ends in 90 s", faults.silent_server),
    Row("the cache is read-only and holds the model", faults.read_only_cache),
    Row(
        "`KerasLayer(trainable=True)` in `tf_keras.Sequential` and `fit`, TF_USE_LEGACY_KERAS=1",
        local("legacy_keras"),
        needs="tf_keras",
        environ=(("TF_USE_LEGACY_KERAS", "1"),),
    ),
)
