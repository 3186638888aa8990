"""Ops of checkpoints: the saver's own pass, all others are refused whatever they are called."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from anyhub.graph.safety import Family

SAVE, RESTORE = "__inference__traced_save_8", "__inference__traced_restore_9"


def tf2_saver(build) -> None:
    """What TF2 writes: two functions that the main graph calls with a placeholder."""
    inner = build.function(SAVE, "file_prefix")
    condition = inner.node("StaticRegexFullMatch", "file_prefix", pattern="^s3://.*")
    endings = inner.const(b".part"), inner.const(b"_temp/part")
    joined = inner.node("StringJoin", "file_prefix", inner.node("Select", condition, *endings))
    sharded = inner.node("ShardedFilename", joined, inner.const(b"0"), inner.const(b"1"))
    save = inner.node("SaveV2", sharded, inner.const(b"names"), inner.const(b""))
    packed = inner.node("Pack", sharded, f"^{save.partition(':')[0]}")
    inner.node("MergeV2Checkpoints", packed, "file_prefix")
    inner = build.function(RESTORE, "file_prefix")
    inner.node("RestoreV2", "file_prefix", inner.const(b"names"), inner.const(b""))
    build.node("Placeholder", name="saver_filename")
    build.call(SAVE, "saver_filename", name="call_save")
    build.call(RESTORE, "saver_filename", name="call_restore")
    build.saver("saver_filename", "call_save", "call_restore")


def tf1_saver(build, scope: str = "save", *, default: bytes = b"model") -> None:
    """What TF1 writes: nodes of the main graph around a constant."""
    build.node("PlaceholderWithDefault", build.const(default, name=f"{scope}/c"), name=f"{scope}/f")
    build.node("PlaceholderWithDefault", f"{scope}/f", name=f"{scope}/Const")
    ending = build.const(b"_temp_594a45/part", name=f"{scope}/ending")
    joined = build.node("StringJoin", f"{scope}/Const", ending, name=f"{scope}/joined")
    build.node("ShardedFilename", joined, "shard", "count", name=f"{scope}/sharded")
    build.node("SaveV2", f"{scope}/sharded", "names", "slices", "x", name=f"{scope}/SaveV2")
    build.node("Pack", f"{scope}/sharded", f"^{scope}/SaveV2", name=f"{scope}/packed")
    build.node("MergeV2Checkpoints", f"{scope}/packed", f"{scope}/Const", name=f"{scope}/merge")
    build.node("Identity", f"{scope}/Const", f"^{scope}/merge", name=f"{scope}/Identity")
    build.node("RestoreV2", f"{scope}/Const", "names", "slices", name=f"{scope}/RestoreV2")
    build.node("NoOp", f"^{scope}/RestoreV2", name=f"{scope}/restore_all")
    build.saver(f"{scope}/Const", f"{scope}/Identity", f"{scope}/restore_all")


def test_tf2_saver_passes(build) -> None:
    tf2_saver(build)
    build.node("Relu", "x", name="y")
    build.signature("y")
    assert build.scan() == ()


def test_tf1_saver_passes(build) -> None:
    tf1_saver(build)
    assert build.scan() == ()


def test_unused_saver_of_training_passes(build) -> None:
    tf1_saver(build, "save")
    tf1_saver(build, "save_1")  # the one that the model declares
    assert build.scan() == ()


def test_savers_of_the_collection_pass(build) -> None:
    tf1_saver(build)
    savers = build.meta.collection_def["savers"].bytes_list
    savers.value.append(build.meta.saver_def.SerializeToString())
    build.saver("", "", "")
    assert build.scan() == ()


def test_left_over_saver_functions_pass(build) -> None:
    """A model that was exported out of another one keeps functions that nobody calls."""
    inner = build.function(RESTORE, "file_prefix")
    inner.node("RestoreV2", "file_prefix", "names", "slices")
    assert build.scan() == ()


def test_both_ending_forms_pass(build) -> None:
    tf1_saver(build)
    build.node("Merge", build.const(b".part"), build.const(b"_temp/part"), name="either")
    joined = build.node("StringJoin", "save/Const", "either", name="again")
    build.node("ShardedFilename", joined, "shard", "count")
    assert build.scan() == ()


IMPOSTERS: list[Callable] = []


def imposter(case: Callable) -> Callable:
    """Returns the op that is refused and a word of the reason."""
    IMPOSTERS.append(case)
    return case


@imposter
def constant_path_in_main_graph(build, func):
    build.node("RestoreV2", build.const(b"/home/me/secret"), "names", "slices")
    return "RestoreV2", "file name"


@imposter
def constant_path_under_a_savers_name(build, func):
    build.const(b"/home/me/secret", name="save/Const")
    build.node("RestoreV2", "save/Const", "names", "slices", name="save/RestoreV2")
    return "RestoreV2", "file name"


@imposter
def constant_path_in_a_function_named_like_the_saver(build, func):
    inner = build.function("__inference__traced_restore_12", "file_prefix")
    inner.node("RestoreV2", inner.const(b"/home/me/secret"), "names", "slices")
    return "RestoreV2", "file name"


@imposter
def constant_path_beside_the_saver(build, func):
    tf2_saver(build)
    inner = build.function("__inference__traced_save_13", "file_prefix")
    inner.node("SaveV2", inner.const(b"/etc/cron.d/x"), "names", "slices")
    build.call("__inference__traced_save_13", "saver_filename")
    return "SaveV2", "file name"


@imposter
def saver_function_called_with_a_constant(build, func):
    tf2_saver(build)
    build.call(RESTORE, build.const(b"/home/me/secret"))
    return "RestoreV2", "file name"


@imposter
def saver_function_called_by_a_signature(build, func):
    tf2_saver(build)
    build.signature("call_restore")
    return "RestoreV2", "signature"


@imposter
def saver_filename_fed_by_a_signature(build, func):
    tf1_saver(build)
    build.node("Identity", "save/RestoreV2", name="out")
    build.signature("out", path="save/Const")
    return "RestoreV2", "signature"


@imposter
def saver_run_by_the_initializer(build, func):
    tf1_saver(build)
    build.node("NoOp", "^save/RestoreV2", name="init")
    build.init("init")
    return "RestoreV2", "initializer"


@imposter
def restore_function_exposed_to_users(build, func):
    inner = build.function("__inference__traced_restore_9", "sentence")
    inner.node("RestoreV2", "sentence", "names", "slices")
    build.expose("__inference__traced_restore_9")
    return "RestoreV2", "others"


@imposter
def restore_function_run_by_a_dataset(build, func):
    inner = build.function(RESTORE, "file_prefix")
    inner.node("RestoreV2", "file_prefix", "names", "slices")
    build.node("MapDataset", "set", f=func(RESTORE))
    return "RestoreV2", "others"


@imposter
def restore_function_run_by_a_branch(build, func):
    inner = build.function(RESTORE, "file_prefix")
    inner.node("RestoreV2", "file_prefix", "names", "slices")
    build.node("If", "x", "path", then_branch=func(RESTORE), else_branch=func(RESTORE))
    return "RestoreV2", "others"


@imposter
def restore_function_called_by_its_name_as_op(build, func):
    inner = build.function(RESTORE, "file_prefix")
    inner.node("RestoreV2", "file_prefix", "names", "slices")
    build.node(RESTORE, build.const(b"/home/me/secret"))
    return "RestoreV2", "file name"


@imposter
def restore_function_as_a_gradient(build, func):
    inner = build.function(RESTORE, "file_prefix")
    inner.node("RestoreV2", "file_prefix", "names", "slices")
    build.graph.library.registered_gradients.add(
        gradient_func=RESTORE, registered_op_type="CustomGradient-1"
    )
    return "RestoreV2", "others"


@imposter
def restore_function_that_tensorflow_may_swap_in(build, func):
    inner = build.function("nobody_calls_me", "sentence")
    inner.node("RestoreV2", "sentence", "names", "slices")
    inner.definition.attr["api_implements"].s = b"lstm_1"
    return "RestoreV2", "others"


@imposter
def restore_function_named_by_a_string(build, func):
    inner = build.function("nobody_calls_me", "sentence")
    inner.node("RestoreV2", "sentence", "names", "slices")
    build.node("NoOp", forward_function_name="nobody_calls_me")
    return "RestoreV2", "others"


@imposter
def second_saver_that_is_never_fed(build, func):
    """The loader feeds one saver's file name, and runs another one that keeps its constant."""
    tf1_saver(build)
    build.const(b"/home/me/secret", name="evil/Const")
    build.node("RestoreV2", "evil/Const", "names", "slices", name="evil/RestoreV2")
    build.nodes[-3].input.append("^evil/RestoreV2")  # save/restore_all
    assert build.nodes[-3].name == "save/restore_all"
    second = build.meta.collection_def["savers"].bytes_list
    saver = type(build.meta.saver_def)(
        filename_tensor_name="evil/Const:0", restore_op_name="evil/RestoreV2"
    )
    second.value.append(saver.SerializeToString())
    return "RestoreV2", "another saver"


@imposter
def default_name_of_a_saver_in_use(build, func):
    tf1_saver(build)
    build.node("RestoreV2", build.const(b"model", name="d"), "names", "slices", name="evil")
    restore = next(node for node in build.nodes if node.name == "save/restore_all")
    restore.input.append("^evil")
    return "RestoreV2", "another saver"


@imposter
def unused_saver_with_a_path(build, func):
    tf1_saver(build, "save", default=b"/etc/cron.d/x")
    build.saver("", "", "")
    return "SaveV2", "file name"


@imposter
def path_computed_from_data(build, func):
    build.node("Placeholder", name="x")
    build.node("SaveV2", build.node("AsString", "x"), "names", "slices")
    return "SaveV2", "file name"


@imposter
def ending_that_climbs_up(build, func):
    tf1_saver(build)
    joined = build.node("StringJoin", "save/Const", build.const(b"/../../.bashrc"))
    build.node("SaveV2", joined, "names", "slices")
    return "SaveV2", "file name"


@imposter
def ending_that_is_an_argument(build, func):
    inner = build.function("f", "prefix", "ending")
    inner.node("SaveV2", inner.node("StringJoin", "prefix", "ending"), "names", "slices")
    return "SaveV2", "file name"


@imposter
def prefix_that_is_put_before(build, func):
    tf1_saver(build)
    joined = build.node("StringJoin", build.const(b"/etc/"), "save/Const")
    build.node("SaveV2", joined, "names", "slices")
    return "SaveV2", "file name"


@imposter
def destination_of_a_merge(build, func):
    tf1_saver(build)
    build.node("MergeV2Checkpoints", "save/packed", build.const(b"/etc/cron.d/x"))
    return "MergeV2Checkpoints", "file name"


@imposter
def sharded_name_of_something_else(build, func):
    build.node("ShardedFilename", build.const(b"/etc/x"), "shard", "count")
    return "ShardedFilename", "file name"


@imposter
def no_file_name_at_all(build, func):
    build.node("RestoreV2", name="bad")
    return "RestoreV2", "no file name"


@imposter
def list_argument_shifts_positions(build, func):
    inner = build.function("f", "file_prefix")
    inner.definition.signature.input_arg[0].number_attr = "N"
    inner.node("RestoreV2", "file_prefix", "names", "slices")
    return "RestoreV2", "file name"


@imposter
def calls_in_a_circle(build, func):
    inner = build.function("f", "a")
    inner.node("RestoreV2", "a", "names", "slices")
    inner.call("f", "a")
    return "RestoreV2", "others"


@imposter
def two_nodes_share_the_name_of_the_source(build, func):
    tf1_saver(build)
    build.const(b"/home/me/secret", name="save/Const")
    return "RestoreV2", "file name"


@imposter
def other_output_of_the_source(build, func):
    tf1_saver(build)
    build.node("RestoreV2", "save/Const:1", "names", "slices")
    return "RestoreV2", "file name"


@imposter
def chain_too_long_to_follow(build, func):
    tf1_saver(build)
    tensor = "save/Const"
    for _ in range(5000):
        tensor = build.node("Identity", tensor)
    build.node("RestoreV2", tensor, "names", "slices")
    return "RestoreV2", "file name"


@pytest.mark.parametrize("case", IMPOSTERS, ids=lambda case: case.__name__)
def test_imposter_is_refused(build, func, case: Callable) -> None:
    op, word = case(build, func)
    findings = [found for found in build.scan() if found.op == op]
    assert findings
    assert all(word in found.reason for found in findings)
    reads = op == "RestoreV2"
    assert {f.family for f in findings} == {Family.FILES_READ if reads else Family.FILES_WRITE}


def test_saving_while_loading_is_refused(build) -> None:
    """A model that writes over its own variables when it is loaded."""
    tf1_saver(build)
    restore = next(node for node in build.nodes if node.name == "save/restore_all")
    restore.input.append("^save/merge")
    assert {found.op for found in build.scan()} == {
        "SaveV2",
        "ShardedFilename",
        "MergeV2Checkpoints",
    }
    assert all("when the model is loaded" in found.reason for found in build.scan())


def test_savers_inside_a_string_are_refused(build, new) -> None:
    inner = new()
    tf2_saver(inner)
    build.const(inner.graph.SerializeToString(), name="graph")
    assert {found.op for found in build.scan()} == {
        "RestoreV2",
        "SaveV2",
        "ShardedFilename",
        "MergeV2Checkpoints",
    }
