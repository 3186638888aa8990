"""TensorFlow's ops as functions of positional inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def raw(op: str, *names: str) -> Callable[..., Any]:
    """TensorFlow's op as a function of positional inputs.

    Args:
        op: Its name.
        *names: Its inputs' names.
    """
    function = getattr(tf.raw_ops, op)
    return lambda *inputs: function(**dict(zip(names, inputs, strict=True)))


def raws(ops: str, names: Iterable[str]) -> dict[str, Callable[..., Any]]:
    """TensorFlow's ops that have inputs of the same names.

    Args:
        ops: Names with spaces between.
        names: The inputs' names.
    """
    return {op: raw(op, *names) for op in ops.split()}
