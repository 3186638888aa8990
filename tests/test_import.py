"""`import anyhub` is light, offers exactly its names, and registers with Keras by itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

import anyhub as hub

FRAMEWORKS = (
    "google.protobuf",
    "tensorflow",
    "keras",
    "tf_keras",
    "jax",
    "torch",
    "openvino",
    "numpy",
    "urllib3",
    "rich",
)


def run(program: str) -> str:
    command = [sys.executable, "-c", program]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=True
    ).stdout.strip()


def test_imports_no_framework() -> None:
    program = f"import sys, anyhub; print([m for m in {FRAMEWORKS} if m in sys.modules])"
    assert run(program) == "[]"


def test_resolving_imports_no_framework(tmp_path) -> None:
    program = (
        f"import sys, anyhub; anyhub.resolve({str(tmp_path)!r}); "
        f"print([m for m in {FRAMEWORKS[:6]} if m in sys.modules])"
    )
    assert run(program) == "[]"


def test_exported_names() -> None:
    assert hub.__all__ == [
        "HubError",
        "KerasLayer",
        "__version__",
        "inspect",
        "install_as",
        "load",
        "resolve",
        "save",
        "saved_model",
    ]
    assert dir(hub) == sorted(hub.__all__)
    with pytest.raises(AttributeError, match="'anyhub' has no attribute 'nope'"):
        hub.nope  # noqa: B018


def test_every_error_is_built_from_one_string_and_pickles() -> None:
    import pickle

    from anyhub import errors

    for name in errors.__all__:
        error = getattr(errors, name)("message")
        assert isinstance(error, hub.HubError)
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again)) == (type(error), "message")


@pytest.mark.parametrize("order", ["import anyhub, keras", "import keras, anyhub"])
def test_registers_with_keras(order: str) -> None:
    pytest.importorskip("keras", reason="needs Keras")
    program = (
        f"{order}; from keras.saving import get_registered_object as get; "
        "print(get('anyhub>KerasLayer').__module__)"
    )
    assert run(program).startswith("anyhub.keras.keras")


def test_without_an_engine_the_error_has_the_install_line() -> None:
    program = (
        "import importlib.util as util; find = util.find_spec\n"
        "gone = ('tensorflow', 'keras')\n"
        "util.find_spec = lambda n, *a: None if n in gone else find(n, *a)\n"
        "import anyhub\n"
        "try:\n    anyhub.load('/')\nexcept ImportError as error:\n    print(error)"
    )
    assert 'pip install "anyhub[tensorflow]"' in run(program)
    assert 'pip install "anyhub[jax]"' in run(program)
