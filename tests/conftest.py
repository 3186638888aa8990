"""Fixtures for all tests: an isolated cache, a real hub server, a server that misbehaves."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.fault_server import FaultServer
from support.hub_process import HubProcess

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus"


@pytest.fixture(autouse=True)
def isolated_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the user's cache, settings or proxies."""
    for name in list(os.environ):
        if name.startswith("ANYHUB_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("COLUMNS", "160")


@pytest.fixture
def cache_dir(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def corpus() -> Path:
    if not CORPUS.is_dir():
        pytest.skip("the corpus of real SavedModels is not beside the checkout")
    return CORPUS


@pytest.fixture
def fault_server():
    """A server on loopback that answers as a test tells it."""
    with FaultServer() as server:
        yield server


@pytest.fixture(scope="session")
def hub_process(tmp_path_factory: pytest.TempPathFactory):
    """`anyhub serve` over an empty tree that tests add models to."""
    pytest.importorskip("granian", reason="the server's packages are not installed")
    root = tmp_path_factory.mktemp("hub")
    with HubProcess(root, tmp_path_factory.mktemp("archives")) as process:
        yield process
