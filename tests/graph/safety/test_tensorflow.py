"""The gate and TensorFlow itself: attacks that work are refused, what TensorFlow saves passes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

tf = pytest.importorskip("tensorflow", reason="these models are made with TensorFlow")

from anyhub.errors import UnsafeModelError
from anyhub.graph import safety
from anyhub.savedmodel import schema
from support import models

pytestmark = pytest.mark.tensorflow

ATTACKS = {
    "read_file": {"ReadFile"},
    "list_directory": {"MatchingFiles"},
    "read_lines_of_a_dataset": {"TextLineDataset"},
    "run_a_graph_inside_a_string": {"DatasetFromGraph", "TextLineDataset"},
    "fill_a_table_from_any_file": {"InitializeTableFromTextFileV2"},
    "map_a_file_into_memory": {"ImmutableConst"},
    "read_any_checkpoint": {"RestoreV2"},
    "write_file": {"WriteFile"},
    "print_to_file": {"PrintV2"},
    "print_while_loading": {"PrintV2"},
    "save_to_any_path": {"SaveV2"},
    "cache_to_a_file": {"CacheDatasetV2"},
    "write_events": {
        "SummaryWriter",
        "CreateSummaryFileWriter",
        "WriteScalarSummary",
        "FlushSummaryWriter",
    },
    "debug_to_a_directory": {"DebugIdentityV2"},
}


def read(directory: Path):
    return schema.SavedModel.FromString((directory / "saved_model.pb").read_bytes())


def require_safe(directory: Path) -> None:
    assets = safety.list_assets(directory)
    safety.require_safe(read(directory), directory.name, asset_files=assets)


def run_attacks(step: str, root: Path) -> str:
    """In a process of their own: what they do, they do not do to the tests."""
    command = [sys.executable, str(Path(__file__).with_name("attacks.py")), step, str(root)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def attacks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("attacks")
    run_attacks("build", root)
    return root


@pytest.fixture(scope="module")
def effects(attacks: Path) -> dict[str, bool]:
    """What the attacks do when TensorFlow runs them."""
    effects: dict[str, bool] = json.loads(run_attacks("run", attacks))
    return effects


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_is_refused(attacks: Path, name: str) -> None:
    findings = safety.scan(read(attacks / "models" / name))
    assert {finding.op for finding in findings} == ATTACKS[name]
    with pytest.raises(UnsafeModelError):
        require_safe(attacks / "models" / name)


def test_nothing_has_run_so_far(attacks: Path) -> None:
    made_by_building = {"models", "secret.txt", "foreign.index", "foreign.data-00000-of-00001"}
    assert {path.name for path in attacks.iterdir()} == made_by_building


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_would_have_worked(effects: dict[str, bool], name: str) -> None:
    assert effects[name]
    assert effects.keys() == ATTACKS.keys()


def test_asset_outside_of_the_directory_would_have_worked(tmp_path: Path) -> None:
    """TensorFlow reads where `..` leads; the gate refuses."""
    directory = models.save_text(tmp_path / "model")
    require_safe(directory)
    expected = tf.saved_model.load(str(directory))(tf.constant(["a long sentence."])).numpy()
    proto = read(directory)
    for metagraph in proto.meta_graphs:
        for asset in metagraph.asset_file_def:
            outside = tmp_path / f"outside-{asset.filename}"
            shutil.move(directory / "assets" / asset.filename, outside)
            asset.filename = f"../../{outside.name}"
    (directory / "saved_model.pb").write_bytes(proto.SerializeToString())
    found = tf.saved_model.load(str(directory))(tf.constant(["a long sentence."])).numpy()
    assert (found == expected).all()
    with pytest.raises(UnsafeModelError, match="AssetFileDef"):
        require_safe(directory)


def keras_2():
    """Keras 2 under either of its names."""
    keras = pytest.importorskip("keras", reason="needs Keras")
    return keras if keras.__version__.startswith("2.") else pytest.importorskip("tf_keras")


def save_keras(path: Path) -> Path:
    keras = pytest.importorskip("keras", reason="needs Keras")
    if keras.__version__.startswith("2."):
        pytest.skip("Keras 3 exports this one")
    inputs = keras.Input((8, 3))
    hidden = keras.layers.LSTM(4)(keras.layers.Conv1D(4, 3)(inputs))
    outputs = keras.layers.Dense(2)(keras.layers.BatchNormalization()(hidden))
    keras.Model(inputs, outputs).export(str(path), verbose=False)
    return path


def save_tf_keras(path: Path) -> Path:
    keras = keras_2()
    layers = [keras.layers.LSTM(4, input_shape=(8, 3)), keras.layers.Dense(2)]
    model = keras.Sequential(layers)
    model.compile("adam", "mse")
    model.save(str(path))
    return path


def save_string_lookup(path: Path) -> Path:
    keras = pytest.importorskip("keras", reason="needs Keras")
    inputs = keras.Input((1,), dtype="string")
    vocabulary = path.parent / "words.txt"
    vocabulary.write_text("red\ngreen\n")
    outputs = keras.layers.StringLookup(vocabulary=str(vocabulary))(inputs)
    tf.saved_model.save(keras.Model(inputs, outputs), str(path))
    return path


def save_text_tokenizer(path: Path) -> Path:
    text = pytest.importorskip("tensorflow_text", reason="needs tensorflow-text")
    vocabulary = tf.constant(["a", "long", "##er", "[UNK]"])
    table = tf.lookup.StaticVocabularyTable(
        tf.lookup.KeyValueTensorInitializer(vocabulary, tf.range(4, dtype=tf.int64)), 1
    )
    tokenizer = text.BertTokenizer(table, token_out_type=tf.int64)
    module = tf.Module()
    module.table = table

    def tokenize(sentences):
        folded = text.case_fold_utf8(sentences)
        return tokenizer.tokenize(folded).merge_dims(1, 2).to_tensor()

    module.call = tf.function(tokenize, input_signature=[tf.TensorSpec([None], tf.string)])
    tf.saved_model.save(module, str(path))
    return path


def save_control_flow_and_datasets(path: Path) -> Path:
    module = tf.Module()
    module.table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    module.count = tf.Variable(0, dtype=tf.int64)

    def call(limit):
        if limit > 3:
            module.count.assign_add(1)
        total = tf.constant(0, tf.int64)
        while total < limit:
            total += 1
        module.table.insert(["a"], [total])
        numbers = tf.data.Dataset.range(total).cache().shuffle(4).map(lambda x: x * 2).batch(2)
        tf.print("sum of", limit)
        return numbers.reduce(total, lambda a, b: a + tf.reduce_sum(b))

    module.call = tf.function(call, input_signature=[tf.TensorSpec([], tf.int64)])
    tf.saved_model.save(module, str(path))
    return path


def save_tf1_with_table(path: Path) -> Path:
    """A session's graph: a saver in the main graph, and a table that an asset fills."""
    v1 = tf.compat.v1
    vocabulary = path.parent / "tf1-words.txt"
    vocabulary.write_text("red\ngreen\n")
    with tf.Graph().as_default(), v1.Session() as session:
        words = v1.placeholder(tf.string, [None])
        name = tf.constant(str(vocabulary))
        v1.add_to_collection(v1.GraphKeys.ASSET_FILEPATHS, name)
        table = v1.lookup.StaticHashTable(
            v1.lookup.TextFileInitializer(
                name,
                tf.string,
                v1.lookup.TextFileIndex.WHOLE_LINE,
                tf.int64,
                v1.lookup.TextFileIndex.LINE_NUMBER,
            ),
            -1,
        )
        weights = v1.get_variable("weights", [2, 3], use_resource=False)
        v1.train.Saver()  # another saver, as training leaves behind
        outputs = tf.gather(weights, tf.maximum(table.lookup(words), 0))
        session.run([v1.global_variables_initializer(), v1.tables_initializer()])
        builder = v1.saved_model.Builder(str(path))
        inputs = {"words": v1.saved_model.build_tensor_info(words)}
        results = {"out": v1.saved_model.build_tensor_info(outputs)}
        signature = v1.saved_model.build_signature_def(inputs, results, "predict")
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            {"serving_default": signature},
            assets_collection=v1.get_collection(v1.GraphKeys.ASSET_FILEPATHS),
            main_op=v1.tables_initializer(),
        )
        builder.save()
    return path


def save_jax(path: Path) -> Path:
    jax = pytest.importorskip("jax", reason="needs jax")
    jax2tf = pytest.importorskip("jax.experimental.jax2tf", reason="needs jax2tf")
    spec = [tf.TensorSpec((4, 4), tf.float32)]
    module = tf.Module()
    module.call = tf.function(jax2tf.convert(jax.numpy.tanh), autograph=False, input_signature=spec)
    tf.saved_model.save(module, str(path))
    return path


BENIGN = [
    models.save_mul,
    models.save_text,
    models.save_trainable,
    models.save_dict,
    models.save_signatures,
    models.save_tf1_hub,
    save_keras,
    save_tf_keras,
    save_string_lookup,
    save_text_tokenizer,
    save_control_flow_and_datasets,
    save_tf1_with_table,
    save_jax,
]


@pytest.mark.parametrize("save", BENIGN, ids=lambda save: save.__name__)
def test_what_tensorflow_saves_passes(tmp_path: Path, save: Callable[[Path], Path]) -> None:
    directory = save(tmp_path / "model")
    assert safety.scan(read(directory), safety.list_assets(directory)) == ()
    require_safe(directory)
