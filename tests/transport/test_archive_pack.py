"""Packing: the same files give the same bytes, and everything reads them."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import socket
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anyhub.errors import ArchiveError, UnsafeArchiveError
from anyhub.transport.archive import PackedArchive, pack, packing, unpack
from support.archive_builders import assert_contents, contents, model_files

FILES = model_files() | {
    "assets/" + "long_name_" * 20 + ".txt": b"longer than a field",
    "d" * 90 + "/" + "f" * 90: b"in the prefix field",
    "assets/wörter.txt": b"not ASCII",
}


def write_files(directory: Path, files) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(data)
    return directory


@pytest.fixture
def model(tmp_path):
    return write_files(tmp_path / "model", FILES)


def test_round_trip(tmp_path, model):
    (model / "no_files_here").mkdir()
    packed = pack(model, tmp_path / "m.tar.gz")
    data = (tmp_path / "m.tar.gz").read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    assert packed == PackedArchive(tmp_path / "m.tar.gz", len(data), digest)
    unpacked = unpack(packed.path, tmp_path / "out")
    assert_contents(tmp_path / "out", FILES)
    assert [file.path for file in unpacked] == sorted(FILES)
    assert (tmp_path / "out" / "no_files_here").is_dir()


def test_equal_files_give_equal_bytes(tmp_path, model):
    """Another directory, order, owner, time and permission, and another name of the archive."""
    other = write_files(tmp_path / "other", dict(reversed(FILES.items())))
    for path in other.rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(0o700)
    first = pack(model, tmp_path / "first.tgz")
    second = pack(other, tmp_path / "second.tar.gz")
    assert first.sha256 == second.sha256
    assert first.path.read_bytes() == second.path.read_bytes()
    (other / "saved_model.pb").write_bytes(b"changed")
    assert pack(other, tmp_path / "second.tar.gz").sha256 != first.sha256


def test_headers(tmp_path, model):
    data = pack(model, tmp_path / "m.tar.gz").path.read_bytes()
    assert data[:4] == b"\x1f\x8b\x08\x00"
    assert data[4:8] == bytes(4)
    assert data[9:10] == b"\xff"
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(data))) as archive:
        members = archive.getmembers()
    names = [info.name for info in members]
    assert names == sorted(names, key=lambda name: name.split("/"))
    assert sorted({*FILES} | {str(Path(name).parent) for name in FILES} - {"."}) == sorted(names)
    for info in members:
        assert info.mode == (0o755 if info.isdir() else 0o644)
        assert (info.mtime, info.uid, info.gid, info.uname, info.gname) == (0, 0, 0, "", "")
    extended = [info.name for info in members if info.pax_headers]
    assert len(extended) == 2  # the long component and the name that is not ASCII


def test_the_bytes_are_pinned(tmp_path):
    """The tar must not change between versions: digests of published models depend on it."""
    model = write_files(tmp_path / "model", {"a/b.txt": b"text", "é": b"", "saved_model.pb": b"1"})
    tar = gzip.decompress(pack(model, tmp_path / "m.tgz").path.read_bytes())
    assert hashlib.sha256(tar).hexdigest() == (
        "3e23e00d1b31429f7147b6421652dffef62664f8c8b16f5452d39b04c3beb4d4"
    )


@pytest.mark.skipif(shutil.which("tar") is None, reason="needs a tar program")
def test_the_tar_program_reads_it(tmp_path, model):
    packed = pack(model, tmp_path / "m.tar.gz")
    (tmp_path / "out").mkdir()
    command = ["tar", "-xzf", str(packed.path), "-C", str(tmp_path / "out")]
    run = subprocess.run(command, check=True, capture_output=True)
    assert run.stderr == b""
    assert_contents(tmp_path / "out", FILES)


def test_directories_come_before_their_files(tmp_path, model):
    """tensorflow_hub creates no parents by itself."""
    with tarfile.open(pack(model, tmp_path / "m.tgz").path) as archive:
        known = {"."}
        for info in archive:
            assert str(Path(info.name).parent) in known
            known.add(info.name)


@pytest.mark.parametrize("level", [0, 1, 9])
def test_levels(tmp_path, model, level):
    unpack(pack(model, tmp_path / "m.tgz", level=level).path, tmp_path / "out")
    assert_contents(tmp_path / "out", FILES)


def check_refused(tmp_path, model, reason, error=UnsafeArchiveError, **options):
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(error) as caught:
        pack(model, tmp_path / "m.tgz", **options)
    assert reason in str(caught.value)
    assert str(caught.value).startswith(f"cannot pack {str(model)!r}: ")
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize("target", ["saved_model.pb", "assets", "missing", "/etc"])
def test_symbolic_links(tmp_path, model, target):
    (model / "assets" / "link").symlink_to(target)
    check_refused(tmp_path, model, f"{str(model / 'assets' / 'link')!r} is a symbolic link")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_special_files(tmp_path, model):
    os.mkfifo(model / "fifo")
    check_refused(tmp_path, model, f"{str(model / 'fifo')!r} is a special file")


def test_sockets(model, monkeypatch):
    monkeypatch.chdir(model)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        with pytest.raises(UnsafeArchiveError, match="is a special file"):
            pack(model, model.parent / "m.tgz")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("CON", "a device on Windows"),
        ("ab:c", "which Windows does not allow"),
        ("a\\b", "has a backslash"),
        ("dot.", "ends in a dot"),
        ("a\nb", "control character"),
        (os.fsdecode(b"\xff"), "not UTF-8"),
        ("FINGERPRINT.pb", "only in case"),
        ("a\u0308", "normal form C"),
    ],
)
def test_names_that_are_not_valid_everywhere(tmp_path, model, name, reason):
    try:
        (model / name).write_bytes(b"x")
    except OSError:
        pytest.skip("this file system does not allow the name")
    check_refused(tmp_path, model, reason)


def test_no_file(tmp_path):
    (tmp_path / "model" / "variables").mkdir(parents=True)
    check_refused(tmp_path, tmp_path / "model", "it holds no file", ArchiveError)


@pytest.mark.parametrize("level", [-1, 10])
def test_wrong_levels(tmp_path, model, level):
    check_refused(tmp_path, model, "accepted are 0 to 9", ArchiveError, level=level)


def test_an_archive_within_its_own_directory(model):
    with pytest.raises(ArchiveError, match="would lie in the directory that it holds"):
        pack(model, model / "variables" / "m.tgz")
    assert_contents(model, FILES)


def test_missing_paths(tmp_path, model):
    with pytest.raises(FileNotFoundError):
        pack(tmp_path / "missing", tmp_path / "m.tgz")
    with pytest.raises(FileNotFoundError):
        pack(model, tmp_path / "missing" / "m.tgz")


@pytest.mark.parametrize(("first", "then"), [(b"x", b"xyz"), (b"xyz", b"x")])
def test_a_file_that_changes_meanwhile(tmp_path, model, monkeypatch, first, then):
    path = model / "changing"
    path.write_bytes(first)
    original = packing._to_bytes

    def change(header):
        if header.name == "changing":
            path.write_bytes(then)
        return original(header)

    monkeypatch.setattr(packing, "_to_bytes", change)
    check_refused(
        tmp_path, model, f"had {len(first)} bytes at first and then {len(then)}", ArchiveError
    )


def test_a_file_that_becomes_a_link_meanwhile(tmp_path, model, monkeypatch):
    original = packing._open_regular

    def change(path):
        if path.name == "saved_model.pb":
            path.unlink()
            path.symlink_to("/etc/passwd")
        return original(path)

    monkeypatch.setattr(packing, "_open_regular", change)
    check_refused(tmp_path, model, "is a symbolic link")


@pytest.mark.parametrize("then", ["fifo", "nothing"])
def test_a_file_that_is_replaced_meanwhile(tmp_path, model, monkeypatch, then):
    original = packing._open_regular

    def change(path):
        if path.name == "saved_model.pb":
            path.unlink()
            if then == "fifo":
                os.mkfifo(path)
        return original(path)

    monkeypatch.setattr(packing, "_open_regular", change)
    if then == "fifo":
        check_refused(tmp_path, model, "is a special file")
    else:
        with pytest.raises(FileNotFoundError):
            pack(model, tmp_path / "m.tgz")
        assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_the_old_archive_survives_a_failure(tmp_path, model):
    pack(model, tmp_path / "m.tgz")
    old = (tmp_path / "m.tgz").read_bytes()
    (model / "link").symlink_to("x")
    check_refused(tmp_path, model, "is a symbolic link")
    assert (tmp_path / "m.tgz").read_bytes() == old
    (model / "link").unlink()
    (model / "more").write_bytes(b"more")
    pack(model, tmp_path / "m.tgz")
    assert (tmp_path / "m.tgz").read_bytes() != old


def test_the_archive_is_on_the_disk_before_it_has_its_name(tmp_path, model, monkeypatch):
    synced = []

    def fsync(descriptor):
        synced.append((os.fstat(descriptor).st_size, (tmp_path / "m.tgz").exists()))

    monkeypatch.setattr(packing.os, "fsync", fsync)
    packed = pack(model, tmp_path / "m.tgz")
    assert synced[0] == (packed.size, False)


def test_the_archive_has_the_default_permissions(tmp_path, model):
    old = os.umask(0o026)
    try:
        path = pack(model, tmp_path / "m.tgz").path
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o640


COMPONENT = st.text("abcxyz019_-äé漢 .", min_size=1, max_size=40).filter(
    lambda text: text.lstrip(".") and text == text.rstrip(" .")
)
TREES = st.dictionaries(
    st.lists(COMPONENT, min_size=1, max_size=5).map(tuple),
    st.binary(max_size=2000),
    min_size=1,
    max_size=6,
)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(tree=TREES)
def test_random_trees_round_trip(tree):
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder, "model")
        for parts, data in tree.items():
            try:
                model.joinpath(*parts).parent.mkdir(parents=True, exist_ok=True)
                model.joinpath(*parts).write_bytes(data)
            except OSError:  # a file where a directory should be
                continue
        try:
            packed = pack(model, Path(folder, "m.tgz"))
        except UnsafeArchiveError as error:
            if "normal form C" not in str(error):
                raise
            return
        unpack(packed.path, Path(folder, "out"))
        assert_contents(Path(folder, "out"), contents(model))
