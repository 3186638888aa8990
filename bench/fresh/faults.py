"""The rows in which something goes wrong: damaged archives, dead processes, silent servers."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from fresh import archives
from fresh.case import Case, Outcome
from fresh.process import START_SECONDS
from fresh.server import StubHub, by_path, silent, slow, whole

BITS = 20
AFTER_KILL_SECONDS = 20.0
SILENCE_SECONDS = 90.0
# Runs a command that sees a directory ($0) as read-only: permissions do not bind root.
_MOUNT = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'


def flipped_bits(case: Case) -> Outcome:
    """Load archives with one wrong bit each, then the sound archive from the same URLs."""
    flips = archives.flips(case.packed, BITS)
    paths = [f"/acme/features-{index}/1" for index in range(len(flips))]
    bodies = {path: flip.body for path, flip in zip(paths, flips, strict=True)}
    with StubHub(by_path(bodies)) as hub:
        handles = [hub.url(path) for path in paths]
        damaged = case.programs.run("load_each", handles=handles)
        hub.answer = whole(case.packed)
        later = case.programs.run("load_each", handles=handles)
    if not (damaged.ok and later.ok):
        return Outcome.of(later if damaged.ok else damaged)
    refused = [index for index, error in enumerate(damaged.value) if error]
    healed = sum(later.value[index] is None for index in refused)
    note = (
        f"{len(refused)} of {len(flips)} refused; "
        f"{healed} of these {len(refused)} load once the hub is sound"
    )
    accepted = Counter(flips[i].file for i, error in enumerate(damaged.value) if not error)
    if accepted:
        note += "; loaded as if sound: " + ", ".join(f"{n} in {f}" for f, n in accepted.items())
    return Outcome(len(refused) == len(flips), note, damaged.seconds)


def cut_archive(case: Case) -> Outcome:
    """Load a .tar that ends before the weights, then the sound archive."""
    cut = archives.cut_before_weights(archives.tar(case.model))
    with StubHub(whole(cut)) as hub:
        first = case.load(hub.url())
        hub.answer = whole(case.packed)
        second = case.load(hub.url())
    if first.ok:
        return Outcome(False, "the cut archive is not refused", first.seconds)
    return Outcome.of(second, before="refused, but the next call fails too: ")


def cleaned_cache(case: Case) -> Outcome:
    """Load, let a cleaner remove all files but no directory, load again."""
    with StubHub(whole(case.packed)) as hub:
        first = case.load(hub.url())
        if not first.ok:
            return Outcome.of(first, before="the first call: ")
        for path in case.programs.cache.rglob("*"):
            if not path.is_dir():
                path.unlink()
        return Outcome.of(case.load(hub.url()))


def killed_download(case: Case) -> Outcome:
    """Kill a process that downloads, then load in another."""
    halfway = threading.Event()
    with StubHub(whole(case.packed)) as hub:
        hub.answer = slow(case.packed, halfway, hub.closing)
        arguments = {"handle": hub.url(), "probe": str(case.probe)}
        with case.programs.started("load", START_SECONDS, arguments):
            if not halfway.wait(START_SECONDS):
                return Outcome(False, "no download began")
            # Lets the half that was sent reach the client; leaving the block kills it.
            time.sleep(1)
        hub.answer = whole(case.packed)
        second = case.load(hub.url(), watch=AFTER_KILL_SECONDS)
    return Outcome.of(second, good=f"after {second.seconds:.1f} s")


def silent_server(case: Case) -> Outcome:
    """Load from a server that sends headers and then nothing."""
    with StubHub(whole(b"")) as hub:
        hub.answer = silent(len(case.packed), hub.closing)
        answer = case.load(hub.url(), watch=SILENCE_SECONDS)
    if answer.ok or answer.timed_out:
        return Outcome.of(answer)
    return Outcome(True, f"after {answer.seconds:.0f} s: {answer.error}", answer.seconds)


def read_only_cache(case: Case) -> Outcome:
    """Load, make the cache read-only, load again."""
    with StubHub(whole(case.packed)) as hub:
        first = case.load(hub.url())
        if not first.ok:
            return Outcome.of(first, before="the first call: ")
        cache = case.programs.cache
        with _read_only(cache) as prefix:
            if prefix is None:
                return Outcome(None, "not run: this machine lets root write everywhere")
            return Outcome.of(case.load(hub.url(), prefix=prefix, read_only=str(cache)))


@contextlib.contextmanager
def _read_only(directory: Path) -> Iterator[tuple[str, ...] | None]:
    """Give the command that runs others so that they cannot write; None if there is none."""
    if os.geteuid() != 0:
        directories = [directory, *(path for path in directory.rglob("*") if path.is_dir())]
        for path in directories:
            path.chmod(0o555)
        try:
            yield ()
        finally:
            for path in directories:
                path.chmod(0o755)
        return
    prefix = ("unshare", "--mount", "sh", "-c", _MOUNT, str(directory))
    possible = shutil.which("unshare") and subprocess.run([*prefix, "true"], check=False)
    yield prefix if possible and possible.returncode == 0 else None
