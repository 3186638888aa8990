"""Handles: what is accepted, and what is said about the rest."""

from pathlib import Path

import pytest

from anyhub.errors import HandleError
from anyhub.handles import ArchiveHandle, HubHandle, LocalHandle, parse_handle


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/models/x", LocalHandle("/models/x")),
        ("relative/x", LocalHandle("relative/x")),
        ("/models/with spaces/模型", LocalHandle("/models/with spaces/模型")),
        ("file:///models/with%20space", LocalHandle("/models/with space")),
        ("file://localhost/models/x", LocalHandle("/models/x")),
        ("https://host/pub/model/3", HubHandle("https://host/pub/model/3")),
        ("https://host/pub/model", HubHandle("https://host/pub/model")),
        ("http://127.0.0.1:80/pub/model/3", HubHandle("http://127.0.0.1:80/pub/model/3")),
        ("https://host/a/b.tar.gz", ArchiveHandle("https://host/a/b.tar.gz")),
        ("https://host/b.tgz?sig=1", ArchiveHandle("https://host/b.tgz?sig=1")),
        ("https://host/b.tar", ArchiveHandle("https://host/b.tar")),
        ("https://host/b.tar.zst", ArchiveHandle("https://host/b.tar.zst")),
        ("https://host/b.ZIP", ArchiveHandle("https://host/b.ZIP")),
    ],
)
def test_forms_and_round_trip(text: str, expected: object) -> None:
    assert parse_handle(text) == expected
    assert parse_handle(str(parse_handle(text))) == expected


def test_path_objects_are_paths_whatever_they_look_like() -> None:
    assert parse_handle(Path("https:/x")) == LocalHandle("https:/x")


@pytest.mark.parametrize(
    ("url", "version"),
    [
        ("https://h/p/m/12", 12),
        ("https://h/p/m", None),
        ("https://h/p/m/", None),
        ("https://h/p/m/1/", 1),
    ],
)
def test_version(url: str, version: int | None) -> None:
    assert parse_handle(url).version == version


def test_download_url_keeps_the_query() -> None:
    handle = parse_handle("https://h/p/m/1?key=a%2Fb")
    assert handle.download_url() == "https://h/p/m/1?key=a%2Fb&tf-hub-format=compressed"


@pytest.mark.parametrize(
    ("handle", "words"),
    [
        (42, ["int 42", "str or os.PathLike"]),
        (None, ["NoneType", "str or os.PathLike"]),
        (b"/models", ["bytes", "str"]),
        ("", ["empty", "https://host/publisher"]),
        ("  ", ["empty"]),
        ("a\0b", ["NUL"]),
        ("htps://h/p/m/1", ["'htps'", "did you mean 'https://h/p/m/1'"]),
        ("ftp://h/p/m/1", ["'ftp'", "not known", "https://host/publisher"]),
        ("https:///p/m/1", ["no host"]),
        ("https://host", ["no path"]),
        ("https://host:port/p/m", ["not a valid URL"]),
        ("https://host/p/m/1#part", ["'#part'", "remove it"]),
        ("https://user:secret@host/p/m/1", ["host 'host'", "user name or password"]),
        ("https://host/\udcff", ["not valid Unicode"]),
        ("file:///models/x#y", ["query or fragment", "%23"]),
        ("file://server/share", ["'server'", "this machine"]),
    ],
)
def test_errors_say_what_was_found_and_what_is_accepted(handle: object, words: list[str]) -> None:
    with pytest.raises(HandleError) as caught:
        parse_handle(handle)
    for word in words:
        assert word in str(caught.value)


def test_passwords_are_not_repeated() -> None:
    with pytest.raises(HandleError) as caught:
        parse_handle("https://user:secret@host/p/m/1")
    assert "secret" not in str(caught.value)
