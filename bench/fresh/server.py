"""A hub on loopback that answers well or badly, as a row of the table decides."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeAlias
from urllib.parse import urlsplit

Answer: TypeAlias = Callable[[BaseHTTPRequestHandler], None]
MODEL = "/acme/features/1"
DRIP_SECONDS = 0.2


class StubHub:
    """Answers `GET <handle>?tf-hub-format=compressed`; anything else is 404.

    Attributes:
        answer: What happens at the next requests.
        closing: Set when the server ends, for answers that wait.
    """

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.closing = threading.Event()

    def __enter__(self) -> StubHub:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                stub._respond(self)

            def log_message(self, *_: object) -> None:
                """The rows report; the server keeps quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def url(self, path: str = MODEL) -> str:
        """The handle of a model of this hub."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{path}"

    def _respond(self, handler: BaseHTTPRequestHandler) -> None:
        # A client that was killed or gave up is no fault of the server.
        with contextlib.suppress(OSError):
            if "tf-hub-format=compressed" in urlsplit(handler.path).query:
                self.answer(handler)
            else:
                handler.send_error(404)
        handler.close_connection = True


def whole(body: bytes) -> Answer:
    """Send the body as it should be."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        _head(handler, len(body))
        handler.wfile.write(body)

    return answer


def by_path(bodies: Mapping[str, bytes]) -> Answer:
    """Send the body that belongs to the path of the handle."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        whole(bodies[urlsplit(handler.path).path])(handler)

    return answer


def slow(body: bytes, halfway: threading.Event, closing: threading.Event) -> Answer:
    """Send half at once, then byte by byte; `halfway` is set in between."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        _head(handler, len(body))
        half = len(body) // 2
        handler.wfile.write(body[:half])
        halfway.set()
        for byte in body[half:]:
            if closing.wait(DRIP_SECONDS):
                return
            handler.wfile.write(bytes([byte]))

    return answer


def silent(length: int, closing: threading.Event) -> Answer:
    """Send the headers and then nothing, with the connection open."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        _head(handler, length)
        closing.wait()

    return answer


def _head(handler: BaseHTTPRequestHandler, length: int) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "application/octet-stream")
    handler.send_header("Content-Length", str(length))
    handler.end_headers()
