"""From nothing to the first result, in a fresh process. Prints a line of JSON.

python first_result.py tensorflow|portable NAME DIRECTORY
"""

from __future__ import annotations

import json
import sys
import time

STARTED = time.perf_counter()


def main() -> None:
    """Load a model and call it once."""
    who, name, directory = sys.argv[1:]
    if who == "tensorflow":
        import tensorflow as tf

        load = tf.saved_model.load
    else:
        import keras

        import anyhub as hub
        import anyhub.engines.portable.loading
        import anyhub.savedmodel.bundle
        import anyhub.savedmodel.reading

        def load(path: str) -> object:
            return hub.load(path, engine="portable")

    from inputs import read_inputs

    batch = read_inputs(name)
    imported = time.perf_counter()
    model = load(directory)
    result = model(tf.constant(batch) if who == "tensorflow" else batch, training=False)
    _ = result.numpy() if who == "tensorflow" else keras.ops.convert_to_numpy(result)
    done = time.perf_counter()
    print(json.dumps({"with_import": done - STARTED, "without": done - imported}))


if __name__ == "__main__":
    main()
