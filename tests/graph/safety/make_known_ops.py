"""Writes `src/anyhub/graph/safety/known_ops.txt`: every op of TensorFlow and tensorflow_text.

Run it in the `main` environment after an update of TensorFlow, then read what is new: the tests of
the tables name the ops that somebody has to judge.

    python tests/graph/safety/make_known_ops.py
"""

from __future__ import annotations

import datetime
from pathlib import Path

import tensorflow as tf
import tensorflow_text
from tensorflow.core.framework import op_def_pb2
from tensorflow.python.client import pywrap_tf_session

TARGET = Path(__file__).resolve().parents[3] / "src/anyhub/graph/safety/known_ops.txt"


def main() -> None:
    buffer = pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList())
    names = sorted(op.name for op in op_def_pb2.OpList.FromString(buffer).op)
    versions = (
        f"TensorFlow {tf.__version__} (CPU) and tensorflow_text {tensorflow_text.__version__}"
    )
    header = [
        f"# Ops of {versions}, {len(names)} in all.",
        f"# Written by tests/graph/safety/make_known_ops.py on {datetime.date.today()}.",
    ]
    TARGET.write_text("\n".join([*header, *names]) + "\n", "utf-8")


if __name__ == "__main__":
    main()
