"""Nodes that hold values."""

from __future__ import annotations

from typing import Any

import numpy as np

from anyhub.errors import SavedModelError
from anyhub.graph.ir import Node, attr_value
from anyhub.savedmodel.dtypes import dtype_of_array
from anyhub.savedmodel.tensors import tensor_proto


def constant(name: str, value: Any, controls: tuple[str, ...] = ()) -> Node:
    """Make a Const node.

    Args:
        name: Its name.
        value: Its value, an array or scalar.
        controls: Nodes that have to run before it.

    Raises:
        SavedModelError: No element type stores the value.
    """
    array = np.asarray(value)
    number = dtype_of_array(array).number
    if array.dtype.kind == "O" and any(not isinstance(v, bytes | str) for v in array.ravel()):
        raise SavedModelError(f"constant {name!r} is neither numbers nor strings")
    attrs = {"dtype": attr_value(type=number), "value": attr_value(tensor=tensor_proto(array))}
    return Node(name, "Const", (), controls, attrs)
