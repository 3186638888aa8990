"""TensorFlow and the messages of `anyhub.savedmodel.schema` live in one process, in any order.

Both define the same messages; two definitions of one name in protobuf's default pool end the
process. Each case is a process of its own, where the message classes can clash for the first time.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import anyhub

HAS_TENSORFLOW = importlib.util.find_spec("tensorflow") is not None
needs_tensorflow = pytest.mark.skipif(not HAS_TENSORFLOW, reason="TensorFlow is not installed")
SOURCES = str(Path(anyhub.__file__).parents[1])

SAVE = """
import sys
import tensorflow as tf
class Model(tf.Module):
    def __init__(self):
        self.weight = tf.Variable([2.0, 3.0], name="weight")
    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="x")])
    def __call__(self, x):
        return {"y": x * self.weight}
model = Model()
tf.saved_model.save(model, sys.argv[1], signatures=model.__call__)
"""
STEPS = {
    "anyhub": "from anyhub.savedmodel.reading import read",
    "tensorflow": "import tensorflow as tf",
    "read": """
model = read(sys.argv[1])
graph = model.graph()
(trace,) = graph.restored_functions["__call__"].concrete_functions
(variable,) = model.variables()
results["read"] = [
    sorted(graph.signatures),
    str(trace.input_signature[0][0]),
    variable.name,
    model.store.read(variable.key).tolist(),
]""",
    "load": """
loaded = tf.saved_model.load(sys.argv[1])
results["load"] = loaded(tf.constant([[1.0, 10.0]]))["y"].numpy().tolist()
""",
    "save": """
tf.saved_model.save(loaded, sys.argv[1] + "/again")
results["save"] = sorted(read(sys.argv[1] + "/again").graph().signatures)
""",
}
RESULTS = {
    "read": [["serving_default"], "float32 (?, 2)", "weight", [2.0, 3.0]],
    "load": [[2.0, 30.0]],
    "save": ["serving_default"],
}
ORDERS = (
    "anyhub read tensorflow load save",
    "tensorflow load anyhub read save",
    "anyhub tensorflow read load read",
    "tensorflow anyhub load read load",
)


def run(code: str, *arguments: str, **settings: str) -> str:
    path = os.pathsep.join((SOURCES, os.environ.get("PYTHONPATH", "")))
    environment = os.environ | {"PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"} | settings
    result = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("model")
    run(SAVE, str(directory))
    return directory


@needs_tensorflow
@pytest.mark.parametrize(
    ("order", "protobuf"),
    [*((order, "") for order in ORDERS), *((order, "python") for order in ORDERS[:2])],
)
def test_neither_harms_the_other(model: Path, order: str, protobuf: str) -> None:
    steps = "\n".join(STEPS[name] for name in order.split())
    kind = "from google.protobuf.internal import api_implementation as kind\n"
    code = f"import json, sys\nresults = {{}}\n{kind}{steps}\nresults['kind'] = kind.Type()"
    settings = {"PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": protobuf} if protobuf else {}
    output = run(f"{code}\nprint(json.dumps(results))", str(model), **settings)
    results = json.loads(output.splitlines()[-1])
    assert results.pop("kind") == (protobuf or "upb")
    assert results == {name: RESULTS[name] for name in order.split() if name in RESULTS}


def test_reading_imports_no_framework() -> None:
    code = "import sys; from anyhub.savedmodel.reading import read; print(*sorted(sys.modules))"
    names = {name.partition(".")[0] for name in run(code).split()}
    assert "anyhub" in names
    assert not names & {"tensorflow", "keras", "tf_keras", "jax", "torch"}


def test_our_messages_stay_out_of_the_shared_pool() -> None:
    code = """
from google.protobuf import descriptor_pool
from anyhub.savedmodel import schema
for name in (schema.SavedModel.DESCRIPTOR.full_name, "tensorflow.SavedModel"):
    try:
        descriptor_pool.Default().FindMessageTypeByName(name)
        print("found", name)
    except KeyError:
        print("missing")
"""
    assert run(code).split() == ["missing", "missing"]


@pytest.mark.parametrize("protobuf", ["upb", "python"])
def test_both_implementations_of_protobuf_parse(protobuf: str) -> None:
    code = """
from pathlib import Path
from anyhub.savedmodel import schema
from anyhub.savedmodel.reading import parse
proto = schema.SavedModel()
proto.meta_graphs.add().meta_info_def.tags.append("serve")
proto.meta_graphs[0].graph_def.node.add(name="x", op="Const").attr["dtype"].type = 1
for name in ("saved_model.pb", "saved_model.pbtxt"):
    data = str(proto).encode() if name.endswith("txt") else proto.SerializeToString()
    assert parse(data, Path(name)) == proto
from google.protobuf.internal import api_implementation
print(api_implementation.Type())
"""
    assert run(code, PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION=protobuf).strip() == protobuf
