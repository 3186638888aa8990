"""Models that really do harm when TensorFlow runs them; run as a program, away from the tests.

    python attacks.py build DIR    saves every attack as DIR/<name>
    python attacks.py run DIR      loads and calls each, prints {name: whether it took effect}

The harm is done to files in DIR: `secret.txt` is read, other files are written.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

SECRET = "not for your eyes"
ATTACKS: dict[str, Attack] = {}


class Attack:
    """A way to do harm.

    Args:
        name: What it is called.
        module: Makes the model; gets the directory that harm is done to.
        worked: Tells from the result of the call, or from the directory, whether harm was done.
    """

    def __init__(self, name: str, module: Callable, worked: Callable) -> None:
        self.name, self.module, self.worked = name, module, worked


def reads(function: Callable) -> Callable:
    """A model whose call returns what it should not be able to read."""

    def module(root: Path) -> tf.Module:
        result = tf.Module()
        result.call = tf.function(lambda: function(root), input_signature=[])
        return result

    def worked(root: Path, result) -> bool:
        return SECRET.encode() in tf.strings.reduce_join(tf.reshape(result, [-1])).numpy()

    ATTACKS[function.__name__] = Attack(function.__name__, module, worked)
    return function


def writes(file: str) -> Callable:
    """A model whose call makes a file that was not there."""

    def register(function: Callable) -> Callable:
        def module(root: Path) -> tf.Module:
            def call():
                operation = function(root)
                with tf.control_dependencies([] if operation is None else [operation]):
                    return tf.constant("done")

            result = tf.Module()
            result.call = tf.function(call, input_signature=[])
            return result

        def worked(root: Path, result) -> bool:
            return bool(list(root.glob(f"{file}*")))

        ATTACKS[function.__name__] = Attack(function.__name__, module, worked)
        return function

    return register


@reads
def read_file(root: Path):
    return tf.io.read_file(str(root / "secret.txt"))


@reads
def list_directory(root: Path):
    found = tf.io.matching_files(str(root / "secret*"))
    return tf.strings.regex_replace(found, ".*secret.txt", SECRET)


@reads
def read_lines_of_a_dataset(root: Path):
    lines = tf.data.TextLineDataset(str(root / "secret.txt"))
    return lines.reduce(tf.constant(""), lambda a, b: a + b)


@reads
def run_a_graph_inside_a_string(root: Path):
    with tf.init_scope():  # made now, and kept as a constant
        lines = tf.data.TextLineDataset(str(root / "secret.txt"))
        graph = tf.raw_ops.DatasetToGraphV2(input_dataset=lines._variant_tensor).numpy()
    # Not a constant for the optimizer, which fails to fold datasets.
    text = tf.where(tf.random.uniform([]) >= 0, tf.constant(graph), tf.constant(""))
    variant = tf.raw_ops.DatasetFromGraph(graph_def=text)
    (line,) = tf.raw_ops.DatasetToSingleElement(
        dataset=variant, output_types=[tf.string], output_shapes=[[]]
    )
    return line


@reads
def fill_a_table_from_any_file(root: Path):
    table = tf.raw_ops.HashTableV2(
        key_dtype=tf.int64, value_dtype=tf.string, shared_name="foreign_table"
    )
    filled = tf.raw_ops.InitializeTableFromTextFileV2(
        table_handle=table, filename=str(root / "secret.txt"), key_index=-1, value_index=-2
    )
    with tf.control_dependencies([filled]):
        return tf.raw_ops.LookupTableFindV2(
            table_handle=table, keys=tf.constant([0], tf.int64), default_value=""
        )


@reads
def map_a_file_into_memory(root: Path):
    count = len(SECRET)
    data = tf.raw_ops.ImmutableConst(
        dtype=tf.uint8, shape=[count], memory_region_name=str(root / "secret.txt")
    )
    return tf.strings.unicode_encode(tf.cast(data, tf.int32), "UTF-8")


@reads
def read_any_checkpoint(root: Path):
    return tf.raw_ops.RestoreV2(
        prefix=str(root / "foreign"), tensor_names=["x"], shape_and_slices=[""], dtypes=[tf.string]
    )[0]


@writes("written")
def write_file(root: Path) -> None:
    tf.io.write_file(str(root / "written"), "x")


@writes("printed")
def print_to_file(root: Path) -> None:
    tf.raw_ops.PrintV2(input="x", output_stream=f"file://{root}/printed")


@writes("saved")
def save_to_any_path(root: Path):
    return tf.raw_ops.SaveV2(  # does not run unless something waits for it
        prefix=str(root / "saved"), tensor_names=["x"], shape_and_slices=[""], tensors=[tf.zeros(1)]
    )


@writes("cached")
def cache_to_a_file(root: Path) -> None:
    tf.data.Dataset.range(3).cache(str(root / "cached")).reduce(
        tf.constant(0, tf.int64), lambda a, b: a + b
    )


@writes("summary/events")
def write_events(root: Path) -> None:
    writer = tf.raw_ops.SummaryWriter(shared_name="writer")
    tf.raw_ops.CreateSummaryFileWriter(
        writer=writer, logdir=str(root / "summary"), max_queue=1, flush_millis=1, filename_suffix=""
    )
    tf.raw_ops.WriteScalarSummary(writer=writer, step=1, tag="x", value=1.0)
    tf.raw_ops.FlushSummaryWriter(writer=writer)


@writes("debugged")
def debug_to_a_directory(root: Path) -> None:
    tf.raw_ops.DebugIdentityV2(
        input=tf.ones(1), debug_urls=[f"file://{root}/debugged"], tfdbg_run_id="x"
    )


class _PrintsWhenLoaded(tf.saved_model.experimental.TrackableResource):
    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def _create_resource(self):
        return tf.constant(1.0)

    def _initialize(self):
        tf.raw_ops.PrintV2(input="x", output_stream=f"file://{self._path}")


def _print_while_loading(root: Path) -> tf.Module:
    module = tf.Module()
    module.resource = _PrintsWhenLoaded(f"{root}/loaded")
    module.handle = module.resource.resource_handle
    module.call = tf.function(lambda: tf.constant("done"), input_signature=[])
    return module


ATTACKS["print_while_loading"] = Attack(
    "print_while_loading", _print_while_loading, lambda root, _: (root / "loaded").exists()
)


def build(root: Path) -> None:
    (root / "secret.txt").write_text(SECRET)
    tf.raw_ops.SaveV2(
        prefix=str(root / "foreign"), tensor_names=["x"], shape_and_slices=[""], tensors=[SECRET]
    )
    for attack in ATTACKS.values():
        module = attack.module(root)
        tf.saved_model.save(module, str(root / "models" / attack.name))


def run(root: Path) -> dict[str, bool]:
    effects = {}
    for attack in ATTACKS.values():
        model = tf.saved_model.load(str(root / "models" / attack.name))
        effects[attack.name] = bool(attack.worked(root, model.call()))
    return effects


if __name__ == "__main__":
    if sys.argv[1] == "build":
        build(Path(sys.argv[2]))
    else:
        sys.stdout.write(json.dumps(run(Path(sys.argv[2]))))
