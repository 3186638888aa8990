"""Writes `src/anyhub/graph/op_defs.jsonl`: the ops of TensorFlow and tensorflow_text.

Run in the main environment: `python tools/make_op_defs.py`. After a line that says what it is, a
line an op, a JSON list:

    [name, inputs, outputs, attributes, is_stateful]

Arguments are "name:type", "name*attr:type" (as many as the integer attribute says) or "name**attr"
(one for each type in the attribute), where the type is an attribute or a number. Attributes map
their name to their default value, null if they have none: numbers, booleans, text, lists of them,
{"type": number}, {"shape": [sizes] or null}, {"tensor": base64 of the message} or {"func": name}.
"""

from __future__ import annotations

import base64
import datetime
import importlib
import json
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.framework import op_def_pb2
from tensorflow.python.client import pywrap_tf_session

OUTPUT = Path(__file__).parents[1] / "src" / "anyhub" / "graph" / "op_defs.jsonl"


def _argument(arg: Any) -> str:
    if arg.type_list_attr:
        return f"{arg.name}**{arg.type_list_attr}"
    count = f"*{arg.number_attr}" if arg.number_attr else ""
    return f"{arg.name}{count}:{arg.type_attr or arg.type}"


def _shape(proto: Any) -> dict[str, Any]:
    return {"shape": None if proto.unknown_rank else [dim.size for dim in proto.dim]}


def _value(value: Any) -> Any:  # noqa: PLR0911 - a case each
    kind = value.WhichOneof("value")
    match kind:
        case "s":
            return value.s.decode("latin-1")
        case "i" | "f" | "b":
            return getattr(value, kind)
        case "type":
            return {"type": value.type}
        case "shape":
            return _shape(value.shape)
        case "tensor":
            return {"tensor": base64.b64encode(value.tensor.SerializeToString()).decode()}
        case "func":
            return {"func": value.func.name}
        case "list":
            return _list(value.list)
    raise ValueError(f"default value of kind {kind}")


def _list(values: Any) -> list[Any]:
    items: list[Any] = [s.decode("latin-1") for s in values.s]
    items += [*values.i, *values.f, *values.b]
    items += [{"type": t} for t in values.type]
    return items + [_shape(shape) for shape in values.shape]


def _line(op: Any) -> str:
    inputs, outputs = ([_argument(a) for a in args] for args in (op.input_arg, op.output_arg))
    attributes = {
        a.name: _value(a.default_value) if a.HasField("default_value") else None for a in op.attr
    }
    row = [op.name, inputs, outputs, attributes, op.is_stateful]
    return json.dumps(row, separators=(",", ":"))


def main() -> None:
    """Write the file."""
    text = importlib.import_module("tensorflow_text")
    ops = op_def_pb2.OpList()
    ops.ParseFromString(bytes(pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList())))
    header = (
        f"Ops of TensorFlow {tf.__version__} and tensorflow_text {text.__version__}, written by "
        f"tools/make_op_defs.py on {datetime.date.today()}"
    )
    lines = [json.dumps(header), *sorted(_line(op) for op in ops.op)]
    OUTPUT.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
