"""Nothing is written outside of the destination, and nothing remains after a failure."""

from __future__ import annotations

import errno
import io
import shutil
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anyhub.errors import ArchiveError, UnsafeArchiveError
from anyhub.transport.archive import unpack, unpacking, writing
from support.archive_builders import (
    END,
    GNU,
    POSIX,
    V7,
    archives,
    assert_contents,
    contents,
    gnu_long,
    gz,
    member,
    model_files,
    pax,
    python_zip,
    zst,
)

FILES = model_files()
GOOD = gz(member("f", b"x") + END)
LATE = {  # the failure comes after some files were written
    "damaged": (gz(member("a/f", b"x") + member("g", b"y") + END)[:-1], ArchiveError),
    "unsafe": (gz(member("a/f", b"x") + member("../g") + END), UnsafeArchiveError),
    "zip": (python_zip({"a/f": b"x", "../g": b""}), UnsafeArchiveError),
}


@pytest.fixture
def download(tmp_path):
    def write(data):
        path = tmp_path / "download"
        path.write_bytes(data)
        return path

    return write


@pytest.fixture(params=[True, False], ids=["descriptors", "paths"])
def use_dir_fd(request, monkeypatch):
    """Both ways to create files: relative to a descriptor, and by path as on Windows."""
    if request.param and not writing._USE_DIR_FD:
        pytest.skip("this system has no functions that take a directory descriptor")
    monkeypatch.setattr(writing, "_USE_DIR_FD", request.param)


@pytest.mark.parametrize("kind", archives({}))
def test_both_ways_to_create_files(tmp_path, download, use_dir_fd, kind):
    unpack(download(archives(FILES)[kind]), tmp_path / "out")
    assert_contents(tmp_path / "out", FILES)


@pytest.mark.parametrize("case", LATE)
def test_a_new_destination_vanishes(tmp_path, download, use_dir_fd, case):
    data, error = LATE[case]
    with pytest.raises(error):
        unpack(download(data), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("case", LATE)
def test_an_empty_destination_becomes_empty_again(tmp_path, download, use_dir_fd, case):
    (tmp_path / "out").mkdir()
    data, error = LATE[case]
    with pytest.raises(error):
        unpack(download(data), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_an_empty_destination_is_used(tmp_path, download):
    (tmp_path / "out").mkdir()
    unpack(download(GOOD), tmp_path / "out")
    assert_contents(tmp_path / "out", {"f": b"x"})


def test_a_full_destination_is_left_alone(tmp_path, download):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="only into a new or empty directory"):
        unpack(download(GOOD), tmp_path / "out")
    assert_contents(tmp_path / "out", {"mine": b"mine"})


def test_a_file_as_destination(tmp_path, download):
    (tmp_path / "out").write_bytes(b"mine")
    with pytest.raises(NotADirectoryError):
        unpack(download(GOOD), tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"mine"


def test_missing_paths(tmp_path, download):
    with pytest.raises(FileNotFoundError):
        unpack(tmp_path / "missing", tmp_path / "out")
    with pytest.raises(FileNotFoundError):
        unpack(download(GOOD), tmp_path / "missing" / "out")
    assert not (tmp_path / "missing").exists()


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "no space"), KeyboardInterrupt()])
def test_other_errors_pass_through_and_leave_nothing(tmp_path, download, monkeypatch, error):
    def fail(stream, tree, budget):
        tree.add_file(("a", "f"), [b"x"])
        raise error

    monkeypatch.setattr(unpacking, "unpack_tar", fail)
    with pytest.raises(type(error)) as caught:
        unpack(download(GOOD), tmp_path / "out")
    assert caught.value is error
    assert not (tmp_path / "out").exists()


def test_a_write_that_the_system_refuses(tmp_path, download):
    """A real failure of write(2): a file may not become larger than 64 KiB."""
    resource = pytest.importorskip("resource")
    path = download(gz(member("a", b"x") + member("b", bytes(200_000)) + END))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, hard))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            unpack(path, tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.errno == errno.EFBIG
    assert not isinstance(caught.value, ArchiveError)
    assert not (tmp_path / "out").exists()


def test_the_error_says_when_nothing_could_be_removed(tmp_path, download, monkeypatch):
    def fail(path):
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr(writing.shutil, "rmtree", fail)
    with pytest.raises(ArchiveError) as caught:
        unpack(download(LATE["damaged"][0]), tmp_path / "out")
    assert "could not be removed" in caught.value.__notes__[0]


@pytest.mark.skipif(not writing._USE_DIR_FD, reason="needs directory descriptors")
@pytest.mark.parametrize("way", ["directory", "file"])
def test_a_link_that_appears_meanwhile_is_not_followed(tmp_path, download, monkeypatch, way):
    """Someone else who may write to the destination swaps in a symbolic link."""
    victim = tmp_path / "victim"
    victim.mkdir()
    original = writing.Tree.add_file

    def add_file(self, parts, data):
        if parts[-1] == "second":
            if way == "directory":
                shutil.rmtree(tmp_path / "out" / "d")
                (tmp_path / "out" / "d").symlink_to(victim)
            else:
                (tmp_path / "out" / "d" / "second").symlink_to(victim / "second")
        original(self, parts, data)

    monkeypatch.setattr(writing.Tree, "add_file", add_file)
    error = OSError if way == "directory" else UnsafeArchiveError
    with pytest.raises(error):
        unpack(download(gz(member("d/first") + member("d/second") + END)), tmp_path / "out")
    assert list(victim.iterdir()) == []
    assert not (tmp_path / "out").exists()


def test_names_that_only_the_file_system_takes_for_one(tmp_path, download, monkeypatch):
    monkeypatch.setattr(writing.NameIndex, "add_file", lambda self, parts: [])
    with pytest.raises(UnsafeArchiveError, match="'f' is taken by the file system for another"):
        unpack(download(gz(member("f") + member("f") + END)), tmp_path / "out")


PARTS = st.one_of(
    st.sampled_from(["a", "A", "b", "..", ".", "", "c:", "CON", "x.", "ä", "a\u0308", "..a"]),
    st.text(st.characters(codec="utf-8"), max_size=4),
)
NAMES = st.lists(PARTS, min_size=1, max_size=4).map("/".join)
MEMBERS = st.lists(
    st.tuples(
        NAMES,
        st.binary(max_size=700),
        st.sampled_from([b"0"] * 8 + [b"5"] * 3 + [bytes([n]) for n in b"\x0012346789SVMDxgLK"]),
        st.sampled_from(["field", "pax", "gnu"]),
        st.sampled_from([POSIX, GNU, V7]),
        st.sampled_from([b"", b"", b"p", b"/p", b".."]),
    ),
    max_size=6,
)


def build(members):
    data = b""
    for name, content, kind, way, magic, prefix in members:
        raw = name.encode()
        size = len(content) if kind in b"\x000xgLK" else 0
        if way == "pax":
            data += pax({"path": raw})
        elif way == "gnu":
            data += gnu_long(raw)
        field = raw if way == "field" else b"safe"
        data += member(field, content[:size], kind, magic=magic, prefix=prefix, link=b"../outside")
    return data + END


def check_stays_inside(data, compare=None):
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder, "base")
        base.mkdir()
        (base / "outside").write_bytes(b"mine")
        path = base / "download"
        path.write_bytes(data)
        try:
            files = unpack(path, base / "deep")
        except ArchiveError:
            assert not (base / "deep").exists()
        else:
            found = contents(base / "deep")
            assert {file.path: file.size for file in files} == {
                name: len(content) for name, content in found.items()
            }
            if compare is not None:
                compare(found)
            shutil.rmtree(base / "deep")
        assert_contents(base, {"outside": b"mine", "download": data})
        assert list(Path(folder).iterdir()) == [base]


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(members=MEMBERS, compress=st.sampled_from([bytes, gz, zst]))
def test_random_tars_stay_inside(members, compress):
    plain = build(members)

    def compare(found):
        """What we accept, Python reads in the same way."""
        with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
            files = [info for info in archive.getmembers() if info.isfile()]
            read = {info.name: archive.extractfile(info).read() for info in files}
        assert {name.removeprefix("./"): data for name, data in read.items()} == found

    check_stays_inside(compress(plain), compare)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    files=st.dictionaries(
        NAMES.filter(lambda name: name.partition("\0")[0]), st.binary(max_size=50), max_size=5
    )
)
def test_random_zips_stay_inside(files):
    check_stays_inside(python_zip(files))


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    head=st.sampled_from([*archives(FILES).values(), GOOD, b"PK\x03\x04", b"\x1f\x8b", b""]),
    changes=st.lists(st.tuples(st.integers(0, 400), st.binary(min_size=1, max_size=9)), max_size=5),
    near_end=st.booleans(),
)
def test_random_changes_raise_nothing_unexpected(head, changes, near_end):
    data = bytearray(head)
    for place, piece in changes:
        at = max(0, len(data) - place) if near_end else place
        data[at : at + len(piece)] = piece
    check_stays_inside(bytes(data))
