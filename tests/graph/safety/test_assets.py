"""Files of the model's own may be read; their paths reach an op in three ways."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from anyhub.graph import safety
from anyhub.graph.safety import Family
from anyhub.savedmodel import schema

TABLE = "InitializeTableFromTextFileV2"


def captured_asset(build, filename: str = "vocab.txt") -> int:
    """An asset object; returns its number."""
    build.asset("asset_path", filename)
    item = build.meta.object_graph_def.nodes.add()
    item.asset.asset_file_def_index = len(build.meta.asset_file_def) - 1
    return len(build.meta.object_graph_def.nodes) - 1


def initializer(build, name: str = "__inference__initializer_4") -> str:
    inner = build.function(name, "path", "table")
    inner.node(TABLE, "table", "path", name="init")
    return name


def stored_asset(build) -> str:
    """A placeholder whose value the initializer keeps in a variable, as TF2 writes it."""
    build.node("Placeholder", name="asset_path")
    build.node("VarHandleOp", name="handle", shared_name="asset")
    build.node("AssignVariableOp", "handle", "asset_path", name="assign")
    build.init("assign")
    build.asset("asset_path", "vocab.txt")
    return build.node("ReadVariableOp", "handle", name="read")


def test_captured_asset_passes(build) -> None:
    asset = captured_asset(build)
    build.meta.object_graph_def.nodes.add().resource.SetInParent()
    build.expose(initializer(build), asset, asset + 1)
    assert build.scan("vocab.txt") == ()


def test_captured_asset_passed_on_passes(build) -> None:
    asset = captured_asset(build)
    initializer(build, "inner")
    build.function("outer", "path").call("inner", "path", "table")
    build.expose("outer", asset)
    assert build.scan("vocab.txt") == ()


def test_stored_asset_passes(build) -> None:
    build.call(initializer(build), stored_asset(build), "table", name="call")
    build.signature("call")
    assert build.scan("vocab.txt") == ()


def test_asset_that_a_tf1_initializer_gets_passes(build) -> None:
    build.const(b"/tmp/export/vocab.txt", name="path")
    build.node("Identity", "path", name="copy")
    build.node(TABLE, "table", "copy", name="init")
    build.asset("path", "vocab.txt")
    build.init("init")
    build.signature("init", key="__saved_model_init_op")
    assert build.scan("vocab.txt") == ()


def test_asset_of_the_old_collection_passes(build) -> None:
    build.const(b"/tmp/export/vocab.txt", name="path")
    build.node("InitializeTableFromTextFile", "table", "path")
    asset = schema.message_class("AssetFileDef")(filename="vocab.txt")
    asset.tensor_info.name = "path:0"
    entry = build.meta.collection_def["saved_model_assets"].any_list.value.add()
    entry.type_url = "type.googleapis.com/tensorflow.AssetFileDef"
    entry.value = asset.SerializeToString()
    assert build.scan("vocab.txt") == ()
    entry.type_url = "type.googleapis.com/tensorflow.TensorInfo"
    assert [found.op for found in build.scan("vocab.txt")] == ["InitializeTableFromTextFile"]


def test_reading_an_asset_passes(build) -> None:
    asset = captured_asset(build, "data/model.bin")
    build.function("read", "path").node("ReadFile", "path")
    build.expose("read", asset)
    assert build.scan("data/model.bin") == ()


def test_left_over_initializer_passes(build) -> None:
    initializer(build)
    assert build.scan() == ()


FOREIGN: list[Callable] = []


def foreign(case: Callable) -> Callable:
    """A table that is filled from a file that is not proven to be an asset."""
    FOREIGN.append(case)
    return case


@foreign
def constant_path(build, func):
    build.node(TABLE, "table", build.const(b"/etc/passwd"))


@foreign
def constant_path_named_like_an_asset(build, func):
    build.node(TABLE, "table", build.const(b"vocab.txt", name="asset_path_initializer"))


@foreign
def constant_path_in_a_function(build, func):
    captured_asset(build)
    inner = build.function("__inference__initializer_4", "text_file_init_asset_filepath")
    inner.node(TABLE, "table", inner.const(b"/etc/passwd"))
    build.expose("__inference__initializer_4", 0)


@foreign
def file_that_is_not_there(build, func):
    build.expose(initializer(build), captured_asset(build, "other.txt"), 0)


@foreign
def captured_object_that_is_no_asset(build, func):
    build.const(b"/etc/passwd", name="path")
    build.meta.object_graph_def.nodes.add().constant.operation = "path"
    build.expose(initializer(build), 0, 0)


@foreign
def captured_object_that_is_not_there(build, func):
    build.expose(initializer(build), 99, 99)


@foreign
def argument_of_the_caller(build, func):
    asset = captured_asset(build)
    build.expose(initializer(build), asset)  # the asset is the second argument, not the first


@foreign
def more_captures_than_arguments(build, func):
    build.const(b"/etc/passwd", name="path")
    build.meta.object_graph_def.nodes.add().constant.operation = "path"
    build.function("f", "path").node(TABLE, "table", "path")
    build.expose("f", 0, captured_asset(build))


@foreign
def called_with_an_asset_and_with_a_constant(build, func):
    read = stored_asset(build)
    name = initializer(build)
    build.call(name, read, "table")
    build.call(name, build.const(b"/etc/passwd"), "table")


@foreign
def called_with_too_few_inputs(build, func):
    build.call(initializer(build))


@foreign
def run_by_a_loop(build, func):
    build.node("While", stored_asset(build), cond=func("c"), body=func(initializer(build)))


@foreign
def tf1_constant_in_a_signature(build, func):
    """Nothing feeds the constant there, so the path that it holds would be read."""
    build.const(b"/etc/passwd", name="path")
    build.node(TABLE, "table", "path", name="init")
    build.asset("path", "vocab.txt")
    build.node("LookupTableFindV2", "table", "key", "default", "^init", name="find")
    build.signature("find")


@foreign
def placeholder_fed_by_a_signature(build, func):
    build.node("Placeholder", name="path")
    build.asset("path", "vocab.txt")
    build.node(TABLE, "table", "path", name="init")
    build.signature("init", path="path")


@foreign
def variable_with_two_values(build, func):
    read = stored_asset(build)
    build.node("AssignVariableOp", "handle", build.const(b"/etc/passwd"))
    build.node(TABLE, "table", read)


@foreign
def variable_with_two_handles(build, func):
    read = stored_asset(build)
    build.function("f").node("VarHandleOp", shared_name="asset")
    build.node(TABLE, "table", read)


@foreign
def variable_given_away(build, func):
    read = stored_asset(build)
    build.call("f", "handle")
    build.node(TABLE, "table", read)


@foreign
def variable_without_a_value(build, func):
    build.node("VarHandleOp", name="handle")
    build.node(TABLE, "table", build.node("ReadVariableOp", "handle"))


@foreign
def variable_read_from_a_checkpoint(build, func):
    read = stored_asset(build)
    next(n for n in build.nodes if n.name == "assign").input[1] = "restored"
    build.node("Identity", "x", name="restored")
    build.node(TABLE, "table", read)


@foreign
def path_computed_from_an_asset(build, func):
    joined = build.node("StringJoin", stored_asset(build), build.const(b"/../../secret"))
    build.node(TABLE, "table", joined)


@foreign
def no_path_at_all(build, func):
    build.node(TABLE, "table")


@pytest.mark.parametrize("case", FOREIGN, ids=lambda case: case.__name__)
def test_foreign_file_is_refused(build, func, case: Callable) -> None:
    case(build, func)
    (finding,) = build.scan("vocab.txt")
    assert (finding.op, finding.family) == (TABLE, Family.FILES_READ)


@pytest.mark.parametrize(
    "filename",
    ["", "/etc/passwd", "../secret", "a/../../secret", "..", "C:/secret", "C:secret", "..\\secret"],
)
def test_asset_outside_of_the_directory_is_refused(build, filename: str) -> None:
    build.expose(initializer(build), captured_asset(build, filename), 0)
    findings = build.scan(filename, "vocab.txt")
    assert {found.op for found in findings} == {"AssetFileDef", TABLE}


def test_list_assets(tmp_path: Path) -> None:
    assert safety.list_assets(tmp_path) == frozenset()
    (tmp_path / "assets/sub").mkdir(parents=True)
    (tmp_path / "assets/sub/b.txt").touch()
    (tmp_path / "assets/a.txt").touch()
    assert safety.list_assets(tmp_path) == {"a.txt", "sub/b.txt"}
