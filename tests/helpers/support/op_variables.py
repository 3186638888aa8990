"""Ops on variables: what TensorFlow does to them, and what the portable engine does.

One model holds a function with variables of its own for each case; TensorFlow saves it, the engine
reads it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from anyhub.engines.portable import values
from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.planner import Planner
from anyhub.engines.portable.run import Run
from anyhub.engines.portable.variables import VariableHandle
from anyhub.graph.endpoint import Endpoint, endpoint_graph
from anyhub.graph.op_defs import find_op
from anyhub.graph.partitions import read_value
from anyhub.saved_model import read

if TYPE_CHECKING:
    from pathlib import Path

BACKEND = keras.backend.backend()
_RESOURCE = 20
_core = primitives("core")


@dataclass(frozen=True, eq=False)
class VariableCase:
    """An op with the variables that it gets, its other inputs, and its attributes.

    Attributes:
        op: Its name.
        variables: Initial values, for its resource inputs in order.
        inputs: Arrays by the names that `tf.raw_ops` gives them.
        attrs: Attributes as `tf.raw_ops` takes them.
        static: Names of inputs that are arrays even when compiled.
        tolerance: Relative and absolute tolerance.
        compiled: Whether it is run compiled as well.
    """

    op: str
    variables: list[np.ndarray]
    inputs: dict[str, Any] = field(default_factory=dict)
    attrs: dict[str, Any] = field(default_factory=dict)
    static: tuple[str, ...] = ()
    tolerance: tuple[float, float] = (1e-5, 1e-6)
    compiled: bool = True

    def __str__(self) -> str:
        arrays = "-".join(f"{v.dtype}{list(v.shape)}" for v in self.arrays())
        attrs = ",".join(f"{k}={v}" for k, v in self.attrs.items())
        return f"{self.op}({arrays}{';' if attrs else ''}{attrs})".replace(" ", "")[:120]

    def arrays(self) -> list[np.ndarray]:
        return [*self.variables, *map(np.asarray, self.inputs.values())]


class SavedCases:
    """A model with a function for each case, on disk and in TensorFlow."""

    def __init__(self, cases: list[VariableCase], path: Path) -> None:
        import tensorflow as tf

        self._cases = cases
        self.module = tf.Module()
        for index, case in enumerate(cases):
            variables = [tf.Variable(value, name=f"v{index}_{i}")
                         for i, value in enumerate(case.variables)]  # fmt: skip
            setattr(self.module, f"variables_{index}", variables)
            setattr(self.module, f"f{index}", _function(case, variables))
        tf.saved_model.save(self.module, str(path))
        self._model = read(path)

    def check(self, case: VariableCase) -> None:
        """Compare outputs and new values, op by op and compiled."""
        index = self._cases.index(case)
        expected = self._expected(index, case)
        endpoint = endpoint_graph(self._model, f"f{index}")
        with _core.wide_types():
            _compare(case, self._run(endpoint, case), expected, "eagerly")
            if case.compiled and BACKEND != "torch":
                _compare(case, self._run_compiled(endpoint, case), expected, "compiled")

    def _expected(self, index: int, case: VariableCase) -> tuple[np.ndarray, list[np.ndarray]]:
        import tensorflow as tf

        with tf.device("/CPU:0"):
            output = getattr(self.module, f"f{index}")(*map(tf.constant, case.inputs.values()))
        variables = getattr(self.module, f"variables_{index}")
        found = output.numpy(), [variable.numpy() for variable in variables]
        for variable, value in zip(variables, case.variables, strict=True):
            variable.assign(value)
        return found

    def _handles(self, endpoint: Endpoint) -> dict[str, VariableHandle]:
        found = {}
        for capture in endpoint.captures:
            variable = capture.variable
            assert variable is not None

            def load(variable: Any = variable) -> np.ndarray:
                return read_value(self._model, variable)

            dtype = variable.dtype.name
            name = variable.name or variable.path
            found[name] = VariableHandle(name, dtype, "float" in dtype, load)
        return found

    def _run(self, endpoint: Endpoint, case: VariableCase) -> Any:
        handles = self._handles(endpoint)
        run = Run()
        plan = Planner(endpoint.library).plan(endpoint.graph)
        (output,) = plan(run, *_inputs(case), *handles.values())
        run.commit()
        return output, [handles[name].read() for name in sorted(handles)]

    def _run_compiled(self, endpoint: Endpoint, case: VariableCase) -> Any:
        handles = self._handles(endpoint)
        plan = Planner(endpoint.library).plan(endpoint.graph)
        inputs = _inputs(case)
        moving = [value for value in inputs if not values.is_host(value)]

        def compute(current: Any, tensors: Any) -> Any:
            rest = iter(tensors)
            run = Run(dict(zip(handles.values(), current, strict=True)))
            arguments = [v if values.is_host(v) else next(rest) for v in inputs]
            (output,) = plan(run, *arguments, *handles.values())
            new = [run.read(handles[name]) for name in sorted(handles)]
            return values.to_device(output), new

        return _compiled(compute)([handle.read() for handle in handles.values()], moving)


def _function(case: VariableCase, variables: list[Any]) -> Any:
    import tensorflow as tf

    definition = find_op(case.op)
    names = [a.name for a in definition.inputs if a.type_number == _RESOURCE]

    def call(*inputs: Any) -> Any:
        resources = {n: v.handle for n, v in zip(names, variables, strict=True)}
        arguments = dict(zip(case.inputs, inputs, strict=True))
        found = getattr(tf.raw_ops, case.op)(**resources, **arguments, **case.attrs)
        return found if isinstance(found, tf.Tensor) else tf.constant(1)

    arrays = map(np.asarray, case.inputs.values())
    return tf.function(
        call, input_signature=[tf.TensorSpec(a.shape, a.dtype) for a in arrays], autograph=False
    )


def _inputs(case: VariableCase) -> list[Any]:
    return [
        np.asarray(value) if name in case.static else values.to_device(np.asarray(value))
        for name, value in case.inputs.items()
    ]


def _compiled(function: Any) -> Any:
    if BACKEND == "jax":
        import jax

        return jax.jit(function)
    import tensorflow as tf

    return tf.function(function, autograph=False)


def _compare(case: VariableCase, found: Any, expected: Any, how: str) -> None:
    (output, variables), (wanted, new) = found, expected
    pairs = [("output", output, wanted)]
    pairs += [(f"variable {i}", *pair) for i, pair in enumerate(zip(variables, new, strict=True))]
    for what, have, want in pairs:
        array, label = values.to_host(have), f"{case}: {what} {how}"
        assert array.dtype == want.dtype, f"{label}: {array.dtype}, TensorFlow {want.dtype}"
        assert array.shape == want.shape, f"{label}: {array.shape}, TensorFlow {want.shape}"
        rtol, atol = case.tolerance
        if array.dtype.kind in "fV":
            np.testing.assert_allclose(
                array.astype(np.float64), want.astype(np.float64), rtol, atol, err_msg=label
            )
        else:
            np.testing.assert_array_equal(array, want, err_msg=label)
