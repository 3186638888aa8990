"""The store: entries appear whole, survive damage, and need no write to be found."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import anyhub as hub
from anyhub.cache import Entry, FileRecord, Store
from support.archives import FAKE_MODEL, tar_gz
from support.fault_server import Answer, FaultServer

URL = "https://host/pub/model/1"


def stage(staged: Path, content: bytes = b"content") -> Entry:
    (staged / "model").mkdir()
    (staged / "model" / "saved_model.pb").write_bytes(content)
    files = (FileRecord("saved_model.pb", len(content), "0" * 64),)
    return Entry(URL, URL, "0" * 64, 1, 0.0, ".", files)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


def test_entry_is_there_after_commit_only(store: Store) -> None:
    with store.staging() as staged:
        entry = stage(staged)
        assert store.lookup(URL) is None
        path = store.commit(staged, entry)
    assert store.lookup(URL) == path
    assert (path / "saved_model.pb").read_bytes() == b"content"
    assert not staged.exists()


def test_record_round_trip() -> None:
    entry = Entry("h", "u", "a", 2, 3.5, "x", (FileRecord("f", 1, "d"),))
    assert Entry.from_json(entry.to_json()) == entry


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"format": 2}', '{"format": 1}', "\0"])
def test_damaged_record_is_a_miss(store: Store, text: str) -> None:
    with store.staging() as staged:
        path = store.commit(staged, stage(staged))
    (path.parent / "entry.json").write_text(text)
    assert store.lookup(URL) is None


def test_second_commit_keeps_the_first(store: Store) -> None:
    for content in (b"first", b"second"):
        with store.staging() as staged:
            path = store.commit(staged, stage(staged, content))
    assert (path / "saved_model.pb").read_bytes() == b"first"


def test_damaged_entry_is_replaced(store: Store) -> None:
    with store.staging() as staged:
        path = store.commit(staged, stage(staged))
    (path / "saved_model.pb").unlink()
    assert store.lookup(URL) is None
    with store.staging() as staged:
        store.commit(staged, stage(staged))
    assert store.lookup(URL) == path
    assert (path / "saved_model.pb").exists()


def test_failure_while_staging_leaves_nothing(store: Store, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), store.staging() as staged:
        (staged / "nothing").read_bytes()
    assert list((tmp_path / "cache" / "staging").iterdir()) == []


def test_names_are_readable_and_distinct(store: Store) -> None:
    keys = {
        store._key(f"https://h/p/m{x}") for x in ("", "/1", "/2", "?a=1", "/é", "/" + "x" * 300)
    }
    assert len(keys) == 6
    assert all(len(key) < 120 and key.isascii() and "/" not in key for key in keys)
    assert any(key.startswith("h_p_m_1-") for key in keys)


def test_cachedir_tag(store: Store, tmp_path: Path) -> None:
    with store.staging():
        pass
    tag = (tmp_path / "cache" / "CACHEDIR.TAG").read_text()
    assert tag.startswith("Signature: 8a477f597d28d172789f06886806bc55\n")


def test_hit_writes_nothing(store: Store, tmp_path: Path) -> None:
    with store.staging() as staged:
        store.commit(staged, stage(staged))
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "cache").rglob("*")}
    for directory in [tmp_path / "cache", *(p for p in before if p.is_dir())]:
        directory.chmod(0o555)
    try:
        assert store.lookup(URL)
    finally:
        for directory in [tmp_path / "cache", *(p for p in before if p.is_dir())]:
            directory.chmod(0o755)
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "cache").rglob("*")} == before


def test_eight_processes_fetch_once(fault_server: FaultServer, tmp_path: Path) -> None:
    fault_server.answers = [Answer(body=tar_gz(FAKE_MODEL))]
    url = f"{fault_server.url}/pub/model/1"
    program = "import sys, anyhub; print(anyhub.resolve(sys.argv[1]))"
    environment = {**os.environ, "TFHUB_CACHE_DIR": str(tmp_path / "shared cache é")}
    command = [sys.executable, "-c", program, url]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(8)
    ]
    answers = {process.communicate(timeout=60)[0].strip() for process in processes}
    assert [process.returncode for process in processes] == [0] * 8
    assert len(answers) == 1
    assert (Path(answers.pop()) / "saved_model.pb").is_file()
    assert len(fault_server.requests) == 1


def test_holder_of_the_lock_that_makes_no_progress_is_not_waited_for(
    fault_server: FaultServer, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import signal

    from anyhub.cache import store as module

    monkeypatch.setattr(module, "LOCK_PATIENCE", 0.6)
    program = (
        "import sys, time; from pathlib import Path; from anyhub.cache import Store\n"
        "with Store(Path(sys.argv[1])).lock(sys.argv[2]):\n"
        "    print('held', flush=True); time.sleep(60)"
    )
    fault_server.answers = [Answer(body=tar_gz(FAKE_MODEL))]
    url = f"{fault_server.url}/pub/model/1"
    command = [sys.executable, "-c", program, str(cache_dir), url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout.readline() == "held\n"
            holder.send_signal(signal.SIGSTOP)
            assert Path(hub.resolve(url), "saved_model.pb").is_file()
        finally:
            holder.kill()


def test_other_order_of_forks_without_locks(
    fault_server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without locks both fetch; the result is the same."""
    import filelock

    def fails(*_: object, **__: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(filelock.FileLock, "acquire", fails)
    fault_server.answers = [Answer(body=tar_gz(FAKE_MODEL))]
    path = hub.resolve(f"{fault_server.url}/pub/model/1")
    assert hub.resolve(f"{fault_server.url}/pub/model/1") == path
