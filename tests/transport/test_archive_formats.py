"""What well-meant archives look like, and what is said about files that are none."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from anyhub.errors import ArchiveError
from anyhub.transport.archive import Limits, UnpackedFile, streams, unpack
from anyhub.transport.archive import zip as zip_module
from anyhub.transport.archive.sniff import unknown_format
from support.archive_builders import (
    END,
    V7,
    archives,
    assert_contents,
    gnu_long,
    gz,
    header,
    member,
    model_files,
    pax,
    python_tar,
    python_zip,
    zst,
)

if TYPE_CHECKING:
    from pathlib import Path

FILES = model_files()
LONG = "/".join(["a_directory_with_a_rather_long_name"] * 8) + "/file.txt"


def write(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "download"
    path.write_bytes(data)
    return path


def unpacked(tmp_path: Path, data: bytes) -> Path:
    destination = tmp_path / "out"
    unpack(write(tmp_path, data), destination)
    return destination


@pytest.mark.parametrize("kind", archives({}))
def test_every_format_unpacks_to_the_same_files(tmp_path, kind):
    result = unpack(write(tmp_path, archives(FILES)[kind]), tmp_path / "out")
    assert_contents(tmp_path / "out", FILES)
    assert result == [
        UnpackedFile(name, len(data), hashlib.sha256(data).hexdigest())
        for name, data in sorted(FILES.items())
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"saved_model.pb": b"other"},
        {"more.txt": b""},
        {"fingerprint.pb": None},
        {"assets/empty.txt": b"\0"},
    ],
)
def test_the_comparison_can_fail(tmp_path, change):
    unpacked(tmp_path, gz(python_tar(FILES)))
    expected = {name: data for name, data in (FILES | change).items() if data is not None}
    with pytest.raises(AssertionError):
        assert_contents(tmp_path / "out", expected)


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_formats_of_tarfile(tmp_path, form):
    files = dict(FILES)
    files["d" * 90 + "/" + "f" * 90] = b"in the prefix field of ustar"
    if form != tarfile.USTAR_FORMAT:
        files |= {LONG: b"long", "näme.txt": b"not ASCII", "x" * 255: b"one long component"}
    data = python_tar(files, form, directories=["assets", "variables"])
    assert_contents(unpacked(tmp_path, gz(data)), files)


@pytest.mark.skipif(shutil.which("tar") is None, reason="needs a tar program")
@pytest.mark.parametrize("form", ["v7", "oldgnu", "gnu", "ustar", "posix"])
@pytest.mark.parametrize("what", [".", "./", "members"])
def test_formats_of_gnu_tar(tmp_path, form, what):
    version = subprocess.run(["tar", "--version"], capture_output=True, text=True, check=True)
    if "GNU tar" not in version.stdout:
        pytest.skip("tar is not GNU tar")
    model = tmp_path / "model"
    files = {**FILES, LONG: b"long"} if form in {"oldgnu", "gnu", "posix"} else FILES
    for name, data in files.items():
        (model / name).parent.mkdir(parents=True, exist_ok=True)
        (model / name).write_bytes(data)
    names = sorted(path.name for path in model.iterdir()) if what == "members" else [what]
    path = tmp_path / "model.tgz"
    command = ["tar", f"--format={form}", "-czf", str(path), "-C", str(model), *names]
    subprocess.run(command, check=True)
    unpack(path, tmp_path / "out")
    assert_contents(tmp_path / "out", files)


@pytest.mark.skipif(shutil.which("zstd") is None, reason="needs a zstd program")
@pytest.mark.parametrize("options", [["-1"], ["-19"], ["--no-check"], ["-T2"], ["--long=27"]])
def test_frames_of_the_zstd_program(tmp_path, options):
    run = subprocess.run(
        ["zstd", "-q", *options], input=python_tar(FILES), capture_output=True, check=True
    )
    assert_contents(unpacked(tmp_path, run.stdout), FILES)


@pytest.mark.skipif(shutil.which("zip") is None, reason="needs a zip program")
@pytest.mark.parametrize("options", [["-0"], ["-9"], ["-fz"], ["-D"]])
def test_archives_of_info_zip(tmp_path, options):
    model = tmp_path / "model"
    for name, data in FILES.items():
        (model / name).parent.mkdir(parents=True, exist_ok=True)
        (model / name).write_bytes(data)
    path = tmp_path / "model.zip"
    subprocess.run(["zip", "-q", "-r", *options, str(path), "."], cwd=model, check=True)
    unpack(path, tmp_path / "out")
    assert_contents(tmp_path / "out", FILES)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(member("f", b"x", b"\0", magic=V7), {"f": b"x"}, id="Version 7"),
        pytest.param(
            header("d/", kind=b"\0", magic=V7) + member("d/f", b"x", b"\0", magic=V7),
            {"d/f": b"x"},
            id="Version 7 directory",
        ),
        pytest.param(member("f", b"x", prefix=b"a/b"), {"a/b/f": b"x"}, id="prefix"),
        pytest.param(gnu_long(LONG.encode()) + member("cut", b"x"), {LONG: b"x"}, id="GNU name"),
        pytest.param(
            pax({"path": LONG, "mtime": "1.5", "SCHILY.xattr.user.a": b"\xff", "hdrcharset": ""})
            + member("cut", b"x"),
            {LONG: b"x"},
            id="pax name",
        ),
        pytest.param(
            pax({"comment": "a commit"}, b"g") + member("f", b"x"), {"f": b"x"}, id="git archive"
        ),
        pytest.param(pax({"size": "1"}) + member("f", b"x"), {"f": b"x"}, id="equal sizes"),
        pytest.param(
            member("f", b"x", size_field=b"\x80" + bytes(10) + b"\x01"), {"f": b"x"}, id="base 256"
        ),
        pytest.param(
            member("f", b"x", size_field=b"         1 \0"), {"f": b"x"}, id="spaces in the size"
        ),
        pytest.param(header("./", kind=b"5") + member("./f", b"x"), {"f": b"x"}, id="./"),
        pytest.param(header(".", kind=b"5") + member("f", b"x"), {"f": b"x"}, id="."),
        pytest.param(
            member("d/f", b"x") + header("d", kind=b"5"), {"d/f": b"x"}, id="directory last"
        ),
        pytest.param(member("a/b/c/f", b"x"), {"a/b/c/f": b"x"}, id="no directories (T8)"),
        pytest.param(member("empty"), {"empty": b""}, id="empty file (T7)"),
        pytest.param(member("..hidden", b"x"), {"..hidden": b"x"}, id="..hidden (T9)"),
        pytest.param(
            member("._f", b"\0\x05\x16\x07") + member("f", b"x"),
            {"._f": b"\0\x05\x16\x07", "f": b"x"},
            id="AppleDouble",
        ),
    ],
)
def test_tar_headers(tmp_path, data, expected):
    assert_contents(unpacked(tmp_path, data + END), expected)


@pytest.mark.parametrize("compress", [bytes, gz], ids=["tar", "tar.gz"])
def test_zeros_after_the_end_are_padding(tmp_path, compress):
    assert_contents(
        unpacked(tmp_path, compress(member("f", b"x") + END + bytes(99_999))), {"f": b"x"}
    )


def test_zeros_after_the_gzip_member_are_padding(tmp_path):
    data = gz(member("f", b"x") + END) + bytes(600_000)
    assert_contents(unpacked(tmp_path, data), {"f": b"x"})


def test_every_optional_field_of_the_gzip_header(tmp_path):
    plain = gz(member("f", b"x") + END)
    extra = b"\x04\x00ab\x00\x00"
    fields = plain[:3] + b"\x1c" + plain[4:10] + extra + b"name.tar\0" + b"comment\0"
    assert_contents(unpacked(tmp_path, fields + plain[10:]), {"f": b"x"})


@pytest.mark.parametrize(
    "size", [0, 1, 511, 512, 513, 2**18, 2**20 - 1, 2**20, 2**20 + 1, 3 * 2**20]
)
@pytest.mark.parametrize("filler", [bytes, os.urandom], ids=["zeros", "noise"])
def test_sizes_around_the_borders_of_blocks_and_pieces(tmp_path, size, filler):
    files = {"f": filler(size), "last": b"x"}
    for number, data in enumerate(archives(files).values()):
        path = write(tmp_path, data)
        unpack(path, tmp_path / str(number))
        assert_contents(tmp_path / str(number), files)


@pytest.mark.parametrize("kind", archives({}))
@pytest.mark.parametrize("read_size", [1, 64])
@pytest.mark.parametrize("piece_size", [1, 100])
def test_any_sizes_of_reads_and_pieces(tmp_path, monkeypatch, kind, read_size, piece_size):
    """A decompressor may hold back contents when it has no input left."""
    for module in (streams, zip_module):
        monkeypatch.setattr(module, "_READ_SIZE", read_size)
        monkeypatch.setattr(module, "_PIECE_SIZE", piece_size)
    files = {"zeros": bytes(3000), "text": b"abc" * 300, "empty": b""}
    assert_contents(unpacked(tmp_path, archives(files)[kind]), files)


def test_deflate_holds_back_contents_without_input_left(tmp_path, monkeypatch):
    """Whether it does depends on where the last bits lie, so many lengths are tried."""
    monkeypatch.setattr(zip_module, "_PIECE_SIZE", 1)
    files = {str(size): bytes(size) for size in range(1, 300)}
    assert_contents(unpacked(tmp_path, python_zip(files)), files)


def test_directories_without_files_are_created(tmp_path):
    unpacked(tmp_path, header("d/e/", kind=b"5") + member("f") + END)
    assert (tmp_path / "out/d/e").is_dir()


def test_permissions_come_from_the_umask_alone(tmp_path):
    data = member("d/f", b"x").replace(b"0000644\0", b"0007777\0")
    block = bytearray(data[:512])
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    old = os.umask(0o027)
    try:
        out = unpacked(tmp_path, bytes(block) + data[512:] + END)
    finally:
        os.umask(old)
    assert (out / "d/f").stat().st_mode & 0o7777 == 0o640
    assert (out / "d").stat().st_mode & 0o7777 == 0o750


def zip_of(write_members) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        write_members(archive)
    return out.getvalue()


def with_zip64(archive):
    with archive.open("f", "w", force_zip64=True) as file:
        file.write(b"x")


def with_directory(archive):
    archive.mkdir("d")
    archive.writestr("d/f", b"x")


def with_comment(archive):
    archive.comment = b"a comment"
    archive.writestr("f", b"x")


@pytest.mark.parametrize(
    ("write_members", "name"),
    [
        (with_zip64, "f"),
        (with_directory, "d/f"),
        (with_comment, "f"),
        (lambda archive: archive.writestr("ä/ö.txt", b"x"), "ä/ö.txt"),
    ],
    ids=["zip64", "directory", "comment", "UTF-8"],
)
def test_zips(tmp_path, write_members, name):
    assert_contents(unpacked(tmp_path, zip_of(write_members)), {name: b"x"})


def test_zip_whose_sizes_follow_the_data(tmp_path):
    class Pipe(io.RawIOBase):
        def __init__(self):
            self.data = b""

        def writable(self):
            return True

        def write(self, piece):
            self.data += bytes(piece)
            return len(piece)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in FILES.items():
            archive.writestr(name, data)
    assert_contents(unpacked(tmp_path, pipe.data), FILES)


def test_zip_name_in_utf8_without_the_flag(tmp_path):
    data = python_zip({"a.txt": b"x"}).replace(b"a.txt", "ä.tx".encode())
    assert_contents(unpacked(tmp_path, data), {"ä.tx": b"x"})


def test_zip64_with_many_members(tmp_path):
    files = {f"{number:05}": b"" for number in range(65_537)}
    path = write(tmp_path, python_zip(files, zipfile.ZIP_STORED))
    with pytest.raises(ArchiveError, match="65,537 members"):
        unpack(path, tmp_path / "out", limits=Limits(members=65_536))


PAGE = b"<!DOCTYPE html>\n<html><head><title>\n Sign&nbsp;in &amp; wait\n</title></head></html>"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", r"it is an empty file"),
        (PAGE, r"a web page with the title 'Sign in & wait'"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- a --> <HTML><p>", r"a web page without a title"),
        (b"<!---->" * 9000 + b"<p>", r"unknown kind, beginning with '<!---->"),
        (b"BZh91AY&SY", r"a bzip2 file"),
        (b"\xfd7zXZ\0\0\4", r"an xz file"),
        (b"7z\xbc\xaf\x27\x1c\0\4", r"a 7z archive"),
        (b"Rar!\x1a\x07\x01\0", r"a rar archive"),
        (b"\x89HDF\r\n\x1a\n", r"an HDF5 file"),
        (b"\x08\x01\x12\x05abcde", r"a bare saved_model\.pb.*give the directory"),
        (b"version https://git-lfs.github.com/spec/v1\n", r"a Git LFS pointer"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied", r"an XML document"),
        (b'{"error": "not found"}', r"a JSON document"),
        (b"PK\x07\x08PK\x03\x04", r"a zip in several parts"),
        (b"anything else", r"unknown kind, beginning with 'anything else'"),
        (gz(b""), r"gzip around an empty file instead of a tar"),
        (gz(PAGE), r"gzip around a web page with the title"),
        (gz(b"\x08\x01\x12\x05abcde"), r"gzip around a bare saved_model\.pb instead of a tar"),
        (gz(gz(python_tar(FILES))), r"gzip around another gzip archive"),
        (zst(python_zip(FILES)), r"zstd around another zip archive"),
        (b"\x1f\x8b", r"the gzip data is cut off"),
    ],
)
def test_files_of_another_kind(tmp_path, data, reason):
    path = write(tmp_path, data)
    with pytest.raises(ArchiveError, match=reason) as caught:
        unpack(path, tmp_path / "out", name="https://example.com/m.tgz")
    assert str(caught.value).startswith("cannot unpack 'https://example.com/m.tgz': ")
    if "cut off" not in reason:
        assert "accepted are .tar.gz, .tar.zst, .tar and .zip" in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "data",
    [bytes(1024), gz(bytes(1024)), header("d", kind=b"5") + END, python_zip({})],
    ids=["tar", "tar.gz (T5)", "directory alone", "zip"],
)
def test_archives_without_any_file(tmp_path, data):
    with pytest.raises(ArchiveError, match="it holds no file"):
        unpack(write(tmp_path, data), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_path_names_the_archive_by_default(tmp_path):
    path = write(tmp_path, b"")
    with pytest.raises(ArchiveError, match="empty") as caught:
        unpack(path, tmp_path / "out")
    assert repr(str(path)) in str(caught.value)


def test_titles_are_searched_in_linear_time():
    page = (b"<html>" + b"<title>" * 10_000)[: 64 * 1024]
    assert "without a title" in str(unknown_format(page))
