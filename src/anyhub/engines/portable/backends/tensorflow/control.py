"""Branches, loops, lists and custom gradients in TensorFlow's functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Step = Callable[..., list[Any]]

# The last two come of sizes that are None in functions with a free batch size.
TRACING_ERRORS: tuple[type[Exception], ...] = (NotImplementedError, TypeError, ValueError)
"""What is raised where Python needs a value that is not known yet."""


def is_compiling() -> bool:
    """Whether ops are taken down now instead of computed."""
    return bool(tf.inside_function())


def is_tensor(value: Any) -> bool:
    """Whether a value is a tensor of TensorFlow."""
    return bool(tf.is_tensor(value))


def stage(function: Step, tensors: Sequence[Any]) -> tuple[Step, list[Any]]:
    """Take down what a function computes.

    Returns:
        A function that computes it, and what has the outputs' shapes and types.
    """
    specs = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in tensors]
    staged = tf.function(lambda *t: list(function(*t)), autograph=False)
    concrete = staged.get_concrete_function(*specs)
    return lambda *t: list(concrete(*t)), list(concrete.outputs)


def of_form(tensor: Any, dtype: str, shape: Any) -> Any:
    """A tensor as branches and loops need it: of a type, and of no more than known sizes."""
    if tensor.dtype != tf.variant:
        tensor = tf.cast(tensor, dtype)
    if tensor.shape.is_fully_defined() and None in shape:
        return tf.compat.v1.placeholder_with_default(tensor, shape)
    return tensor


def switch(index: Any, functions: Sequence[Step]) -> list[Any]:
    """Compute one of several functions; the last where there is none of that number."""
    # A branch without outputs would be dropped together with what it does, which is nothing.
    return list(
        tf.switch_case(tf.cast(index, tf.int32), [lambda f=f: list(f()) for f in functions])
    )


def repeat(count: int, step: Step, tensors: Sequence[Any]) -> list[Any]:
    """Apply a function a number of times."""
    _, *found = tf.while_loop(
        lambda i, *_: i < count,
        lambda i, *c: [i + 1, *step(*c)],
        [tf.constant(0), *tensors],
        maximum_iterations=count,
    )
    return list(found)


def loop(test: Callable[..., Any], step: Step, tensors: Sequence[Any]) -> list[Any]:
    """Apply a function as long as a test holds."""
    return list(tf.while_loop(test, lambda *c: list(step(*c)), list(tensors)))


def nonzero(tensor: Any) -> Any:
    """Whether a number is not zero."""
    return tensor if tensor.dtype == tf.bool else tf.not_equal(tensor, tf.zeros_like(tensor))


def element(buffer: Any, index: Any) -> Any:
    """A slice along the first axis."""
    return buffer[index] if isinstance(index, int) else tf.gather(buffer, index)


def parts(buffer: Any) -> Sequence[Any] | None:  # noqa: ARG001 - see torch's
    """All slices along the first axis; None if they are better taken one by one."""
    return None


def with_element(buffer: Any, index: Any, value: Any) -> Any:
    """A tensor with another slice at a place of the first axis."""
    return tf.tensor_scatter_nd_update(buffer, [[index]], value[None])


def stack(tensors: Sequence[Any]) -> Any:
    """Tensors along a new first axis."""
    return tf.stack(list(tensors))


def with_gradient(
    tensors: Sequence[Any],
    saved: Sequence[Any],
    backward: Callable[[Sequence[Any], Sequence[Any]], Sequence[Any]],
) -> list[Any]:
    """The same tensors, whose derivatives a function gives.

    Args:
        tensors: The tensors.
        saved: What the function needs besides.
        backward: Gets the derivatives of the results and what was saved; gives derivatives of the
            tensors, None for zero.
    """
    count = len(tensors)

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def identity(*everything: Any) -> Any:
        kept = everything[count:]

        def differentiate(*upstream: Any) -> Any:
            return [*backward(upstream, kept), *[None] * len(kept)]

        return [tf.identity(tensor) for tensor in everything[:count]], differentiate

    return list(identity(*tensors, *saved))
