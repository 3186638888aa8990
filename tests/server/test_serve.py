"""The hub server, talked to over real sockets: by our client, by plain HTTP, by a browser."""

from __future__ import annotations

import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

import anyhub as hub
from anyhub.errors import HTTPStatusError
from support.archives import FAKE_MODEL
from support.hub_process import HubProcess


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def fetch(url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    opener = urllib.request.build_opener(NoRedirects)
    request = urllib.request.Request(url, headers=headers)
    try:
        with opener.open(request, timeout=30) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "m"
    for name, content in FAKE_MODEL.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


@pytest.fixture(scope="module")
def url(hub_process: HubProcess, model: Path) -> str:
    hub_process.add(model, "pub/family/net", 9)
    return hub_process.add(model, "pub/family/net", 10)


def test_client_gets_what_is_served(url: str, model: Path) -> None:
    path = Path(hub.resolve(url))
    for name, content in FAKE_MODEL.items():
        assert (path / name).read_bytes() == content


def test_unversioned_means_the_latest(url: str) -> None:
    status, headers, _ = fetch(url.rpartition("/")[0] + "?tf-hub-format=compressed")
    assert (status, headers["x-model-version"]) == (200, "10")
    assert headers["cache-control"] == "no-cache"
    assert hub.resolve(url.rpartition("/")[0])


def test_archive_headers(url: str) -> None:
    import hashlib

    status, headers, body = fetch(f"{url}?tf-hub-format=compressed")
    assert status == 200
    assert headers["etag"] == f'"{hashlib.sha256(body).hexdigest()}"'
    assert int(headers["content-length"]) == len(body)
    assert "immutable" in headers["cache-control"]
    assert fetch(f"{url}?tf-hub-format=compressed", **{"If-None-Match": headers["etag"]})[0] == 304
    status, _, part = fetch(f"{url}?tf-hub-format=compressed", Range="bytes=10-19")
    assert (status, part) == (206, body[10:20])


def test_uncompressed_is_a_place(url: str, hub_process: HubProcess) -> None:
    status, headers, body = fetch(f"{url}?tf-hub-format=uncompressed")
    assert (status, body.decode()) == (303, f"{hub_process.root}/pub/family/net/10")
    assert "location" not in headers


def test_uncompressed_in_a_bucket(model: Path, tmp_path: Path) -> None:
    arguments = ("--uncompressed-base", "gs://bucket/models/")
    (tmp_path / "tree").mkdir()
    with HubProcess(tmp_path / "tree", tmp_path / "archives", *arguments) as process:
        process.add(model, "pub/net")
        _, _, body = fetch(f"{process.url}/pub/net/1?tf-hub-format=uncompressed")
    assert body == b"gs://bucket/models/pub/net/1"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("pub/family/net/11", "versions: 9, 10"),
        ("pub/nothing/1", "pub/family/net"),
        ("pub/nothing", "pub/family/net"),
        ("pub/family/net/10/variables", "no 'pub/family/net/10/variables'"),
    ],
)
def test_unknown_models(url: str, hub_process: HubProcess, path: str, words: str) -> None:
    status, _, body = fetch(f"{hub_process.url}/{path}?tf-hub-format=compressed")
    assert status == 404
    assert words in body.decode()
    with pytest.raises(HTTPStatusError, match="no such model or version"):
        hub.resolve(f"{hub_process.url}/{path}")


@pytest.mark.parametrize(
    "path",
    ["..", "../..", "%2e%2e/%2e%2e/etc", "pub/%2e%2e/%2e%2e", "%5c..%5c..", ".git/1", "a%00/1"],
)
def test_nothing_outside_the_tree(hub_process: HubProcess, path: str) -> None:
    for query in ("?tf-hub-format=compressed", "?tf-hub-format=uncompressed"):
        status, _, body = fetch(f"{hub_process.url}/{path}{query}")
        assert status in (400, 404)
        assert b"root:" not in body


def test_links_out_of_the_tree_are_not_served(
    hub_process: HubProcess, model: Path, url: str
) -> None:
    link = hub_process.root / "pub" / "linked"
    link.mkdir(parents=True)
    (link / "1").symlink_to(model)
    assert fetch(f"{hub_process.url}/pub/linked/1?tf-hub-format=compressed")[0] == 404


def test_unknown_format(url: str) -> None:
    status, _, body = fetch(f"{url}?tf-hub-format=zip")
    assert status == 400
    assert b"compressed or uncompressed" in body


def test_pages(url: str, hub_process: HubProcess) -> None:
    index = fetch(hub_process.url)[2].decode()
    assert 'href="/pub/family/net"' in index
    page = fetch(url)[2].decode()
    assert f"hub.load(&quot;{url}&quot;)" in page
    assert 'href="/pub/family/net/9"' in page
    status, headers, body = fetch(f"{hub_process.url}/no/such", Accept="text/html")
    assert (status, headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert b"<h1>Error 404</h1>" in body


def test_replaced_model_is_packed_anew(hub_process: HubProcess, model: Path) -> None:
    url = hub_process.add(model, "pub/replaced")
    first = fetch(f"{url}?tf-hub-format=compressed")[1]["etag"]
    assert fetch(f"{url}?tf-hub-format=compressed")[1]["etag"] == first
    (hub_process.root / "pub/replaced/1/saved_model.pb").write_bytes(b"new")
    assert fetch(f"{url}?tf-hub-format=compressed")[1]["etag"] != first


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no/such/directory"], "it is no directory; expected a tree"),
        ([".", "--host", "192.0.2.1"], "cannot listen on 192.0.2.1"),
    ],
)
def test_wrong_arguments(arguments: list[str], words: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "anyhub", "serve", *arguments]
    answer = subprocess.run(
        command, capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False
    )
    assert answer.returncode == 1
    assert words in answer.stderr


def test_port_in_use(hub_process: HubProcess, tmp_path: Path) -> None:
    port = hub_process.url.rpartition(":")[2]
    command = [sys.executable, "-m", "anyhub", "serve", str(tmp_path), "--port", port]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in answer.stderr


def test_original_library_as_client(url: str, tmp_path: Path) -> None:
    """Only where the original library is installed and imports (the legacy environment)."""
    program = "import sys, tensorflow_hub; print(tensorflow_hub.resolve(sys.argv[1]))"
    try:
        import tensorflow_hub  # noqa: F401
    except ImportError:
        pytest.skip("tensorflow_hub is not installed, or does not import here")
    answer = subprocess.run(
        [sys.executable, "-c", program, url],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    path = Path(answer.stdout.split()[-1])
    assert (path / "saved_model.pb").read_bytes() == FAKE_MODEL["saved_model.pb"]
