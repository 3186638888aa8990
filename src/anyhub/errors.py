"""Every error that anyhub raises on purpose.

Each class is also the built-in type that a caller would guess, so `except ValueError`
and `except FileNotFoundError` keep working:

    HubError
    ├── HandleError (ValueError)            the handle itself makes no sense
    ├── ModelNotFoundError (FileNotFoundError)  nothing there, or no model in it
    ├── TransportError (OSError)            the network or the server failed
    │   └── HTTPStatusError                 the server answered with an error status
    ├── OfflineError (OSError)              not cached, and going online is forbidden
    ├── ArchiveError (ValueError)           an archive is damaged, cut or of an unknown kind
    │   └── UnsafeArchiveError              an archive holds what must not be unpacked
    ├── CacheError (OSError)                the cache directory cannot be used
    ├── SavedModelError (ValueError)        the files of a model are damaged
    │   └── TagsError                       no graph variant has these tags
    ├── UnsafeModelError (ValueError)       a model would do more than compute
    ├── EngineError (ValueError)            no such engine, or it cannot do this
    ├── MissingDependencyError (ImportError)  a package has to be installed first
    └── LayerError (ValueError)             a KerasLayer argument makes no sense
        ├── SignatureError                  no such signature
        ├── OutputKeyError (KeyError's meaning)  no such output
        └── InputError (TypeError)          the inputs match no form that the model accepts

A message says what failed, on which thing, what was found, what is accepted, and what to do
next. Every class can be built from one string, so errors survive pickling and frameworks that
re-raise them with more context.
"""

from __future__ import annotations

__all__ = [
    "ArchiveError",
    "CacheError",
    "EngineError",
    "HTTPStatusError",
    "HandleError",
    "HubError",
    "InputError",
    "LayerError",
    "MissingDependencyError",
    "ModelNotFoundError",
    "OfflineError",
    "OutputKeyError",
    "SavedModelError",
    "SignatureError",
    "TagsError",
    "TransportError",
    "UnsafeArchiveError",
    "UnsafeModelError",
]


class HubError(Exception):
    """Root of all errors of anyhub."""


class HandleError(HubError, ValueError):
    """A handle is not a path or URL of a form that anyhub knows."""


class ModelNotFoundError(HubError, FileNotFoundError):
    """A path does not exist, or there is no model in it."""


class TransportError(HubError, OSError):
    """A download failed: connection, time-out, length or content."""


class HTTPStatusError(TransportError):
    """A server answered with an error status.

    Attributes:
        url: The address that answered.
        status: The HTTP status code, None when unknown (after unpickling).
    """

    def __init__(self, message: str, *, url: str = "", status: int | None = None) -> None:
        super().__init__(message)
        self.url = url
        self.status = status


class OfflineError(HubError, OSError):
    """A model is not in the cache and offline mode forbids to fetch it."""


class ArchiveError(HubError, ValueError):
    """An archive is damaged, cut short, or of a kind that anyhub does not unpack."""


class UnsafeArchiveError(ArchiveError):
    """An archive holds an entry that must not be unpacked, or exceeds a limit."""


class CacheError(HubError, OSError):
    """The cache directory cannot be read or written."""


class SavedModelError(HubError, ValueError):
    """The files of a SavedModel are damaged or inconsistent."""


class TagsError(SavedModelError):
    """A SavedModel has no graph variant (metagraph) with the requested tags."""


class UnsafeModelError(HubError, ValueError):
    """A model contains ops that touch files, the network, processes or Python."""


class EngineError(HubError, ValueError):
    """An engine is unknown, or cannot do what was asked."""


class MissingDependencyError(HubError, ImportError):
    """A package that this feature needs is not installed."""


class LayerError(HubError, ValueError):
    """The arguments of a KerasLayer contradict each other or the model."""


class SignatureError(LayerError):
    """A model has no signature of that name."""


class OutputKeyError(LayerError):
    """A model's result has no output of that name."""


class InputError(LayerError, TypeError):
    """Inputs match no form that the model accepts."""
