"""install_as: programs that import tensorflow_hub get anyhub."""

from __future__ import annotations

import subprocess
import sys

import pytest

START = "import sys, anyhub; anyhub.install_as('tensorflow_hub')\n"


def run(program: str) -> str:
    command = [sys.executable, "-c", program]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


def test_functions_are_ours() -> None:
    program = (
        "import tensorflow_hub as hub\n"
        "from tensorflow_hub import load, resolve\n"
        "from tensorflow_hub.module_v2 import load as other\n"
        "import tensorflow_hub.version\n"
        "print(load is anyhub.load is other is hub.load, hub.resolve('/'), hub.__version__)"
    )
    assert run(START + program) == "True / 0.16.1"


def test_submodules_are_attributes() -> None:
    program = (
        "import tensorflow_hub as hub; print(hub.module_v2.resolve('/'), hub.version.__name__)"
    )
    assert run(START + program) == "/ tensorflow_hub.version"


def test_no_framework_is_imported() -> None:
    assert run(START + "import tensorflow_hub; print('tensorflow' in sys.modules)") == "False"


def test_calling_twice_is_harmless() -> None:
    assert (
        run(START + "anyhub.install_as()\nimport tensorflow_hub as h; print(h.resolve('/'))") == "/"
    )


def test_keras_layer() -> None:
    pytest.importorskip("tensorflow", reason="needs TensorFlow")
    program = (
        "import tensorflow_hub as hub\nfrom tensorflow_hub.keras_layer import KerasLayer\n"
        "print(KerasLayer is hub.KerasLayer is anyhub.KerasLayer)"
    )
    assert run(START + program) == "True"


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import tensorflow_hub.nothing", "offers 'tensorflow_hub', 'tensorflow_hub.keras_layer'"),
        ("import tensorflow_hub as h; h.nothing", "which has no 'nothing'; it offers KerasLayer"),
        ("from tensorflow_hub import nothing", "cannot import name 'nothing'"),
        ("anyhub.install_as('torch')", "stands in for 'tensorflow_hub' only, found 'torch'"),
    ],
)
def test_errors(program: str, words: str) -> None:
    text = run(
        START + f"try:\n    {program}\n"
        "except (ImportError, AttributeError, anyhub.HubError) as error:\n    print(error)"
    )
    assert words in text


def test_too_late() -> None:
    text = run(
        "import sys, types; sys.modules['tensorflow_hub'] = types.ModuleType('tensorflow_hub')\n"
        "import anyhub\n"
        "try:\n    anyhub.install_as('tensorflow_hub')\n"
        "except anyhub.HubError as error:\n    print(error)"
    )
    assert "already imported" in text
