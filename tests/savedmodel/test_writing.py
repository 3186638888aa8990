"""What is written is what was read, whole or not at all, and loads in TensorFlow."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from anyhub import savedmodel
from anyhub.errors import SavedModelError
from anyhub.graph.compact import compact
from anyhub.savedmodel import schema
from anyhub.savedmodel.bundle import write_bundle
from support.reference import corpus_rows, signature_cases


@pytest.fixture
def model_dir(tmp_path: Path) -> Path:
    """A small model made without TensorFlow: two variables of TF1, an asset, an unknown field."""
    root = tmp_path / "source"
    (root / "variables").mkdir(parents=True)
    (root / "assets").mkdir()
    (root / "assets" / "vocabulary.txt").write_text("a\nb\n")
    (root / "keras_metadata.pb").write_bytes(b"kept")
    (root / "fingerprint.pb").write_bytes(b"")
    proto = schema.SavedModel(saved_model_schema_version=1)
    graph = proto.meta_graphs.add()
    graph.meta_info_def.tags.append("serve")
    graph.graph_def.node.add(name="x", op="Placeholder")
    # Field 15 of a SavedModel does not exist today.
    data = proto.SerializeToString() + b"\x7a\x03abc"
    (root / "saved_model.pb").write_bytes(data)
    values = {"a": np.arange(6, dtype=np.float32), "b": np.array([b"x", b""], dtype=object)}
    write_bundle(root / "variables" / "variables", values.items())
    return root


def test_everything_goes_along(model_dir: Path, tmp_path: Path) -> None:
    path = savedmodel.write(savedmodel.read(model_dir), tmp_path / "copy")
    assert sorted(p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file()) == [
        "assets/vocabulary.txt",
        "keras_metadata.pb",
        "saved_model.pb",
        "variables/variables.data-00000-of-00001",
        "variables/variables.index",
    ]
    assert (path / "saved_model.pb").read_bytes().endswith(b"\x7a\x03abc")
    copy = savedmodel.read(path)
    np.testing.assert_array_equal(copy.store.read("a"), np.arange(6))
    assert copy.store.read("b").tolist() == [b"x", b""]


def test_equal_models_give_equal_bytes(model_dir: Path, tmp_path: Path) -> None:
    one = savedmodel.write(savedmodel.read(model_dir), tmp_path / "one")
    two = savedmodel.write(savedmodel.read(one), tmp_path / "two")
    for file in (p for p in one.rglob("*") if p.is_file()):
        assert (two / file.relative_to(one)).read_bytes() == file.read_bytes()


def test_changed_values(model_dir: Path, tmp_path: Path) -> None:
    model = savedmodel.read(model_dir).with_values({"a": np.ones(6, np.float32)})
    assert model.store.read("a").sum() == 6
    copy = savedmodel.read(savedmodel.write(model, tmp_path / "copy"))
    assert copy.store.read("a").sum() == 6
    assert copy.store.bundle.verify_all() is None
    assert savedmodel.read(model_dir).store.read("a").sum() == 15


def test_removed_values(model_dir: Path, tmp_path: Path) -> None:
    model = savedmodel.read(model_dir).with_values({"a": None})
    assert model.store.keys() == ("b",)
    with pytest.raises(SavedModelError, match="it was removed"):
        model.store.read("a")
    assert savedmodel.read(savedmodel.write(model, tmp_path / "copy")).store.keys() == ("b",)


def test_shards(model_dir: Path, tmp_path: Path) -> None:
    path = savedmodel.write(savedmodel.read(model_dir), tmp_path / "copy", shard_bytes=16)
    assert len(list((path / "variables").glob("*.data-*"))) == 2
    np.testing.assert_array_equal(savedmodel.read(path).store.read("a"), np.arange(6))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"c": np.ones(1)}, "has no value 'c'"),
        ({"a": np.ones(5, np.float32)}, r"is float32 \(6,\); found float32 \(5,\)"),
        ({"a": np.ones(6)}, "found float64"),
    ],
)
def test_values_that_do_not_fit(model_dir: Path, values: dict, words: str) -> None:
    with pytest.raises(SavedModelError, match=words):
        savedmodel.read(model_dir).with_values(values)


def test_nothing_is_overwritten(model_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "precious").write_bytes(b"x")
    with pytest.raises(SavedModelError, match="there is something already"):
        savedmodel.write(savedmodel.read(model_dir), tmp_path / "copy")
    assert (tmp_path / "copy" / "precious").read_bytes() == b"x"


def test_failure_leaves_nothing(model_dir: Path, tmp_path: Path) -> None:
    model = savedmodel.read(model_dir)
    shard = model_dir / "variables" / "variables.data-00000-of-00001"
    shard.write_bytes(shard.read_bytes()[:4] + b"\0" * 20)
    with pytest.raises(SavedModelError):
        savedmodel.write(model, tmp_path / "copies" / "copy")
    assert list((tmp_path / "copies").iterdir()) == []


def test_into_the_model_itself(model_dir: Path) -> None:
    with pytest.raises(SavedModelError, match="inside the model that is copied"):
        savedmodel.write(savedmodel.read(model_dir), model_dir / "assets" / "copy")


def test_links_are_followed_inside_the_model_only(model_dir: Path, tmp_path: Path) -> None:
    (model_dir / "assets" / "inside").symlink_to("vocabulary.txt")
    path = savedmodel.write(savedmodel.read(model_dir), tmp_path / "one")
    assert (path / "assets" / "inside").read_text() == "a\nb\n"
    assert not (path / "assets" / "inside").is_symlink()
    (model_dir / "assets" / "outside").symlink_to(tmp_path)
    with pytest.raises(SavedModelError, match="link out of the model"):
        savedmodel.write(savedmodel.read(model_dir), tmp_path / "two")
    assert not (tmp_path / "two").exists()


def test_special_files_and_links_as_targets(model_dir: Path, tmp_path: Path) -> None:
    os.mkfifo(model_dir / "assets" / "pipe")
    with pytest.raises(SavedModelError, match="neither a file nor a directory"):
        savedmodel.write(savedmodel.read(model_dir), tmp_path / "one")
    (model_dir / "assets" / "pipe").unlink()
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    with pytest.raises(SavedModelError, match="there is something already"):
        savedmodel.write(savedmodel.read(model_dir), tmp_path / "link")
    assert savedmodel.write(savedmodel.read(model_dir), tmp_path / ("n" * 250)).is_dir()


def test_another_writer_was_faster(model_dir: Path, tmp_path: Path, monkeypatch) -> None:
    from anyhub.savedmodel import writing

    own_copy = writing._copy_other_files

    def copy_slowly(model, staged):
        own_copy(model, staged)
        (tmp_path / "copy").mkdir()
        (tmp_path / "copy" / "theirs").write_bytes(b"x")

    monkeypatch.setattr(writing, "_copy_other_files", copy_slowly)
    with pytest.raises(SavedModelError, match="another process wrote there"):
        savedmodel.write(savedmodel.read(model_dir), tmp_path / "copy")
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["theirs"]


def rewrite(model: savedmodel.SavedModel, path: Path) -> None:
    savedmodel.write(model, path)


@pytest.mark.corpus
@pytest.mark.parametrize("make", [rewrite, compact], ids=["rewritten", "compacted"])
def test_corpus_in_tensorflow(corpus: Path, tmp_path: Path, make) -> None:
    """Every model that TensorFlow loads is loaded after it too, with the reference outputs."""
    tf = pytest.importorskip("tensorflow", reason="compares with TensorFlow")
    pytest.importorskip("tensorflow_text", reason="some models need its ops")
    loaded = compared = 0
    for row in corpus_rows(corpus):
        if not row["loads_in_tf"]:
            continue
        path = tmp_path / "model"
        make(savedmodel.read(corpus / row["dir"]), path)
        tags = row["tags_used"] if len(row["tags"]) > 1 else None
        obj = tf.saved_model.load(str(path), tags=tags)
        loaded += 1
        for case in signature_cases(corpus, row):
            function = obj.signatures[case.signature]
            specs = function.structured_input_signature[1]
            inputs = {k: tf.constant(case.inputs[k], s.dtype.base_dtype) for k, s in specs.items()}
            for name, value in function(**inputs).items():
                if name in case.outputs:
                    compared += 1
                    check(value.numpy(), case.outputs[name], f"{row['dir']} {name}")
        shutil.rmtree(path)
    assert loaded == 96
    assert compared >= 130


def check(found: np.ndarray, expected: np.ndarray, what: str) -> None:
    if found.dtype == object:
        assert found.astype("S").tolist() == expected.tolist(), what
    else:
        found = found.astype(expected.dtype)
        np.testing.assert_allclose(found, expected, 1e-4, 1e-5, err_msg=what)


def test_the_comparison_can_fail() -> None:
    with pytest.raises(AssertionError):
        check(np.array([1.0]), np.array([1.001]), "")
    with pytest.raises(AssertionError):
        check(np.array([b"x"], dtype=object), np.array([b"y"]), "")
