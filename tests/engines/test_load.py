"""hub.load on engine tensorflow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="engine tensorflow needs TensorFlow")

import anyhub as hub
from anyhub.errors import (
    EngineError,
    MissingDependencyError,
    ModelNotFoundError,
    SavedModelError,
    TagsError,
)
from support import models


@pytest.fixture(scope="module")
def mul(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return models.save_mul(tmp_path_factory.mktemp("saved") / "mul")


@pytest.fixture(scope="module")
def tf1_hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return models.save_tf1_hub(tmp_path_factory.mktemp("saved") / "tf1_hub")


def test_exactly_tensorflows_object(mul: Path) -> None:
    ours, own = hub.load(mul), tf.saved_model.load(str(mul))
    assert type(ours).__qualname__ == type(own).__qualname__
    assert sorted(vars(ours)) == sorted(vars(own))
    np.testing.assert_array_equal(ours(tf.constant([3.0])), [6.0])


def test_loaded_twice_gives_equal_outputs(mul: Path) -> None:
    one, two = hub.load(mul), hub.load(str(mul))
    x = tf.constant([3.0, 4.0])
    np.testing.assert_array_equal(one(x), two(x))
    one.v.assign(5.0)
    np.testing.assert_array_equal(two(x), [6.0, 8.0])


def test_options_are_passed_on(mul: Path) -> None:
    options = tf.saved_model.LoadOptions(experimental_io_device="/job:localhost")
    assert hub.load(mul, options=options)(tf.constant(1.0)) == 2.0


def test_tf1_hub_format_has_empty_tags_by_default(tf1_hub: Path) -> None:
    obj = hub.load(tf1_hub)
    np.testing.assert_allclose(obj.signatures["default"](tf.constant([1.0]))["default"], [2.0])
    trained = hub.load(tf1_hub, tags=["train"])
    np.testing.assert_allclose(trained.signatures["default"](tf.constant([1.0]))["default"], [3.0])


@pytest.mark.parametrize("tags", ["serve", ["serve", "gpu"], []])
def test_unknown_tags(tf1_hub: Path, mul: Path, tags) -> None:
    model = mul if not tags or "gpu" in tags else tf1_hub
    with pytest.raises(TagsError, match="pass tags= one of:") as caught:
        hub.load(model, tags=tags)
    expected = "['serve']" if model is mul else "[], ['train']"
    assert str(caught.value).endswith(expected)


def test_several_variants_need_tags(tf1_hub: Path) -> None:
    (tf1_hub / "tfhub_module.pb").rename(tf1_hub / "away")
    try:
        with pytest.raises(TagsError, match="2 graph variants and no tags were given"):
            hub.load(tf1_hub)
    finally:
        (tf1_hub / "away").rename(tf1_hub / "tfhub_module.pb")


def test_directory_without_model(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("hello")
    with pytest.raises(ModelNotFoundError, match="found 'readme.txt', expected 'saved_model.pb'"):
        hub.load(tmp_path)


def test_directory_above_a_model(mul: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=f"there is a model in '{mul}'"):
        hub.load(mul.parent)


@pytest.mark.parametrize("keep", [0, 1, 0.25, 0.5, 0.75, -1])
def test_graph_file_cut(mul: Path, tmp_path: Path, keep: float) -> None:
    data = (mul / "saved_model.pb").read_bytes()
    cut = data[: int(len(data) * keep) if isinstance(keep, float) else keep]
    (tmp_path / "variables").mkdir()
    (tmp_path / "saved_model.pb").write_bytes(cut)
    with pytest.raises(SavedModelError, match=r"saved_model.pb' \(\d+ bytes\)"):
        hub.load(tmp_path)


def test_text_file_that_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pbtxt").write_text("meta_graphs { what }")
    with pytest.raises(SavedModelError, match=r"saved_model.pbtxt' \(20 bytes\)"):
        hub.load(tmp_path)


@pytest.mark.parametrize("harm", ["no variables", "no shard", "cut shard", "cut index"])
def test_damaged_variables(tmp_path: Path, harm: str) -> None:
    path = models.save_trainable(tmp_path / "m")
    shard = path / "variables" / "variables.data-00000-of-00001"
    index = path / "variables" / "variables.index"
    if harm == "cut shard":
        shard.write_bytes(shard.read_bytes()[:10])
    elif harm == "cut index":
        index.write_bytes(index.read_bytes()[:10])
    else:
        shard.unlink()
        if harm == "no variables":
            index.unlink()
    with pytest.raises(SavedModelError, match=r"(?s)cannot load model .*damaged or incomplete"):
        hub.load(path)


def test_unknown_engine(mul: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineError, match="unknown engine 'torch'; accepted: 'tensorflow'"):
        hub.load(mul, engine="torch")
    monkeypatch.setenv("ANYHUB_ENGINE", "abacus")
    with pytest.raises(EngineError, match="'abacus'"):
        hub.load(mul)
    assert callable(hub.load(mul, engine="tensorflow"))


TEXT_MODEL = "tensorflow__serving/servables--tensorflow--testdata--tf_text_regression--01@138d9b79"


@pytest.mark.corpus
def test_op_library_is_imported_when_installed(corpus: Path) -> None:
    pytest.importorskip("tensorflow_text", reason="needs tensorflow-text")
    assert callable(hub.load(corpus / TEXT_MODEL))


@pytest.mark.corpus
def test_missing_op_library_is_named(corpus: Path) -> None:
    program = (
        "import sys; sys.modules['tensorflow_text'] = None\n"
        "import importlib.util as util; find = util.find_spec\n"
        "util.find_spec = lambda n, *a: None if n == 'tensorflow_text' else find(n, *a)\n"
        "import anyhub\n"
        "try:\n    anyhub.load(sys.argv[1])\n"
        "except anyhub.HubError as error:\n    print(type(error).__name__, error)"
    )
    command = [sys.executable, "-c", program, str(corpus / TEXT_MODEL)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert answer.stdout.startswith(MissingDependencyError.__name__)
    assert answer.stdout.rstrip().endswith("run: pip install tensorflow-text")


def test_op_that_nobody_knows(mul: Path, tmp_path: Path) -> None:
    data = (mul / "saved_model.pb").read_bytes()
    # Same length, so that all lengths in the file stay right.
    (tmp_path / "saved_model.pb").write_bytes(data.replace(b"ReadVariableOp", b"NoSuchVarblOpX"))
    (tmp_path / "variables").mkdir()
    for file in (mul / "variables").iterdir():
        (tmp_path / "variables" / file.name).write_bytes(file.read_bytes())
    with pytest.raises(SavedModelError, match="needs the op 'NoSuchVarblOpX'"):
        hub.load(tmp_path)
