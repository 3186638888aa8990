"""Between NumPy and torch."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import ml_dtypes
import numpy as np
import torch
from keras.src.backend.common.stateless_scope import in_stateless_scope
from keras.src.backend.torch.core import get_device, to_torch_dtype

from anyhub.engines.portable.errors import HostValueError
from anyhub.errors import EngineError

# Types that NumPy has from ml_dtypes travel as integers of their width.
_CARRIERS = {
    "bfloat16": (torch.bfloat16, np.int16, torch.int16),
    "float8_e4m3fn": (torch.float8_e4m3fn, np.int8, torch.int8),
    "float8_e5m2": (torch.float8_e5m2, np.int8, torch.int8),
}
_NAMES = {dtype: name for name, (dtype, _, _) in _CARRIERS.items()}

NO_VARIABLES = frozenset({"uint64"})
"""Element types of which Keras has no variables here."""


def device_dtype(name: str) -> str:
    """The type that stands for a type now: itself."""
    return name


def is_traced(value: Any) -> bool:
    """Whether a value has no data, as in shape inference."""
    return isinstance(value, torch.Tensor) and value.device.type == "meta"


def to_host(value: Any) -> Any:
    """A tensor's value."""
    if value.device.type == "meta":
        raise HostValueError(
            f"a value of type {value.dtype} {tuple(value.shape)} is needed while shapes are "
            "inferred"
        )
    value = value.detach().cpu()
    if value.dtype in _NAMES:
        name = _NAMES[value.dtype]
        return value.view(_CARRIERS[name][2]).numpy().view(getattr(ml_dtypes, name))
    return value.resolve_conj().resolve_neg().numpy()


def to_device(value: Any) -> Any:
    """A tensor on Keras' device."""
    if value.dtype.hasobject:
        raise EngineError("strings stay on the host; torch has no type for them")
    # Constants outlive the mode in which they are first needed.
    with eagerly():
        return _tensor(value)


def _tensor(value: Any) -> Any:
    # torch would use the array in place: later changes of it would show.
    value = value.copy(order="C")
    carrier = _CARRIERS.get(value.dtype.name)
    if carrier is not None:
        dtype, numpy_dtype, _ = carrier
        return torch.from_numpy(value.view(numpy_dtype)).view(dtype).to(get_device())
    try:
        return torch.from_numpy(value).to(get_device())
    except TypeError as error:
        raise EngineError(f"torch has no element type {value.dtype.name!r}") from error


def cast(tensor: Any, dtype: str) -> Any:
    """Convert, complex numbers to their real part."""
    wanted = torch_dtype(dtype)
    if tensor.dtype == wanted:
        return tensor
    if tensor.is_complex() and not wanted.is_complex:
        tensor = torch.real(tensor)
    return tensor.to(wanted)


def torch_dtype(name: str) -> Any:
    """Torch's type of a name.

    Raises:
        EngineError: It has none.
    """
    found = getattr(torch, name, None)
    if isinstance(found, torch.dtype):
        return found
    try:
        return to_torch_dtype(name)
    except ValueError as error:
        raise EngineError(f"torch has no element type {name!r}") from error


def dtype_name(tensor: Any) -> str:
    """The name of the element type."""
    return str(tensor.dtype).removeprefix("torch.")


def wide_types() -> AbstractContextManager[Any]:
    """A context in which 64-bit types are what they are: they always are."""
    return nullcontext()


def eagerly() -> AbstractContextManager[Any]:
    """A context in which ops are computed at once, and whose tensors can be trained."""
    is_inference: bool = torch.is_inference_mode_enabled()
    context: AbstractContextManager[Any] = (
        torch.inference_mode(False) if is_inference else nullcontext()
    )
    return context


def can_keep(array: Any) -> bool:  # noqa: ARG001 - other backends look at it
    """Whether the tensor of an array is the same at any time."""
    return bool(get_device() != "meta")


def infers_shapes() -> bool:
    """Whether tensors that are made now would have no data."""
    return bool(get_device() == "meta")


def guarded(node: Any, compute: Any, is_raw: bool) -> Any:  # noqa: ARG001 - see tensorflow's
    """The function of a node, with a way out where a host value is not known."""
    return compute


def variable_dtype(name: str, value: Any) -> str:  # noqa: ARG001 - JAX looks at the value
    """The element type of the Keras variable for a variable: the same."""
    return name


def dense(tensor: Any) -> Any:
    """The tensor itself: Keras has no sparse ones on torch."""
    return tensor


def check_fits(value: Any, dtype: str) -> None:
    """Refuse integers that do not fit: all do."""


def apart(results: list[Any], captures: Any) -> list[Any]:
    """Results that share no memory with variables."""
    bases = [getattr(result, "_base", None) for result in results]
    if all(base is None for base in bases):
        return results
    held = {id(c.variable.value) for c in captures if getattr(c, "is_loaded", False)}
    return [
        result.clone() if id(base) in held else result
        for result, base in zip(results, bases, strict=True)
    ]


def is_transformed() -> bool:
    """Whether tensors stand for those of a transformation of `torch.func`."""
    return torch._C._functorch.peek_interpreter_stack() is not None


def read_variable(variable: Any) -> Any:
    """The value of a Keras variable as it is now, whatever is assigned later."""
    value = variable.value
    # The parameter itself would follow the variable, in what autograd remembers too.
    return value.view_as(value)


def write_variable(variable: Any, value: Any) -> None:
    """Change the value of a Keras variable.

    Its parameter gets another tensor: what was read before, and what autograd remembers, keeps
    the old one.
    """
    if in_stateless_scope():
        variable.assign(value)
        return
    if is_transformed():
        raise EngineError(
            f"variable {variable.name!r} is assigned inside of a transformation of torch.func, "
            "which has no place for it; call the model with training=False there, or outside"
        )
    variable.value.data = value.detach().clone()
