"""What the TF1 Hub format adds to a SavedModel: `tfhub_module.pb` and attached messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from anyhub import savedmodel
from anyhub.errors import SavedModelError
from anyhub.savedmodel import read_layout, schema
from anyhub.savedmodel.reading import read_hub_module


@pytest.fixture
def module(tmp_path: Path) -> Path:
    proto = schema.SavedModel()
    graph = proto.meta_graphs.add()
    attachment = schema.ModuleAttachment(key="image_module_info", value=b"\x0a\x00")
    values = graph.collection_def["hub_module_attachments"].bytes_list.value
    values.append(attachment.SerializeToString())
    (tmp_path / "saved_model.pb").write_bytes(proto.SerializeToString())
    (tmp_path / "tfhub_module.pb").write_bytes(schema.ModuleDef(format=3).SerializeToString())
    return tmp_path


def test_module_and_attachments(module: Path) -> None:
    assert read_hub_module(read_layout(module)).format == 3
    assert savedmodel.read(module).graph().attached_messages == {"image_module_info": b"\x0a\x00"}


def test_plain_saved_model_has_neither(module: Path) -> None:
    (module / "tfhub_module.pb").unlink()
    assert read_hub_module(read_layout(module)) is None
    (module / "saved_model.pb").write_bytes(b"\x12\x00")
    assert savedmodel.read(module).graph().attached_messages == {}


@pytest.mark.parametrize("data", [b"", b"\x08\x04", b"\x08\x03\x12\x01x", b"\x08"])
def test_unknown_formats_are_refused(module: Path, data: bytes) -> None:
    (module / "tfhub_module.pb").write_bytes(data)
    with pytest.raises(SavedModelError, match=r"tfhub_module\.pb"):
        read_hub_module(read_layout(module))


def test_damaged_attachment(module: Path) -> None:
    model = savedmodel.read(module)
    collection = model.proto.meta_graphs[0].collection_def["hub_module_attachments"]
    collection.bytes_list.value.append(b"\x0a\xff")
    with pytest.raises(SavedModelError, match="'hub_module_attachments' is damaged"):
        model.graph().attached_messages  # noqa: B018


@pytest.mark.corpus
def test_corpus(corpus: Path) -> None:
    paths = [path.parent for path in corpus.rglob("tfhub_module.pb")]
    assert paths
    assert all(read_hub_module(read_layout(path)).format == 3 for path in paths)
