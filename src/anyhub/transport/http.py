"""Downloads over HTTP: retried, timed, checked for length, hashed while they stream."""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import random
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, LocationValueError, SSLError
from urllib3.exceptions import TimeoutError as TimeoutError_

from anyhub._version import __version__
from anyhub.errors import HTTPStatusError, TransportError

if TYPE_CHECKING:
    from anyhub.settings import Settings
    from anyhub.transport.progress import Progress

_LOG = logging.getLogger(__name__)
_CHUNK = 1 << 20
_MAX_REDIRECTS = 10
# Each stall costs a whole time-out of waiting; a server that is silent twice is taken for dead.
_MAX_STALLS = 2
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# RFC 9110 and 6585: the server asks to come back later, or failed in passing.
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_HEADERS = {
    "User-Agent": f"anyhub/{__version__}",
    # A compressed transfer of an archive would hide its length and break ranges.
    "Accept-Encoding": "identity",
}
_STATUS_HINTS = {
    401: "the model needs credentials",
    403: "the server refuses access: a private model, a consent page, or it is gone",
    404: "there is no such model or version; check publisher, name and version",
    410: "the model was removed",
    429: "too many requests; wait a while",
}


@dataclass(frozen=True)
class Download:
    """A finished download.

    Attributes:
        url: Where it came from, redirects followed.
        size: Bytes.
        sha256: Hexadecimal digest of the bytes.
        etag: The server's ETag header.
    """

    url: str
    size: int
    sha256: str
    etag: str | None


class _TryAgainError(Exception):
    """A try failed in a way that another try may not."""

    def __init__(
        self, cause: TransportError, wait: float | None = None, *, stalled: bool = False
    ) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.wait = wait
        self.stalled = stalled


class HTTPClient:
    """Downloads files.

    Args:
        settings: Time-outs, number of tries, and whether plain HTTP is allowed.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._timeout = urllib3.Timeout(
            connect=settings.connect_timeout, read=settings.read_timeout
        )
        self._pools: dict[str | None, urllib3.PoolManager] = {}

    def download(self, url: str, destination: Path, progress: Progress) -> Download:
        """Download a file, trying again after passing failures.

        Args:
            url: An `https://` URL, or `http://` where allowed.
            destination: File to write; it is there only if the download succeeds.
            progress: Receives the size and the bytes as they come.

        Returns:
            What was downloaded.

        Raises:
            HTTPStatusError: The server answered with an error status.
            TransportError: No connection, time-out, wrong length, or plain HTTP not allowed.
        """
        attempts = max(1, self._settings.attempts)
        stalls = 0
        for attempt in range(1, attempts + 1):
            try:
                return self._try(url, destination, progress)
            except _TryAgainError as failure:
                destination.unlink(missing_ok=True)
                stalls += failure.stalled
                if attempt == attempts or stalls == _MAX_STALLS:
                    raise failure.cause from failure.cause.__cause__
                wait = _wait_before(attempt, failure.wait)
                _LOG.warning("%s; trying again in %.1f s", failure.cause, wait)
                time.sleep(wait)
            except BaseException:
                destination.unlink(missing_ok=True)
                raise
        raise AssertionError  # the loop returns or raises

    def _try(self, url: str, destination: Path, progress: Progress) -> Download:
        try:
            response, final_url = self._open(url)
            try:
                return _save(response, final_url, destination, progress)
            finally:
                # Closed, not drained: after a failure nobody wants the rest.
                response.close()
        except HTTPError as error:
            failure = TransportError(f"downloading {url!r} failed: {type(error).__name__}: {error}")
            if isinstance(error, (SSLError, LocationValueError)):
                raise failure from error
            failure.__cause__ = error
            raise _TryAgainError(failure, stalled=isinstance(error, TimeoutError_)) from error

    def _open(self, url: str) -> tuple[urllib3.BaseHTTPResponse, str]:
        """Send the request and follow redirects, checking each address."""
        current = url
        for _ in range(_MAX_REDIRECTS + 1):
            self._check_allowed(current, url)
            response = self._pool(current).request(
                "GET",
                current,
                headers=_HEADERS,
                timeout=self._timeout,
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            location = response.headers.get("Location")
            if response.status not in _REDIRECTS or not location:
                return _checked(response, current, url), current
            response.close()
            current = urljoin(current, location)
        raise TransportError(
            f"downloading {url!r} failed: more than {_MAX_REDIRECTS} redirects, the last to "
            f"{current!r}; the server sends the client in circles"
        )

    def _check_allowed(self, url: str, asked: str) -> None:
        parts = urlsplit(url)
        if parts.scheme == "https":
            return
        if parts.scheme == "http" and (self._settings.allow_http or _is_loopback(parts.hostname)):
            return
        via = "" if url == asked else f" (redirected from {asked!r})"
        raise TransportError(
            f"not downloading {url!r}{via}: plain {parts.scheme}:// can be read and changed on "
            "the way; use https://, or set ANYHUB_ALLOW_HTTP=1 if you trust the network"
        )

    def _pool(self, url: str) -> urllib3.PoolManager:
        proxy = _proxy_for(url)
        if proxy not in self._pools:
            self._pools[proxy] = urllib3.ProxyManager(proxy) if proxy else urllib3.PoolManager()
        return self._pools[proxy]


def _is_loopback(host: str | None) -> bool:
    if host is None:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _proxy_for(url: str) -> str | None:
    """The proxy that the environment names for a URL, as the standard library reads it."""
    parts = urlsplit(url)
    if parts.hostname is None or urllib.request.proxy_bypass(parts.hostname):
        return None
    proxy = urllib.request.getproxies().get(parts.scheme)
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"


def _checked(response: urllib3.BaseHTTPResponse, url: str, asked: str) -> urllib3.BaseHTTPResponse:
    if response.status == 200:
        return response
    hint = _STATUS_HINTS.get(response.status)
    via = "" if url == asked else f" (redirected to {url!r})"
    message = f"downloading {asked!r}{via} failed: HTTP {response.status} {response.reason or ''}"
    error = HTTPStatusError(
        message.rstrip() + (f"; {hint}" if hint else ""), url=url, status=response.status
    )
    wait = response.headers.get("Retry-After")
    response.close()
    if response.status in _TRY_AGAIN:
        raise _TryAgainError(error, float(wait) if wait and wait.isdigit() else None)
    raise error


def _save(
    response: urllib3.BaseHTTPResponse, url: str, destination: Path, progress: Progress
) -> Download:
    length = response.headers.get("Content-Length")
    progress.start(int(length) if length and length.isdigit() else None)
    digest = hashlib.sha256()
    size = 0
    with destination.open("wb") as file:
        for chunk in response.stream(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
            size += len(chunk)
            progress.advance(len(chunk))
    _LOG.info("downloaded %s: %d bytes", url, size)
    return Download(url, size, digest.hexdigest(), response.headers.get("ETag"))


def _wait_before(attempt: int, asked: float | None) -> float:
    if asked is not None:
        return min(asked, 60.0)
    # Half fixed, half random, so that many clients do not come back at once.
    ceiling: float = min(8.0, 0.5 * 2 ** (attempt - 1))
    return ceiling / 2 + random.uniform(0, ceiling / 2)
