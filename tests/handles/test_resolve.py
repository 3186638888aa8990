"""hub.resolve against a server that misbehaves: success or a clear error, and no leftovers."""

from __future__ import annotations

from pathlib import Path

import pytest

import anyhub as hub
from anyhub.errors import (
    ArchiveError,
    CacheError,
    HandleError,
    HTTPStatusError,
    ModelNotFoundError,
    OfflineError,
    TransportError,
    UnsafeArchiveError,
)
from support.archives import FAKE_MODEL, tar, tar_gz
from support.fault_server import Answer, FaultServer


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)


def leftovers(cache_dir: Path) -> list[Path]:
    """Files in the cache that are neither entries nor the cache's own."""
    found = [path for path in cache_dir.rglob("*") if path.is_file()]
    return [p for p in found if p.name != "CACHEDIR.TAG" and p.parent.name != "locks"]


def test_leftovers_can_be_found(tmp_path: Path) -> None:
    (tmp_path / "staging").mkdir()
    (tmp_path / "staging" / "archive").write_bytes(b"x")
    assert leftovers(tmp_path) == [tmp_path / "staging" / "archive"]


def test_local_directory_is_returned_as_it_is(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "m").mkdir()
    monkeypatch.chdir(tmp_path)
    assert hub.resolve("m") == "m"
    assert hub.resolve(tmp_path / "m") == str(tmp_path / "m")
    assert hub.resolve((tmp_path / "m").as_uri()) == str(tmp_path / "m")


def test_missing_path_names_the_nearest_directory(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nearest directory that exists") as caught:
        hub.resolve(tmp_path / "no" / "such")
    assert str(tmp_path) in str(caught.value)
    assert isinstance(caught.value, ModelNotFoundError)


def test_path_like_a_url_hints_at_https() -> None:
    with pytest.raises(ModelNotFoundError, match="'https://tfhub.dev/google/nnlm/1'"):
        hub.resolve("tfhub.dev/google/nnlm/1")


@pytest.mark.parametrize(
    ("handle", "meant"),
    [
        ("https:/host/p/m", "https://host/p/m"),
        (Path("https://host/p/m"), "https://host/p/m"),
        (" https://host/p/m", "https://host/p/m"),
        ("https//host/p/m", "https://host/p/m"),
        ("file:/models/x", "file:///models/x"),
    ],
)
def test_almost_a_url(handle: str | Path, meant: str) -> None:
    with pytest.raises(ModelNotFoundError, match=f"did you mean '{meant}'"):
        hub.resolve(handle)


def test_name_too_long_for_the_file_system() -> None:
    with pytest.raises(ModelNotFoundError, match="File name too long"):
        hub.resolve("x" * 300)


def test_file_instead_of_directory(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"")
    with pytest.raises(HandleError, match="is a file"):
        hub.resolve(tmp_path / "saved_model.pb")


def test_hub_url_is_fetched_once(fault_server: FaultServer, cache_dir: Path) -> None:
    fault_server.answers = [Answer(body=tar_gz(FAKE_MODEL))]
    first = Path(hub.resolve(f"{fault_server.url}/pub/model/1"))
    assert (first / "saved_model.pb").read_bytes() == FAKE_MODEL["saved_model.pb"]
    assert hub.resolve(f"{fault_server.url}/pub/model/1") == str(first)
    assert [path for path, _ in fault_server.requests] == ["/pub/model/1?tf-hub-format=compressed"]
    assert cache_dir in first.parents


@pytest.mark.parametrize("wrapped", ["", "model/", "a/b/"])
def test_model_is_found_below_its_folder(fault_server: FaultServer, wrapped: str) -> None:
    files = {wrapped + name: content for name, content in FAKE_MODEL.items()}
    fault_server.answers = [Answer(body=tar(files))]
    path = Path(hub.resolve(f"{fault_server.url}/x.tar"))
    assert (path / "saved_model.pb").is_file()
    assert hub.resolve(f"{fault_server.url}/x.tar") == str(path)


@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_error_status_is_final(fault_server: FaultServer, cache_dir: Path, status: int) -> None:
    fault_server.answers = [Answer(status, b"no")]
    with pytest.raises(HTTPStatusError, match=f"HTTP {status}") as caught:
        hub.resolve(f"{fault_server.url}/pub/model/1")
    assert caught.value.status == status
    assert len(fault_server.requests) == 1
    assert leftovers(cache_dir) == []


@pytest.mark.parametrize("status", [429, 500, 503])
def test_passing_error_status_is_tried_again(fault_server: FaultServer, status: int) -> None:
    fault_server.answers = [
        Answer(status, headers={"Retry-After": "1"}),
        Answer(status),
        Answer(body=tar_gz(FAKE_MODEL)),
    ]
    assert hub.resolve(f"{fault_server.url}/pub/model/1")
    assert len(fault_server.requests) == 3


def test_lasting_server_error_is_reported(fault_server: FaultServer, cache_dir: Path) -> None:
    fault_server.answers = [Answer(500)]
    with pytest.raises(HTTPStatusError, match="HTTP 500"):
        hub.resolve(f"{fault_server.url}/pub/model/1")
    assert len(fault_server.requests) == 4
    assert leftovers(cache_dir) == []


def test_html_page_instead_of_an_archive(fault_server: FaultServer, cache_dir: Path) -> None:
    page = b"<!doctype html><html><head><title>Please log in</title></head></html>"
    fault_server.answers = [Answer(body=page, headers={"Content-Type": "text/html"})]
    with pytest.raises(ArchiveError, match="web page") as caught:
        hub.resolve(f"{fault_server.url}/pub/model/1")
    assert "Please log in" in str(caught.value)
    assert leftovers(cache_dir) == []


@pytest.mark.parametrize("keep", [0, 1, 100, 0.5, -1])
def test_archive_cut_by_the_server(fault_server: FaultServer, cache_dir: Path, keep) -> None:
    whole = tar_gz(FAKE_MODEL)
    cut = whole[: int(len(whole) * keep) if isinstance(keep, float) else keep]
    fault_server.answers = [Answer(body=cut)]
    with pytest.raises(ArchiveError):
        hub.resolve(f"{fault_server.url}/pub/model/1")
    assert leftovers(cache_dir) == []


def test_body_shorter_than_announced_is_tried_again(
    fault_server: FaultServer, cache_dir: Path
) -> None:
    whole = tar_gz(FAKE_MODEL)
    fault_server.answers = [Answer(body=whole[:50], length=len(whole)), Answer(body=whole)]
    assert hub.resolve(f"{fault_server.url}/pub/model/1")
    assert len(fault_server.requests) == 2


def test_body_always_shorter_than_announced(fault_server: FaultServer, cache_dir: Path) -> None:
    fault_server.answers = [Answer(body=b"x" * 50, length=100)]
    with pytest.raises(TransportError, match="IncompleteRead"):
        hub.resolve(f"{fault_server.url}/pub/model/1")
    assert leftovers(cache_dir) == []


@pytest.mark.parametrize("name", ["../escape", "/etc/escape", "a/../../escape"])
def test_archive_that_tries_to_escape(
    fault_server: FaultServer, cache_dir: Path, tmp_path: Path, name: str
) -> None:
    fault_server.answers = [Answer(body=tar_gz({**FAKE_MODEL, name: b"x"}))]
    with pytest.raises(UnsafeArchiveError, match="escape"):
        hub.resolve(f"{fault_server.url}/pub/model/1")
    assert leftovers(cache_dir) == []
    assert list(tmp_path.rglob("escape")) == []


def test_archive_without_a_model(fault_server: FaultServer, cache_dir: Path) -> None:
    fault_server.answers = [Answer(body=tar_gz({"readme.txt": b"hello"}))]
    with pytest.raises(ModelNotFoundError, match="holds no SavedModel: found 'readme.txt'"):
        hub.resolve(f"{fault_server.url}/pub/model/1")
    assert leftovers(cache_dir) == []


def test_redirects_are_followed(fault_server: FaultServer) -> None:
    fault_server.answers = [
        Answer(302, headers={"Location": "/other?signed=1"}),
        Answer(body=tar_gz(FAKE_MODEL)),
    ]
    assert hub.resolve(f"{fault_server.url}/pub/model/1")
    assert fault_server.requests[1][0] == "/other?signed=1"


def test_endless_redirects(fault_server: FaultServer, cache_dir: Path) -> None:
    fault_server.answers = [Answer(302, headers={"Location": "/again"})]
    with pytest.raises(TransportError, match="more than 10 redirects"):
        hub.resolve(f"{fault_server.url}/pub/model/1")
    assert leftovers(cache_dir) == []


def test_redirect_to_plain_http_elsewhere_is_refused(fault_server: FaultServer) -> None:
    fault_server.answers = [Answer(302, headers={"Location": "http://example.invalid/m"})]
    with pytest.raises(TransportError, match="redirected from .* ANYHUB_ALLOW_HTTP"):
        hub.resolve(f"{fault_server.url}/pub/model/1")


@pytest.mark.parametrize("host", ["example.invalid", "127.example.invalid", "192.0.2.1"])
def test_plain_http_elsewhere_is_refused(host: str) -> None:
    with pytest.raises(TransportError, match="ANYHUB_ALLOW_HTTP"):
        hub.resolve(f"http://{host}/pub/model/1")


def test_silent_server_is_given_up_after_two_time_outs(
    fault_server: FaultServer, tmp_path: Path
) -> None:
    from anyhub.handles import parse_handle, resolve_handle
    from anyhub.settings import Settings

    fault_server.answers = [Answer(body=b"x", length=100, delay=3.0)]
    settings = Settings(cache_dir=tmp_path / "cache", read_timeout=0.3)
    with pytest.raises(TransportError, match="ReadTimeoutError"):
        resolve_handle(parse_handle(f"{fault_server.url}/pub/model/1"), settings)
    assert len(fault_server.requests) == 2
    assert leftovers(tmp_path / "cache") == []


def test_no_server() -> None:
    with pytest.raises(TransportError, match="refused"):
        hub.resolve("http://127.0.0.1:9/pub/model/1")


def test_offline(fault_server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    fault_server.answers = [Answer(body=tar_gz(FAKE_MODEL))]
    path = hub.resolve(f"{fault_server.url}/pub/model/1")
    monkeypatch.setenv("ANYHUB_OFFLINE", "1")
    assert hub.resolve(f"{fault_server.url}/pub/model/1") == path
    with pytest.raises(OfflineError, match="ANYHUB_OFFLINE"):
        hub.resolve(f"{fault_server.url}/pub/model/2")
    assert len(fault_server.requests) == 1


@pytest.mark.parametrize("harm", ["remove", "shorten", "remove record"])
def test_damaged_entry_is_fetched_again(fault_server: FaultServer, harm: str) -> None:
    fault_server.answers = [Answer(body=tar_gz(FAKE_MODEL))]
    path = Path(hub.resolve(f"{fault_server.url}/pub/model/1"))
    if harm == "remove":
        (path / "variables/variables.index").unlink()
    elif harm == "shorten":
        (path / "variables/variables.index").write_bytes(b"x")
    else:
        (path.parent / "entry.json").unlink()
    assert hub.resolve(f"{fault_server.url}/pub/model/1") == str(path)
    assert (path / "variables/variables.index").read_bytes() == b"index" * 100
    assert len(fault_server.requests) == 2


def test_cache_that_cannot_be_written(
    fault_server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "file" / "cache"))
    fault_server.answers = [Answer(body=tar_gz(FAKE_MODEL))]
    with pytest.raises(CacheError, match="TFHUB_CACHE_DIR"):
        hub.resolve(f"{fault_server.url}/pub/model/1")


def test_default_cache_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from anyhub.settings import Settings

    monkeypatch.delenv("TFHUB_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert tmp_path in Settings.from_environment().cache_dir.parents


@pytest.mark.parametrize("place", ["gs://bucket/cache", "~nobody-at-all/cache"])
def test_cache_directory_that_is_none(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFHUB_CACHE_DIR", place)
    with pytest.raises(hub.HubError, match=f"TFHUB_CACHE_DIR='{place}'"):
        hub.resolve("https://host/p/m/1")


@pytest.mark.parametrize("name", ["ANYHUB_OFFLINE", "ANYHUB_KERAS"])
def test_wrong_settings_are_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "perhaps")
    with pytest.raises(hub.HubError, match=f"{name}='perhaps'"):
        hub.resolve("https://host/p/m/1")
