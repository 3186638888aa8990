"""The command line, run as a process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from support.archives import FAKE_MODEL, tar_gz
from support.fault_server import Answer, FaultServer


def anyhub(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "anyhub", *map(str, arguments)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert answer.returncode == code, answer.stderr
    return answer


@pytest.fixture
def in_process(capsys: pytest.CaptureFixture[str]):
    """The command line in this process, where TensorFlow is imported once."""
    from anyhub.cli.main import main

    def call(*arguments: object, code: int = 0) -> tuple[str, str]:
        assert main([str(argument) for argument in arguments]) == code
        captured = capsys.readouterr()
        return captured.out, captured.err

    return call


def test_get(fault_server: FaultServer) -> None:
    fault_server.answers = [Answer(body=tar_gz(FAKE_MODEL))]
    url = f"{fault_server.url}/pub/model/1"
    path = Path(anyhub("get", url).stdout.rstrip("\n"))
    assert (path / "saved_model.pb").is_file()
    assert json.loads(anyhub("get", url, "--json").stdout) == {"handle": url, "path": str(path)}
    assert len(fault_server.requests) == 1


def test_errors_are_one_sentence_on_stderr() -> None:
    answer = anyhub("get", "htps://host/p/m/1", code=1)
    assert answer.stdout == ""
    assert answer.stderr.startswith("anyhub: handle 'htps://host/p/m/1' has scheme 'htps'")
    assert "Traceback" not in answer.stderr


def test_wrong_usage() -> None:
    assert "usage: anyhub" in anyhub(code=2).stderr
    assert "invalid choice: 'fly'" in anyhub("fly", code=2).stderr


def test_version_and_help() -> None:
    assert anyhub("--version").stdout.startswith("anyhub 0.")
    for word in ("get", "inspect", "run", "serve", "exit codes"):
        assert word in anyhub("--help").stdout


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("tensorflow", reason="inspect and run need TensorFlow")
    from support import models

    folder = tmp_path_factory.mktemp("cli")
    for name in ("mul", "text", "signatures", "trainable", "tf1_hub"):
        getattr(models, f"save_{name}")(folder / name)
    return folder


def test_inspect(in_process, models: Path) -> None:
    text, _ = in_process("inspect", models / "signatures")
    for word in ("SavedModel, ", "written by TensorFlow", "add", "serving_default", "float32 (?,)"):
        assert word in text
    summary = json.loads(in_process("inspect", models / "trainable", "--json")[0])
    (variant,) = summary["variants"]
    # The model's three and the save_counter of tf.train.Checkpoint.
    assert variant["variables"]["count"] == 4
    assert variant["tags"] == ["serve"]
    signature, call, *losses = variant["endpoints"]
    assert [loss["name"] for loss in losses] == [f"regularization_losses.{i}" for i in (0, 1)]
    (form,) = signature["forms"]
    assert form["arguments"] == [{"name": "inputs", "type": "float32 (?, 3)", "is_tensor": True}]
    assert (call["name"], len(call["forms"])) == ("__call__", 4)
    assert "TF1 Hub" in in_process("inspect", models / "tf1_hub")[0]


def test_run(in_process, models: Path, tmp_path: Path) -> None:
    output, _ = in_process("run", models / "signatures", "-i", "[1.0, 2]", "--json")
    assert json.loads(output) == {"y": [3.0, 6.0], "z": [-1.0, -2.0]}
    np.save(tmp_path / "b.npy", np.array([5.0]))
    arguments = ("-s", "add", "-i", "a=[1]", "-i", f"b=@{tmp_path / 'b.npy'}")
    output, _ = in_process("run", models / "signatures", *arguments)
    assert output.startswith("sum: float32 (1,)\n[6.]")
    in_process("run", models / "signatures", *arguments, "-o", tmp_path / "out.npz")
    assert np.load(tmp_path / "out.npz")["sum"] == [6.0]
    output, _ = in_process("run", models / "tf1_hub", "-i", "[1]", "--json")
    assert json.loads(output) == {"default": [2.0]}


def test_run_text(in_process, models: Path) -> None:
    output, _ = in_process("run", models / "text", "-i", '["a", "long"]', "--json")
    (rows,) = json.loads(output).values()
    np.testing.assert_allclose(rows, [[1.2, 1.3, 1.4, 1.5], [0.4, 0.5, 0.6, 0.7]], rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-s", "nope", "-i", "[1]"], "no signature 'nope'; available: 'serving_default', 'add'"),
        ([], "takes x: float32 (None,); found no input"),
        (["-i", "y=[1]"], "found 'y'"),
        (["-i", '["text"]'], "input 'x' does not fit"),
        (["-i", "[[1]]"], "has shape (1, 1), accepted (None,)"),
        (["-i", "@no/such.npy"], "cannot read input file 'no/such.npy'"),
    ],
)
def test_run_errors(in_process, models: Path, arguments: list[str], words: str) -> None:
    _, errors = in_process("run", models / "signatures", *arguments, code=1)
    assert words in errors
    assert "Traceback" not in errors


def test_inspect_and_run_as_processes(models: Path) -> None:
    assert "serving_default" in anyhub("inspect", models / "signatures").stdout
    answer = anyhub("run", models / "mul", "-i", "[10, 20]", "--json")
    assert list(json.loads(answer.stdout).values()) == [[20.0, 40.0]]


def test_output_that_cannot_be_written(in_process, models: Path) -> None:
    arguments = ("run", models / "mul", "-i", "[1]", "-o", "/no/such/directory/out.npz")
    assert "No such file or directory" in in_process(*arguments, code=1)[1]


def test_markup_in_names_is_shown(in_process, models: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(models / "mul", tmp_path / "m[v2]")
    assert "m[v2]" in in_process("inspect", tmp_path / "m[v2]")[0]
