"""Branches, loops, lists and custom gradients under JAX's traces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax.extend.core import jaxpr_as_fun

from anyhub.engines.portable.backends.jax.core import cast

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Step = Callable[..., list[Any]]

TRACING_ERRORS: tuple[type[Exception], ...] = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)
"""What is raised where Python needs a value that is not known yet."""


def is_compiling() -> bool:
    """Whether ops are taken down now instead of computed."""
    with jax.ensure_compile_time_eval():
        zero = jnp.zeros((), jnp.int32)
    return isinstance(jax.lax.neg(zero), jax.core.Tracer)


def is_tensor(value: Any) -> bool:
    """Whether a value is an array of JAX, or stands for one."""
    return isinstance(value, (jax.Array, jax.ShapeDtypeStruct))


def stage(function: Step, tensors: Sequence[Any]) -> tuple[Step, list[Any]]:
    """Take down what a function computes.

    Returns:
        A function that computes it, and what has the outputs' shapes and types.
    """
    closed, shapes = jax.make_jaxpr(function, return_shape=True)(*tensors)
    return jaxpr_as_fun(closed), shapes


def of_form(tensor: Any, dtype: str, shape: Any) -> Any:  # noqa: ARG001 - always known
    """A tensor as branches and loops need it: of a type, and of no more than known sizes."""
    return cast(tensor, dtype)


def switch(index: Any, functions: Sequence[Step]) -> list[Any]:
    """Compute one of several functions; the last where there is none of that number."""
    last = len(functions) - 1
    index = jnp.where((index < 0) | (index > last), last, index)
    return list(jax.lax.switch(index, [lambda f=f: list(f()) for f in functions]))


def repeat(count: int, step: Step, tensors: Sequence[Any]) -> list[Any]:
    """Apply a function a number of times."""
    carry, _ = jax.lax.scan(lambda c, _: (list(step(*c)), None), list(tensors), None, length=count)
    return list(carry)


def loop(test: Callable[..., Any], step: Step, tensors: Sequence[Any]) -> list[Any]:
    """Apply a function as long as a test holds."""
    found = jax.lax.while_loop(lambda c: test(*c), lambda c: list(step(*c)), list(tensors))
    return list(found)


def nonzero(tensor: Any) -> Any:
    """Whether a number is not zero."""
    return tensor if tensor.dtype == bool else tensor != 0


def element(buffer: Any, index: Any) -> Any:
    """A slice along the first axis."""
    return jax.lax.dynamic_index_in_dim(buffer, index, keepdims=False, allow_negative_indices=False)


def parts(buffer: Any) -> Sequence[Any] | None:  # noqa: ARG001 - see torch's
    """All slices along the first axis; None if they are better taken one by one."""
    return None


def with_element(buffer: Any, index: Any, value: Any) -> Any:
    """A tensor with another slice at a place of the first axis."""
    return jax.lax.dynamic_update_index_in_dim(
        buffer, value, index, 0, allow_negative_indices=False
    )


def stack(tensors: Sequence[Any]) -> Any:
    """Tensors along a new first axis."""
    return jnp.stack(tensors)


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
    if not any(isinstance(tensor, jax.core.Tracer) for tensor in tensors):
        return list(tensors)

    @jax.custom_vjp  # type: ignore[untyped-decorator]
    def identity(tensors: Any, _saved: Any) -> Any:
        return tensors

    def differentiate(saved: Any, upstream: Any) -> Any:
        # JAX's derivatives by complex numbers are the conjugates of TensorFlow's.
        found = backward([jnp.conj(g) for g in upstream], saved)
        return (
            [
                jnp.zeros_like(g) if f is None else jnp.conj(f)
                for f, g in zip(found, upstream, strict=True)
            ],
            None,
        )

    identity.defvjp(lambda tensors, saved: (tensors, saved), differentiate)
    return list(identity(list(tensors), list(saved)))
