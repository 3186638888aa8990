"""Archives of models: unpacking what others made without trusting it, and packing."""

from anyhub.transport.archive.limits import Limits
from anyhub.transport.archive.packing import PackedArchive, pack
from anyhub.transport.archive.unpacking import unpack
from anyhub.transport.archive.writing import UnpackedFile

__all__ = ["Limits", "PackedArchive", "UnpackedFile", "pack", "unpack"]
