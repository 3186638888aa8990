"""SavedModels that tests make with TensorFlow; each function saves one and returns its path."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf

DIM = 4
WORDS = ("single-word", "long", "sentence.", "a")


class MulModel(tf.train.Checkpoint):
    """The reusable model of the documentation: multiplies by a trained scalar."""

    def __init__(self, v_init: float) -> None:
        super().__init__()
        self.v = tf.Variable(v_init)
        self.variables = [self.v]
        self.trainable_variables = [self.v]
        self.regularization_losses = [
            tf.function(input_signature=[])(lambda: 0.001 * self.v**2),
        ]

    @tf.function(input_signature=[tf.TensorSpec(shape=None, dtype=tf.float32)])
    def __call__(self, inputs):
        return tf.multiply(inputs, self.v)


class TextEmbedding(tf.train.Checkpoint):
    """Strings to vectors by a vocabulary file that is an asset."""

    def __init__(self, vocabulary: Path) -> None:
        super().__init__()
        initializer = tf.lookup.TextFileInitializer(
            str(vocabulary),
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        )
        self.table = tf.lookup.StaticVocabularyTable(initializer, num_oov_buckets=1)
        rows = len(WORDS) + 1
        values = tf.reshape(tf.range(rows * DIM, dtype=tf.float32), (rows, DIM)) / 10
        self.table_of_vectors = tf.Variable(values)
        self.variables = [self.table_of_vectors]
        self.trainable_variables = [self.table_of_vectors]

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def __call__(self, sentences):
        words = tf.strings.split(tf.strings.lower(sentences))
        ids = tf.ragged.map_flat_values(self.table.lookup, words)
        vectors = tf.gather(self.table_of_vectors, ids)
        return tf.reduce_mean(vectors, axis=1)


class TrainableNet(tf.train.Checkpoint):
    """A dense layer, batch normalization and dropout, with a regularizer.

    The inference of `moving_mean` tells which trace ran: only the training trace changes it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.kernel = tf.Variable(tf.reshape(tf.linspace(-1.0, 1.0, 12), (3, DIM)), name="kernel")
        self.gamma = tf.Variable(tf.ones(DIM), name="gamma")
        self.moving_mean = tf.Variable(tf.zeros(DIM), name="moving_mean", trainable=False)
        self.variables = [self.kernel, self.gamma, self.moving_mean]
        self.trainable_variables = [self.kernel, self.gamma]
        self.regularization_losses = [
            tf.function(input_signature=[])(lambda: 0.01 * tf.reduce_sum(self.kernel**2)),
            tf.function(input_signature=[])(lambda: 0.5 * tf.reduce_sum(self.gamma)),
        ]

    @tf.function
    def __call__(self, inputs, training=False, rate=0.5):
        x = tf.matmul(inputs, self.kernel)
        if training:
            mean = tf.reduce_mean(x, axis=0)
            self.moving_mean.assign_add(0.1 * (mean - self.moving_mean))
            x = tf.nn.dropout(x - mean, rate)
        else:
            x -= self.moving_mean
        return x * self.gamma


class ManyArguments(tf.train.Checkpoint):
    """Functions that take and return lists and dicts."""

    def __init__(self) -> None:
        super().__init__()
        self.w = tf.Variable(2.0)
        self.variables = [self.w]
        self.trainable_variables = [self.w]


class DictModel(ManyArguments):
    """A dict in, a dict out."""

    @tf.function
    def __call__(self, inputs):
        total = inputs["ids"] + inputs["mask"]
        return {"pooled": tf.cast(total, tf.float32) * self.w, "raw": total}


class ListModel(ManyArguments):
    """A list in, a list out."""

    @tf.function
    def __call__(self, inputs):
        return [inputs[0] * self.w, inputs[1] + inputs[0]]


def save_mul(path: Path, value: float = 2.0) -> Path:
    tf.saved_model.save(MulModel(value), str(path))
    return path


def save_text(path: Path) -> Path:
    vocabulary = path.with_suffix(".vocabulary.txt")
    vocabulary.parent.mkdir(parents=True, exist_ok=True)
    vocabulary.write_text("\n".join(WORDS) + "\n")
    tf.saved_model.save(TextEmbedding(vocabulary), str(path))
    # What was saved must not depend on what it was made from.
    vocabulary.unlink()
    return path


def save_trainable(path: Path) -> Path:
    model = TrainableNet()
    spec = tf.TensorSpec([None, 3], tf.float32, name="inputs")
    for training in (True, False):
        model.__call__.get_concrete_function(spec, training=training)
        model.__call__.get_concrete_function(spec, training=training, rate=0.0)
    signature = model.__call__.get_concrete_function(spec, training=False)
    tf.saved_model.save(model, str(path), signatures={"serving_default": signature})
    return path


def save_dict(path: Path) -> Path:
    model = DictModel()
    spec = tf.TensorSpec([None, 2], tf.int64)
    model.__call__.get_concrete_function({"ids": spec, "mask": spec})
    tf.saved_model.save(model, str(path))
    return path


def save_list(path: Path) -> Path:
    model = ListModel()
    spec = tf.TensorSpec([None, 2], tf.float32)
    model.__call__.get_concrete_function([spec, spec])
    tf.saved_model.save(model, str(path))
    return path


def save_signatures(path: Path) -> Path:
    """Two signatures and no `__call__`."""
    module = tf.Module()
    module.w = tf.Variable(3.0)
    spec = tf.TensorSpec([None], tf.float32, name="x")
    one = tf.function(lambda x: {"y": x * module.w, "z": -x}, input_signature=[spec])
    two = tf.function(lambda a, b: {"sum": a + b})
    other = tf.TensorSpec([None], tf.float32, name="b")
    first = tf.TensorSpec([None], tf.float32, name="a")
    signatures = {"serving_default": one, "add": two.get_concrete_function(first, other)}
    module.one = one
    tf.saved_model.save(module, str(path), signatures=signatures)
    return path


def save_tf1_hub(path: Path, version: float = 2.0) -> Path:
    """A model of the TF1 Hub format: two variants, signature and output `default`."""
    tf1 = tf.compat.v1
    builder = tf1.saved_model.Builder(str(path))
    for tags in ([], ["train"]):
        with tf.Graph().as_default(), tf1.Session() as session:
            x = tf1.placeholder(tf.float32, [None], name="x")
            w = tf1.get_variable("w", initializer=version)
            y = x * w + (1.0 if tags else 0.0)
            session.run(tf1.global_variables_initializer())
            signature = tf1.saved_model.signature_def_utils.build_signature_def(
                {"default": tf1.saved_model.utils.build_tensor_info(x)},
                {"default": tf1.saved_model.utils.build_tensor_info(y)},
            )
            if not tags:
                builder.add_meta_graph_and_variables(session, tags, {"default": signature})
            else:
                builder.add_meta_graph(tags, {"default": signature})
    builder.save()
    # Field 1 (format) = 3: what the original library writes.
    (path / "tfhub_module.pb").write_bytes(b"\x08\x03")
    return path
