"""The hub as an ASGI application.

Source of the protocol: "hosting.md" of TensorFlow Hub. The same URL is a page for a browser and,
with `?tf-hub-format=`, the model for a program:

    compressed      200 with a .tar.gz whose root is the model's directory
    uncompressed    303 with the place of the unpacked model as body and nothing else
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from anyhub.errors import HubError, ModelNotFoundError
from anyhub.server.archives import ArchiveStore
from anyhub.server.pages import error_page, index_page, model_page
from anyhub.server.tree import ModelTree, ServedModel

if TYPE_CHECKING:
    from starlette.requests import Request

_FORMATS = ("compressed", "uncompressed")
# A version never changes, so caches may keep it; what an unversioned URL means does change.
_IMMUTABLE = "public, max-age=31536000, immutable"
_REVALIDATE = "no-cache"


class Hub:
    """Answers requests for one tree.

    Args:
        root: The tree.
        archives: Where packed models are kept.
        uncompressed_base: What replaces the root in answers to `uncompressed`, a directory or
            bucket path that clients can read; None refuses such requests.
    """

    def __init__(self, root: Path, archives: Path, uncompressed_base: str | None) -> None:
        self._tree = ModelTree(root)
        self._archives = ArchiveStore(archives)
        self._uncompressed_base = uncompressed_base

    async def answer(self, request: Request) -> Response:
        """Answer a request for any path."""
        path = request.url.path.strip("/")
        wanted = request.query_params.get("tf-hub-format")
        try:
            if wanted is None:
                return await run_in_threadpool(self._page, path, request)
            if wanted not in _FORMATS:
                accepted = " or ".join(_FORMATS)
                return PlainTextResponse(
                    f"unknown tf-hub-format {wanted!r}; accepted: {accepted}\n", 400
                )
            model = await run_in_threadpool(self._tree.find, path)
            if wanted == "uncompressed":
                return self._place(model)
            return await run_in_threadpool(self._archive, model, path, request)
        except ModelNotFoundError as error:
            return _error(request, 404, str(error))
        except HubError as error:
            return _error(request, 500, str(error))

    def _archive(self, model: ServedModel, path: str, request: Request) -> Response:
        archive = self._archives.get(model)
        is_versioned = path.endswith(f"/{model.version}")
        headers = {
            "ETag": f'"{archive.sha256}"',
            "Cache-Control": _IMMUTABLE if is_versioned else _REVALIDATE,
            "X-Model-Version": str(model.version),
        }
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        name = f"{model.name.replace('/', '-')}-{model.version}.tar.gz"
        return FileResponse(
            archive.path, headers=headers, media_type="application/gzip", filename=name
        )

    def _place(self, model: ServedModel) -> Response:
        if self._uncompressed_base is None:
            return PlainTextResponse(
                "this hub does not offer unpacked models; ask for tf-hub-format=compressed\n", 406
            )
        place = model.path.relative_to(self._tree.root).as_posix()
        # No Location header and no final newline: old clients would follow or keep them.
        body = f"{self._uncompressed_base.rstrip('/')}/{place}"
        return PlainTextResponse(body, 303)

    def _page(self, path: str, request: Request) -> Response:
        versions = self._tree.versions(path)
        if not versions:
            names = self._tree.names(path)
            if names or not path:
                return HTMLResponse(index_page(path or "Models of this hub", names))
        shown = self._tree.find(path)
        base = str(request.base_url).rstrip("/")
        url = f"{base}/{shown.name}/{shown.version}"
        return HTMLResponse(model_page(self._tree.versions(shown.name), shown, url))


def _error(request: Request, status: int, message: str) -> Response:
    if "text/html" in request.headers.get("accept", ""):
        return HTMLResponse(error_page(status, message), status)
    return PlainTextResponse(message + "\n", status)


async def _health(request: Request) -> Response:
    del request
    return PlainTextResponse("ok\n")


def create_app(
    root: Path | str, archives: Path | str, uncompressed_base: str | None = None
) -> Starlette:
    """Make the application.

    Args:
        root: A tree `<publisher>/<model>/<version>/`.
        archives: Where packed models are kept.
        uncompressed_base: See `Hub`.

    Raises:
        ModelNotFoundError: The tree does not exist.
    """
    hub = Hub(Path(root), Path(archives), uncompressed_base)
    return Starlette(
        routes=[
            Route("/healthz", _health),
            Route("/{path:path}", hub.answer, methods=["GET", "HEAD"]),
        ]
    )
