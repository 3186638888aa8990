"""Archives that would do harm are refused, for the right reason, and leave nothing behind."""

from __future__ import annotations

import io
import struct
import tarfile
import time
import unicodedata
import zipfile
from dataclasses import fields

import pytest

from anyhub.errors import ArchiveError, UnsafeArchiveError
from anyhub.transport.archive import Limits, unpack
from support.archive_builders import (
    END,
    GNU,
    V7,
    assert_contents,
    gnu_long,
    gz,
    header,
    member,
    pax,
    python_tar,
    python_zip,
    record,
    zst,
)


@pytest.fixture
def refusal(tmp_path):
    """A function that unpacks bytes, which must be refused as unsafe, and returns why."""

    def unpack_bytes(data, limits=None, error=UnsafeArchiveError):
        path = tmp_path / "download"
        path.write_bytes(data)
        with pytest.raises(error) as caught:
            unpack(path, tmp_path / "out", limits=limits or Limits())
        assert sorted(child.name for child in tmp_path.iterdir()) == ["download"]
        return str(caught.value)

    return unpack_bytes


NAMES = {
    "": "has an empty name",
    "../x": "has '..' in its path",
    "a/../../x": "has '..' in its path",
    "a/..": "has '..' in its path",
    "./../x": "has '..' in its path",
    "/abs": "has an absolute path",
    "//server/share/x": "has an absolute path",
    "C:/x": "begins with a Windows drive",
    "c:x": "begins with a Windows drive",
    "\\\\server\\share": "has a backslash",
    "..\\x": "has a backslash",
    "a\nb": "has a control character",
    "a\tb": "has a control character",
    "a\x7fb": "has a control character",
    "a\x85b": "has a control character",
    "a\x1b[31mb": "has a control character",
    "saved_model.pb:stream": "has one of",
    "what?": "has one of",
    "a/*": "has one of",
    "a|b": "has one of",
    "CON": "a device on Windows",
    "a/nul.txt": "a device on Windows",
    "Com1.tar.gz": "a device on Windows",
    "LPT\u00b3": "a device on Windows",
    "aux .txt": "a device on Windows",
    "conin$": "a device on Windows",
    "dot.": "ends in a dot or space",
    "space ": "ends in a dot or space",
    "a /b": "ends in a dot or space",
    "...": "ends in a dot or space",
    "a//b": "has an empty component",
    "a/./b": "has an empty component or '.'",
    "././a": "has an empty component or '.'",
    "a/": "has an empty component",
    ".": "has an empty component or '.'",
    "./": "has an empty component",
    unicodedata.normalize("NFD", "ä.txt"): "normal form C",
}
PATHS_OF_DIRECTORIES = {"a/", ".", "./"}


@pytest.mark.parametrize("name", NAMES)
def test_names_in_tar(refusal, name):
    assert NAMES[name] in refusal(member("ok") + member(name, b"x") + END)
    assert NAMES[name] in refusal(member("ok") + pax({"path": name}) + member("safe", b"x") + END)
    assert NAMES[name] in refusal(member("ok") + gnu_long(name.encode()) + member("safe") + END)


@pytest.mark.parametrize("name", sorted(NAMES.keys() - PATHS_OF_DIRECTORIES - {""}))
def test_names_of_directories(refusal, name):
    assert NAMES[name] in refusal(member("ok") + header(f"{name}/", kind=b"5") + END)


@pytest.mark.parametrize("name", sorted(NAMES.keys() - PATHS_OF_DIRECTORIES - {""}))
def test_names_in_zip(refusal, name):
    raw = name.encode()
    data = python_zip({"ok": b"", "N" * len(raw): b"x"}).replace(b"N" * len(raw), raw)
    assert NAMES[name] in refusal(data)


def test_nul_in_names(refusal):
    assert "has a control character" in refusal(pax({"path": "a\0b"}) + member("safe") + END)
    assert "has a control character" in refusal(gnu_long(b"a\0b") + member("safe") + END)
    data = python_zip({"aNb": b"x"}).replace(b"aNb", b"a\0b")
    assert "has a control character" in refusal(data)


@pytest.mark.parametrize("raw", [b"\xff", b"a\xc3", b"\xed\xa0\x80", b"\xc0\xae\xc0\xae/x"])
def test_names_that_are_not_utf8(refusal, raw):
    assert "a name that is not UTF-8" in refusal(member(raw, b"x") + END)
    data = python_zip({"N" * len(raw): b"x"}).replace(b"N" * len(raw), raw)
    assert "a name that is not UTF-8" in refusal(data)


def test_the_message_quotes_long_and_dirty_names(refusal):
    text = refusal(gnu_long(b"\x1b[2J" + b"a" * 10_000) + member("safe") + END)
    assert "\x1b" not in text
    assert "(10004 characters)" in text
    assert len(text) < 600


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (member("f"), member("f"), "'f' occurs twice"),
        (member("./f"), member("f"), "'f' occurs twice"),
        (header("d", kind=b"5"), header("d/", kind=b"5"), "'d' occurs twice"),
        (member("f"), member("F"), "'F' differs from 'f' only in case"),
        (member("d/f"), member("D/g"), "'D' differs from 'd' only in case"),
        (header("d", kind=b"5"), member("D/g"), "'D' differs from 'd' only in case"),
        (member("straße"), member("STRASSE"), "differs from 'straße' only in case"),
        (member("Ä"), member("ä"), "differs from 'Ä' only in case"),
        (member("\u03c3"), member("\u03c2"), "differs from '\u03c3' only in case"),
        (member("f"), member("f/g"), "'f' is both a file and a directory"),
        (member("d/f"), member("d"), "'d' is both a file and a directory"),
        (header("d", kind=b"5"), member("d"), "'d' is both a file and a directory"),
        (member("d"), header("d", kind=b"5"), "'d' is both a file and a directory"),
    ],
)
def test_conflicting_paths(refusal, first, second, expected):
    assert expected in refusal(first + second + END)
    assert expected in refusal(gz(first + member("between") + second + END))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_conflicting_paths_in_zip(refusal):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("f", b"1")
        archive.writestr("f", b"2")
    assert "'f' occurs twice" in refusal(out.getvalue())
    assert "only in case" in refusal(python_zip({"f": b"", "F": b""}))
    assert "both a file and a directory" in refusal(python_zip({"f": b"", "f/g": b""}))


def test_twins_in_unicode_form(refusal):
    """Both spellings of one name; the decomposed one is refused by itself."""
    assert "normal form C" in refusal(member("ä") + member("a\u0308") + END)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (b"1", "a hard link"),
        (b"2", "a symbolic link"),
        (b"3", "a character device"),
        (b"4", "a block device"),
        (b"6", "a FIFO"),
        (b"7", "a contiguous file"),
        (b"S", "a sparse file"),
        (b"M", "part of a multi-volume"),
        (b"V", "a volume label"),
        (b"D", "a GNU directory dump"),
        (b"X", "the unknown type b'X'"),
        (b"N", "the unknown type b'N'"),
        (b"\xff", r"the unknown type b'\xff'"),
    ],
)
@pytest.mark.parametrize("magic", [GNU, V7, b"ustar\x0000"])
def test_types(refusal, kind, expected, magic):
    text = refusal(member("ok", b"x") + header("n", kind=kind, magic=magic, link=b"ok") + END)
    assert "'n' is " in text
    assert expected in text
    assert "accepted are regular files and directories" in text


def links(*members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, kind, target in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            info.size = 1 if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(b"x"))
    return out.getvalue()


def path_max_chain():
    """CVE-2025-4517: a chain of links whose target outgrows PATH_MAX, then a way out."""
    step = "d" * 247
    members, path = [], ""
    for letter in "abcdefghijklmnop":
        members.append((f"{path}{step}", tarfile.DIRTYPE, ""))
        members.append((f"{path}{letter}", tarfile.SYMTYPE, step))
        path += f"{step}/"
    way = "/".join("abcdefghijklmnop")
    members.append((f"{way}/{'l' * 254}", tarfile.SYMTYPE, "../" * 16))
    members.append(("escape", tarfile.SYMTYPE, f"{way}/{'l' * 254}/../.."))
    members.append(("escape/evil", tarfile.REGTYPE, ""))
    return links(*members)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(path_max_chain(), id="CVE-2025-4517"),
        pytest.param(
            links(("l", tarfile.SYMTYPE, "/tmp"), ("l/x", tarfile.REGTYPE, "")), id="through a link"
        ),
        pytest.param(
            links(("s", tarfile.SYMTYPE, "../x"), ("h", tarfile.LNKTYPE, "s")), id="link to a link"
        ),
        pytest.param(links(("", tarfile.SYMTYPE, "..")), id="empty name"),
        pytest.param(
            links(("d", tarfile.SYMTYPE, ".."), ("d", tarfile.DIRTYPE, "")), id="then a directory"
        ),
        pytest.param(
            links(("d", tarfile.DIRTYPE, ""), ("d", tarfile.SYMTYPE, "..")), id="over a directory"
        ),
        pytest.param(links(("h", tarfile.LNKTYPE, "/etc/passwd")), id="absolute hard link"),
        pytest.param(pax({"linkpath": "/etc"}) + header("l", kind=b"2") + END, id="pax link"),
        pytest.param(gnu_long(b"/etc", b"K") + header("l", kind=b"2") + END, id="GNU link"),
    ],
)
def test_links(refusal, data):
    text = refusal(data)
    assert "is a symbolic link" in text or "is a hard link" in text


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(
            pax({"size": "1024"}) + member("f") + member("inner", b"x") + END,
            "has the size 0 in its header and 1,024 in the extended one",
            id="smuggling (CVE-2025-62518)",
        ),
        pytest.param(
            pax({"size": "0"}) + member("f", member("inner", b"x")) + END,
            "has the size 1,024 in its header and 0 in the extended one",
            id="smuggling, the other way",
        ),
        pytest.param(
            pax({"size": str(2**63)}) + member("f") + END, "in the extended one", id="2**63"
        ),
        pytest.param(pax({"size": "1"}, b"g") + member("f"), "set by a global header", id="size g"),
        pytest.param(pax({"path": "x"}, b"g") + member("f"), "set by a global header", id="path g"),
        pytest.param(
            pax({"linkpath": "x"}, b"g") + member("f"), "set by a global header", id="linkpath g"
        ),
        pytest.param(pax({"what": "x"}) + member("f"), "'what' is an unknown key", id="unknown"),
        pytest.param(
            pax({"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}) + member("f"),
            "'GNU.sparse.major' is the key of a sparse file",
            id="sparse 1.0",
        ),
        pytest.param(
            pax({"SCHILY.realsize": "9"}) + member("f"), "key of a sparse file", id="sparse star"
        ),
        pytest.param(
            member("x", b"9 path=a\n9 path=b\n", b"x") + member("f"), "gives twice", id="two paths"
        ),
        pytest.param(
            gnu_long(b"a") + pax({"path": "b"}) + member("f"), "two extended headers", id="L and x"
        ),
        pytest.param(
            gnu_long(b"a") + gnu_long(b"b") + member("f"), "two extended headers", id="L and L"
        ),
        pytest.param(member("f", size_field=b"\xff" * 12), "a negative size", id="negative"),
        pytest.param(
            member("f", size_field=b"\xff" * 11 + b"\0"), "a negative size", id="negative 256"
        ),
        pytest.param(
            member("f", size_field=b"\x80" + b"\xff" * 11), "a size that overflows", id="2**88"
        ),
        pytest.param(
            member("f", size_field=b"\x80\0\0\0\x80" + bytes(7)), "that overflows", id="2**63 field"
        ),
        pytest.param(
            member("f", size_field=b"\x81" + bytes(11)), "a size that overflows", id="first byte"
        ),
        pytest.param(
            member("f", size_field=b"\x80" + bytes(3) + b"\x7f" + b"\xff" * 7),
            "its files up to 'f' take 9,223,372,036,854,775,807 bytes",
            id="2**63 - 1",
        ),
        pytest.param(
            member("f", magic=GNU, prefix=b"14000000000\0"), "has a prefix in a format", id="GNU"
        ),
        pytest.param(
            member("f", magic=V7, prefix=b"p"), "has a prefix in a format", id="V7 prefix"
        ),
        pytest.param(member("d", b"x" * 9, b"5"), "is a directory of 9 bytes", id="directory"),
        pytest.param(
            member("d/", b"x" * 9, b"\0", magic=V7), "is a directory of 9 bytes", id="old directory"
        ),
    ],
)
def test_tar_headers(refusal, data, expected):
    assert expected in refusal(data)


def test_sizes_beyond_the_field(refusal):
    """8 GiB: the field holds 0, the maximum or base 256; here only the contents miss."""
    info = tarfile.TarInfo("f")
    info.size = 2**33
    headers = [info.tobuf(form) for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT)]
    headers.append(pax({"size": str(2**33)}) + header("f", size_field=b"7" * 11 + b"\0"))
    for data in headers:
        assert "within member 'f'" in refusal(
            data + b"x", Limits(ratio_floor_bytes=2**34), ArchiveError
        )


MIB = 2**20
COMMENTS = pax({"comment": "x" * 1400}, b"g") * 6
BOMB = member("zeros", bytes(MIB)) + END


@pytest.mark.parametrize(
    ("data", "limits", "expected"),
    [
        (gz(BOMB), {"total_bytes": MIB - 1}, "1,048,576 bytes; accepted are at most 1,048,575"),
        (gz(BOMB), {"ratio_floor_bytes": 1000}, "times the archive; accepted are at most 100"),
        (zst(BOMB), {"ratio_floor_bytes": 1000}, "at most 100 (ratio)"),
        (python_zip({"z": bytes(MIB)}), {"ratio_floor_bytes": 1000}, "at most 100 (ratio)"),
        (python_zip({"z": bytes(MIB)}), {"total_bytes": 1000}, "at most 1,000 (total_bytes)"),
        (BOMB, {"total_bytes": 1000}, "at most 1,000 (total_bytes)"),
        (
            gz(b"".join(member(str(n)) for n in range(101)) + END),
            {"members": 100},
            "it holds 101 members or more; accepted are at most 100 (members)",
        ),
        (
            python_zip({str(n): b"" for n in range(101)}),
            {"members": 100},
            "it holds 101 members or more",
        ),
        (member("a/b/c/d") + END, {"members": 3}, "it holds 4 members or more"),
        (header("a/b/c/d", kind=b"5") + END, {"members": 3}, "it holds 4 members or more"),
        (member("a/b/c") + END, {"depth": 2}, "'a/b/c' has 3 components"),
        (header("a/b/c/", kind=b"5") + END, {"depth": 2}, "'a/b/c' has 3 components"),
        (gnu_long(b"/".join([b"a"] * 65)) + member("f") + END, {}, "has 65 components"),
        (gnu_long(b"ab/" * 1366 + b"c") + member("f") + END, {"depth": 9999}, "has 4,099 bytes"),
        (gnu_long(b"a" * 256) + member("f") + END, {}, "has a component of 256 bytes"),
        (gnu_long("ä".encode() * 128) + member("f") + END, {}, "has a component of 256 bytes"),
        (
            gz(pax({"comment": "x" * MIB}) + member("f") + END),
            {},
            "the extended headers of a member take 1,0",
        ),
        (
            gz(pax({"comment": "x"}, b"g") * 1100 + member("f") + END),
            {},
            "accepted are at most 1,048,576 (header_bytes)",
        ),
        (gnu_long(b"a" * MIB) + member("f") + END, {}, "(header_bytes)"),
        (
            header("x", kind=b"x", size_field=b"\x80" + (2**40).to_bytes(11, "big")),
            {},
            "(header_bytes)",
        ),
        (
            gz(member("f") + END + bytes(MIB)),
            {"members": 3, "header_bytes": 2048},
            "bytes of headers and padding",
        ),
        (
            gz(b"".join(COMMENTS + member(str(n)) for n in range(4)) + END),
            {"members": 4, "header_bytes": 16 * 1024},
            "bytes of headers and padding",
        ),
    ],
)
def test_limits(refusal, data, limits, expected):
    text = refusal(data, Limits(**limits))
    assert expected in text
    assert "unpack it with a higher Limits." in text


def test_a_bomb_by_the_default_limits(refusal):
    """1 GiB and one byte of zeros in 1 MB: refused by its header, before anything is written."""
    data = gz(header("zeros", 2**30 + 1) + bytes(2**20))
    start = time.monotonic()
    assert "(ratio)" in refusal(data)
    assert time.monotonic() - start < 5


def test_the_defaults():
    assert {field.name: field.default for field in fields(Limits)} == {
        "total_bytes": 64 * 2**30,
        "ratio": 100,
        "ratio_floor_bytes": 2**30,
        "members": 100_000,
        "depth": 64,
        "component_bytes": 255,
        "path_bytes": 4096,
        "header_bytes": 2**20,
    }


def test_what_just_meets_the_limits_is_accepted(tmp_path):
    path = tmp_path / "download"
    path.write_bytes(gz(member("a/b", bytes(MIB)) + member("c") + END))
    limits = Limits(total_bytes=MIB, ratio=1, ratio_floor_bytes=MIB, members=3, depth=2)
    limits = Limits(**vars(limits) | {"path_bytes": 3, "component_bytes": 1})
    unpack(path, tmp_path / "out", limits=limits)
    assert_contents(tmp_path / "out", {"a/b": bytes(MIB), "c": b""})


def test_many_records_are_parsed_in_linear_time(refusal):
    records = b"".join(record(f"SCHILY.{n}", "") for n in range(50_000))
    start = time.monotonic()
    assert "'..' in its path" in refusal(member("x", records, b"x") + member("../f") + END)
    assert time.monotonic() - start < 10


def zip_member(name="f", mode=0, method=zipfile.ZIP_STORED, data=b"x"):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        info.create_system = 3
        info.compress_type = method
        archive.writestr(info, data)
    return out.getvalue()


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (0o120777, "is a symbolic link"),
        (0o020666, "is a character device"),
        (0o060666, "is a block device"),
        (0o010666, "is a FIFO"),
        (0o140666, "is a socket"),
        (0o150666, "is of the unknown type 0o150000"),
        (0o040755, "is a directory by its name or its mode, but not by both"),
    ],
)
def test_types_in_zip(refusal, mode, expected):
    assert expected in refusal(zip_member(mode=mode))


def test_directories_in_zip(refusal):
    assert "but not by both" in refusal(zip_member("d/", 0o100644, data=b""))
    assert "is a directory of 1 bytes" in refusal(zip_member("d/", 0o040755))


@pytest.mark.parametrize(
    ("method", "expected"),
    [(zipfile.ZIP_BZIP2, "bzip2"), (zipfile.ZIP_LZMA, "LZMA")],
)
def test_methods_in_zip(refusal, method, expected):
    assert f"is compressed with {expected}" in refusal(zip_member(method=method))


@pytest.mark.parametrize(("method", "expected"), [(93, "zstd"), (99, "AES"), (7, "method 7")])
def test_patched_methods_in_zip(refusal, method, expected):
    data = bytearray(zip_member())
    struct.pack_into("<H", data, data.index(b"PK\x01\x02") + 10, method)
    assert f"is compressed with {expected}" in refusal(bytes(data))


@pytest.mark.parametrize("flag", [0x1, 0x41, 0x2001])
def test_encrypted_zip(refusal, flag):
    data = bytearray(zip_member())
    struct.pack_into("<H", data, 6, flag)
    struct.pack_into("<H", data, data.index(b"PK\x01\x02") + 8, flag)
    assert "'f' is encrypted" in refusal(bytes(data))


def test_zip_members_that_share_their_data(refusal):
    """The trick of the best zip bombs: many entries of the directory for one piece of data."""
    data = zip_member()
    start = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    local, central, record = data[:start], data[start:end], bytearray(data[end:])
    struct.pack_into("<HHI", record, 8, 2, 2, 2 * len(central))
    text = refusal(local + central * 2 + bytes(record), error=ArchiveError)
    assert "lies within the data of another one" in text


def test_zip_member_that_reaches_into_the_directory(refusal):
    data = bytearray(zip_member(data=b"x" * 100))
    start = data.index(b"PK\x01\x02")
    for place in (18, 22, start + 20, start + 24):
        struct.pack_into("<I", data, place, 110)
    content = bytes(data[31:141])
    crc = zipfile.crc32(content)
    assert len(content) == 110
    for place in (14, start + 16):
        struct.pack_into("<I", data, place, crc)
    # The contents now hold a part of the directory, which the CRC itself changes.
    text = refusal(bytes(data), error=ArchiveError)
    assert "reaches into its directory" in text or "the CRC-32" in text


def test_zip_with_a_huge_directory(refusal):
    data = zip_member()
    padding = b"\0" * (70 * 1024)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(3):
            info = zipfile.ZipInfo(str(number))
            info.comment = padding[:60_000]
            archive.writestr(info, b"")
    assert "its directory takes 18" in refusal(out.getvalue(), Limits(members=5))
    assert len(data) < 200


def test_python_itself_would_unpack_these(tmp_path):
    """The hostile archives of these tests are well formed otherwise."""
    for data in (member("a\nb") + END, member("CON") + END, member("f") + member("F") + END):
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            assert archive.getnames()
    assert python_tar({"a": b""})
