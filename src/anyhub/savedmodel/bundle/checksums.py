"""CRC-32C as bundles store it.

Source: LevelDB, `util/crc32c.h`: a stored checksum is "masked", because a checksum of data that
contains checksums is weak.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import google_crc32c

if TYPE_CHECKING:
    from anyhub.savedmodel.bundle.files import Octets

_MASK_DELTA = 0xA282EAD8
_PIECE_SIZE = 64 * 1024 * 1024
_BITS_32 = 0xFFFFFFFF


def extend_crc(crc: int, data: Octets) -> int:
    """Continue an unmasked checksum over more bytes."""
    for start in range(0, len(data), _PIECE_SIZE):
        crc = google_crc32c.extend(crc, data[start : start + _PIECE_SIZE])
    return crc


def mask_crc(crc: int) -> int:
    """The form in which a checksum is stored."""
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & _BITS_32


def masked_crc(data: Octets) -> int:
    """The stored form of the checksum of these bytes."""
    return mask_crc(extend_crc(0, data))
