"""Variables of a model as Keras variables, made when they are first needed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import keras
from keras.src.backend.common.stateless_scope import in_stateless_scope

from anyhub.engines.portable import values
from anyhub.engines.portable.backends import primitives
from anyhub.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable

    from anyhub.graph.const_call import Array

_core = primitives("core")


class VariableHandle:
    """What a graph's resource input stands for: a variable.

    Args:
        name: Its name, e.g. "dense/kernel".
        dtype: Its element type, e.g. "float32".
        trainable: Whether it is meant to be trained.
        load: Reads its initial value.
    """

    def __init__(self, name: str, dtype: str, trainable: bool, load: Callable[[], Array]) -> None:
        self.name = name
        self.dtype = dtype
        # Frameworks differentiate by numbers with fractions only.
        self.trainable = trainable and "float" in dtype
        self._load = load
        self._variable: keras.Variable | None = None
        self._lock = threading.Lock()

    @property
    def is_loaded(self) -> bool:
        """Whether the value has been read."""
        return self._variable is not None

    @property
    def variable(self) -> keras.Variable:
        """The Keras variable that holds the value."""
        if self._variable is None:
            with self._lock:
                # Another thread may have made it meanwhile.
                if self._variable is None:
                    # Keras makes no variables in some scopes; scopes are a thread's own.
                    self._variable = _in_thread(self._make) if _is_in_scope() else self._make()
        return self._variable

    def initial_value(self) -> Array:
        """The value in the model's files."""
        return self._load()

    def read(self) -> Any:
        """The value now, of the variable's own element type as far as the backend has it now.

        Raises:
            EngineError: It holds 64-bit integers where there are only 32 bits.
        """
        value = _core.read_variable(self.variable)
        kept = self.variable.dtype
        if "int" in kept and values.device_dtype(kept) != kept:
            value = self._narrowed(value)
        return values.cast(value, self.dtype)

    def _narrowed(self, value: Any) -> Any:
        if values.is_traced(value):
            raise EngineError(
                f"variable {self.name!r} is kept in 64-bit integers, and JAX "
                "computes without 64-bit types here; run jax.config.update('jax_enable_x64', True) "
                "first, or call the model outside of your own jax.jit"
            )
        return values.to_device(values.to_host(value))

    def check(self, value: Any) -> None:
        """Refuse a value that the variable cannot hold.

        Raises:
            EngineError: It holds integers that do not fit where the variable has 32 bits.
        """
        if self.variable.dtype != self.dtype and not values.is_traced(value):
            _core.check_fits(value, self.variable.dtype)

    def write(self, value: Any) -> None:
        """Change the value.

        Raises:
            EngineError: `check` refuses it.
        """
        self.check(value)
        variable = self.variable
        if values.is_traced(value):
            variable.assign(values.cast(value, variable.dtype))
            return
        with _core.wide_types():
            _core.write_variable(variable, values.cast(values.to_device(value), variable.dtype))

    def _make(self) -> keras.Variable:
        value = self._load()
        if self.dtype in {"string", *_core.NO_VARIABLES}:
            raise EngineError(
                f"variable {self.name!r} is of type {self.dtype}, of which Keras has no variables "
                "on this backend; load the model with engine='tensorflow'"
            )
        # Before 64-bit types are switched on: it looks at what the user has chosen.
        dtype = _core.variable_dtype(self.dtype, value)
        with _core.wide_types(), _core.eagerly():
            return keras.Variable(
                values.to_device(value),
                dtype=dtype,
                trainable=self.trainable,
                autocast=False,
                name=self.name.replace("/", "_") or None,
            )


def _is_in_scope() -> bool:
    return bool(in_stateless_scope()) or bool(_core.infers_shapes())


def _in_thread(make: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(make).result()
