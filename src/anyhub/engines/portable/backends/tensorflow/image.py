"""Resampling of images, on TensorFlow: its own kernels."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def kernel(op: str, inputs: tuple[str, ...], attrs: Mapping[str, Any]) -> Callable[..., Any] | None:
    """What the backend has for an op: the op, called with tensors in the order of its inputs."""
    raw = getattr(tf.raw_ops, op)
    # The op does not take element types that its inputs tell.
    known = inspect.signature(raw).parameters
    rest = {name: value for name, value in attrs.items() if name in known}
    return lambda *tensors: raw(**dict(zip(inputs, tensors, strict=True)), **rest)


def compiled(function: Callable[..., Any], static: tuple[int, ...]) -> Callable[..., Any]:  # noqa: ARG001
    """A function of many small ops, as it is."""
    return function


def take(images: Any, indices: Any, axis: int) -> Any:
    """Slices along an axis by an array of NumPy that is in range."""
    return tf.gather(images, indices, axis=axis)


def take_rows(rows: Any, indices: Any) -> Any:
    """Rows of a matrix by a tensor that is in range."""
    return tf.gather(rows, indices)


def contract(images: Any, matrix: Any, axis: int) -> Any:
    """Multiply an axis by a matrix [new size, size]."""
    product = tf.tensordot(images, matrix, axes=[[axis], [1]])
    order = list(range(len(images.shape) - 1))
    order.insert(axis, len(order))
    return tf.transpose(product, order)


def pullback(function: Callable[[Any], Any], argument: Any, grads: Any) -> Any:
    """Derivatives by the argument of a function's result times `grads`."""
    with tf.GradientTape() as tape:
        tape.watch(argument)
        result = function(argument)
    return tape.gradient(result, argument, output_gradients=grads)


def rounded(product: Any) -> Any:
    """A product that is rounded before it is added to, as any is."""
    return product


def divided(tensor: Any, by: float) -> Any:
    """A quotient."""
    return tensor / by
