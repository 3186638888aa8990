"""Builds archives, good and hostile, and compares directories with what they should hold."""

from __future__ import annotations

import gzip
import io
import random
import sys
import tarfile
import zipfile
from typing import TYPE_CHECKING

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

END = bytes(1024)
POSIX = b"ustar\x0000"
GNU = b"ustar  \0"
V7 = bytes(8)


def model_files(size: int = 40_000, seed: int = 7) -> dict[str, bytes]:
    """The files of something like a SavedModel: noise, text and an empty file."""
    noise = random.Random(seed)
    return {
        "assets/empty.txt": b"",
        "assets/vocab.txt": b"".join(b"token%d\n" % n for n in range(size // 40)),
        "fingerprint.pb": noise.randbytes(64),
        "saved_model.pb": b"\x08\x01\x12" + noise.randbytes(size // 4),
        "variables/variables.data-00000-of-00001": noise.randbytes(size),
        "variables/variables.index": noise.randbytes(300),
    }


def header(
    name: str | bytes,
    size: int = 0,
    kind: bytes = b"0",
    *,
    magic: bytes = POSIX,
    prefix: bytes = b"",
    size_field: bytes | None = None,
    checksum: bytes | None = None,
    link: bytes = b"",
) -> bytes:
    """One tar header block, valid unless told otherwise."""
    block = bytearray(512)
    raw = name.encode() if isinstance(name, str) else name
    block[0:100] = raw[:100].ljust(100, b"\0")
    block[100:108] = b"0000644\0"
    block[124:136] = size_field if size_field is not None else b"%011o\0" % size
    block[148:156] = b" " * 8
    block[156:157] = kind
    block[157:257] = link.ljust(100, b"\0")
    block[257:265] = magic
    block[345:500] = prefix.ljust(155, b"\0")
    block[148:156] = checksum if checksum is not None else b"%06o\0 " % sum(block)
    return bytes(block)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def member(name: str | bytes, data: bytes = b"", kind: bytes = b"0", **fields) -> bytes:
    return header(name, len(data), kind, **fields) + padded(data)


def record(key: str, value: str | bytes) -> bytes:
    """One record of a pax header with its own length in front."""
    raw = value.encode() if isinstance(value, str) else value
    body = b" " + key.encode() + b"=" + raw + b"\n"
    length = len(body)
    while len(str(length)) + len(body) != length:
        length = len(str(length)) + len(body)
    return str(length).encode() + body


def pax(records: Mapping[str, str | bytes], kind: bytes = b"x") -> bytes:
    return member("PaxHeaders/x", b"".join(record(*item) for item in records.items()), kind)


def gnu_long(name: bytes, kind: bytes = b"L") -> bytes:
    return member("././@LongLink", name + b"\0", kind, magic=GNU)


def python_tar(
    files: Mapping[str, bytes], form: int = tarfile.PAX_FORMAT, directories: Iterable[str] = ()
) -> bytes:
    """A tar as Python writes it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name in directories:
            info = tarfile.TarInfo(name)
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(info)
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def gz(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def zst(data: bytes, *, checksum: bool = True) -> bytes:
    flag = zstd.CompressionParameter.checksum_flag
    return zstd.compress(data, options={flag: int(checksum)})


def python_zip(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def archives(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The same files in every format that is accepted."""
    tar = python_tar(files)
    return {
        "tar.gz": gz(tar),
        "tar.zst": zst(tar),
        "zip": python_zip(files),
        "stored zip": python_zip(files, zipfile.ZIP_STORED),
        "tar": tar,
    }


def contents(directory: Path) -> dict[str, bytes]:
    """All files below a directory; whatever is neither a file nor a directory fails."""
    found = {}
    for path in sorted(directory.rglob("*")):
        assert not path.is_symlink(), f"{path} is a symbolic link"
        if path.is_dir():
            continue
        assert path.is_file(), f"{path} is no regular file"
        found[path.relative_to(directory).as_posix()] = path.read_bytes()
    return found


def assert_contents(directory: Path, expected: Mapping[str, bytes]) -> None:
    """Compare names and contents, without printing the contents."""
    found = contents(directory)
    assert sorted(found) == sorted(expected)
    differing = [name for name, data in expected.items() if found[name] != data]
    assert differing == []
