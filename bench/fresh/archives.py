"""Archives of a model: sound, cut, and with one bit flipped."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path

GZIP_HEADER_BYTES = 10
# By these endings; the tiny fingerprint.pb has no room for several bits.
DAMAGED_FILES = ("saved_model.pb", ".txt", ".index", ".data-00000-of-00001")


@dataclass(frozen=True)
class Flip:
    """An archive with one wrong bit.

    Attributes:
        file: The file whose compressed data holds the bit.
        body: The archive.
    """

    file: str
    body: bytes


def tar(model: Path) -> bytes:
    """Pack a model as a plain .tar, its weights last.

    Directories are members of their own: the original library makes no parents.
    """
    buffer = io.BytesIO()
    paths = sorted(model.rglob("*"), key=lambda path: (".data-" in path.name, path))
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in paths:
            archive.add(path, path.relative_to(model).as_posix(), recursive=False)
    return buffer.getvalue()


def tar_gz(model: Path) -> bytes:
    """Pack a model as a hub sends it."""
    return gzip.compress(tar(model), mtime=0)


def cut_before_weights(plain: bytes) -> bytes:
    """Cut a plain .tar exactly before the header of the variables' data."""
    return plain[: _members(plain)[-1].offset]


def flips(archive: bytes, count: int) -> list[Flip]:
    """Flip single bits, evenly spaced in the compressed data of each kind of file.

    Args:
        archive: A .tar.gz.
        count: How many; a multiple of the number of DAMAGED_FILES.
    """
    each = count // len(DAMAGED_FILES)
    result = []
    for member in _members(gzip.decompress(archive)):
        if member.name.endswith(DAMAGED_FILES):
            places = _compressed_places(archive, member)
            for index in range(each):
                place = places[len(places) * (index + 1) // (each + 1)]
                body = bytearray(archive)
                body[place] ^= 1 << (index % 8)
                result.append(Flip(member.name.rpartition("/")[2], bytes(body)))
    return result


def _compressed_places(archive: bytes, member: tarfile.TarInfo) -> list[int]:
    """Offsets of the compressed bytes that yield a member's content and nothing else."""
    inflate = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    first, last = member.offset_data, member.offset_data + member.size
    places, done = [], 0
    for place in range(GZIP_HEADER_BYTES, len(archive)):
        before = done
        done += len(inflate.decompress(archive[place : place + 1]))
        if first <= before and done <= last:
            places.append(place)
    return places


def _members(plain: bytes) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as archive:
        return archive.getmembers()
