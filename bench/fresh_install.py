"""Shows what works on a fresh install today: `tensorflow_hub` against `anyhub`.

    python bench/fresh_install.py [--uv UV] [--python PYTHON] [--rows 1,9,13]

Makes three virtual environments in a temporary directory, runs the rows of `fresh/rows.py` in
each and prints a Markdown table. Without --rows, the table and the record are written to
`bench/results/`. Packages come from where pip (or uv) is configured to take them; the rows
themselves use no network but loopback.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from fresh.case import Case, Outcome
from fresh.environments import Column, Environment, Installer, find_uv
from fresh.process import Launcher
from fresh.report import Tried, markdown, record, scrub
from fresh.rows import ROWS, Row

REPOSITORY = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"
COLUMNS = (
    Column(
        "tensorflow_hub, as installed today",
        "tensorflow_hub",
        "pip install tensorflow tensorflow-hub",
        ("tensorflow", "tensorflow-hub"),
    ),
    Column(
        "tensorflow_hub, repaired by hand",
        "tensorflow_hub",
        'pip install tensorflow tensorflow-hub "setuptools<81" tf_keras',
        ("tensorflow", "tensorflow-hub", "setuptools<81", "tf_keras"),
    ),
    Column(
        "anyhub",
        "anyhub",
        'pip install ".[tensorflow,server]"',
        (f"{REPOSITORY}[tensorflow,server]",),
    ),
)


def main() -> None:
    """Make the environments, run the rows, print and write what came out."""
    options = parse_options()
    # A plain end would leave children and the temporary directory behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    installer = Installer(options.python, find_uv(options.uv))
    rows = [(n, row) for n, row in enumerate(ROWS, 1) if not options.rows or n in options.rows]
    facts = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "Python": python_version(options.python),
        "system": f"{platform.system()} {platform.machine()}",
        "environments made by": installer.name,
        "checkout": checkout(),
    }
    with tempfile.TemporaryDirectory(prefix="fresh-install-") as temporary:
        tried = compare(installer, rows, Path(temporary).resolve())
    table = markdown(facts, rows, tried)
    print(table)
    if not options.rows:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "fresh_install.md").write_text(table)
        text = json.dumps(record(facts, rows, tried), indent=1)
        (RESULTS / "fresh_install.json").write_text(text + "\n")


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Show what works on a fresh install today.")
    parser.add_argument("--uv", help="the uv program; default: the one on PATH, else venv and pip")
    parser.add_argument("--python", default=sys.executable, help="interpreter to install for")
    parser.add_argument(
        "--rows",
        type=lambda text: {int(part) for part in text.split(",")},
        help="only these rows, e.g. 1,9; then nothing is written",
    )
    return parser.parse_args()


def python_version(python: str) -> str:
    """The version of an interpreter."""
    command = [python, "-c", "import platform; print(platform.python_version())"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def checkout() -> str:
    """The commit that anyhub is installed from, and whether its sources differ from it."""
    try:
        commit = git("rev-parse", "--short", "HEAD")
        return commit + (" with changes" if git("status", "--porcelain", "src") else "")
    except (OSError, subprocess.CalledProcessError):
        return "without git"


def git(*arguments: str) -> str:
    """What git says about this checkout."""
    command = ["git", "-C", str(REPOSITORY), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def compare(installer: Installer, rows: list[tuple[int, Row]], work: Path) -> list[Tried]:
    """Try each column, all with the TensorFlow that the first one got."""
    model, probe = work / "features", work / "probe.npz"
    tried: list[Tried] = []
    for index, column in enumerate(COLUMNS, 1):
        tell(f"installing: {column.title}")
        pinned = [f"tensorflow=={tried[0].packages['tensorflow']}"] if tried else []
        directory = work / f"column-{index}"
        directory.mkdir()
        environment = installer.create(directory / "env", [*column.requirements, *pinned])
        packages = dict(environment.packages)
        if not model.exists():
            make_model(environment, model, probe)
        outcomes: list[Outcome] = []
        for number, row in rows:
            if any(not outcome.imports for outcome in outcomes):
                outcomes.append(Outcome(False, "does not import", imports=False))
                continue
            if row.needs and row.needs.replace("_", "-") not in environment.packages:
                installer.install(environment, [row.needs, *pinned])
            place = directory / f"row-{number}"
            place.mkdir()
            launcher = Launcher(environment.python, column.library, place, dict(row.environ))
            outcome = scrub(row.check(Case(launcher, model, probe)), str(work))
            tell(f"  {number}. {row.title}: {outcome.works} {outcome.note} {outcome.seconds}")
            outcomes.append(outcome)
        tried.append(Tried(column, environment, packages, outcomes))
    return tried


def make_model(environment: Environment, model: Path, probe: Path) -> None:
    """Save the model of all rows; the original library has no part in it."""
    launcher = Launcher(environment.python, "tensorflow", model.parent, {})
    answer = launcher.run("make", model=str(model), probe=str(probe))
    if not answer.ok:
        raise SystemExit(f"cannot make the model: {answer.error}")


def tell(text: str) -> None:
    """Tell how far it is."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
