"""Handles: strings that name a model version, and how they become directories."""

from anyhub.handles.handle import ArchiveHandle, Handle, HubHandle, LocalHandle
from anyhub.handles.parse import parse_handle
from anyhub.handles.resolve import resolve, resolve_handle

__all__ = [
    "ArchiveHandle",
    "Handle",
    "HubHandle",
    "LocalHandle",
    "parse_handle",
    "resolve",
    "resolve_handle",
]
