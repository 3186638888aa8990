"""Compacts a model, and compares what TensorFlow computes with the original and the result.

python opening/shrinking.py compact DIRECTORY SMALLER
python opening/shrinking.py compare DIRECTORY SMALLER
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

SEED = 7
BATCH = 2


def compact(directory: str, smaller: str) -> dict[str, Any]:
    """Write the smaller model."""
    from anyhub import savedmodel
    from anyhub.graph.compact import compact as run

    started = time.perf_counter()
    done = run(savedmodel.read(directory), smaller)
    return {
        "seconds": time.perf_counter() - started,
        "shared_bytes": done.shared_bytes,
        "before": size(directory),
        "after": size(smaller),
    }


def compare(directory: str, smaller: str) -> dict[str, Any]:
    """Load both with TensorFlow and call both with the same random inputs."""
    import numpy as np
    import tensorflow as tf

    original = tf.saved_model.load(directory).signatures["serving_default"]
    specs = original.structured_input_signature[1]
    inputs = {name: random(spec) for name, spec in sorted(specs.items())}
    expected = {name: value.numpy() for name, value in original(**inputs).items()}
    del original
    found = tf.saved_model.load(smaller).signatures["serving_default"](**inputs)
    if set(found) != set(expected):
        raise SystemExit(f"outputs {sorted(found)} instead of {sorted(expected)}")
    differences = [np.max(np.abs(found[name].numpy() - expected[name])) for name in expected]
    spread = max(float(np.ptp(value)) for value in expected.values())
    return {"max_difference": float(max(differences)), "output_range": spread}


def random(spec: Any) -> Any:
    """An input that a spec accepts: 0 and 1, which words and masks are, or colours."""
    import numpy as np
    import tensorflow as tf

    generator = np.random.default_rng(SEED)
    shape = [size or BATCH for size in spec.shape]
    if spec.dtype.is_integer:
        return tf.constant(generator.integers(0, 2, shape), spec.dtype)
    return tf.constant(255 * generator.random(shape), spec.dtype)


def size(directory: str) -> int:
    """The size of all files of a model."""
    return sum(path.stat().st_size for path in Path(directory).rglob("*") if path.is_file())


if __name__ == "__main__":
    action, *places = sys.argv[1:]
    print("RESULT", json.dumps({"compact": compact, "compare": compare}[action](*places)))
