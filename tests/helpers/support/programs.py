"""Functions written with TensorFlow, saved, and run by the portable engine: results compared."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from anyhub.engines.portable import values
from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.gradients import CustomGradients
from anyhub.engines.portable.planner import Planner
from anyhub.engines.portable.run import Run
from anyhub.engines.portable.variables import VariableHandle
from anyhub.graph.endpoint import endpoint_graph, variable_values
from anyhub.saved_model import read

BACKEND = keras.backend.backend()
_core = primitives("core")


class Program:
    """An endpoint of a saved model.

    Args:
        path: The model's directory.
        endpoint: The endpoint.
    """

    def __init__(self, path: Path, endpoint: str = "f") -> None:
        self.path = path
        model = read(path)
        meta_graph = model.graph(None)
        places: dict[Any, VariableHandle] = {}
        gradients = CustomGradients(meta_graph, lambda number: places[number])
        library = gradients.library
        self.endpoint = endpoint_graph(model, endpoint, tags=None, library=library)
        self.graph = self.endpoint.graph
        arrays = variable_values(model, self.endpoint)
        self.handles = [
            VariableHandle(
                capture.name,
                capture.variable.dtype.name,
                capture.variable.trainable,
                partial(arrays.get, capture.name),
            )
            for capture in self.endpoint.captures
        ]
        places |= {c.node_id: h for c, h in zip(self.endpoint.captures, self.handles, strict=True)}
        self.plan = Planner(library, gradients).plan(self.graph)
        self.start = [arrays[capture.name] for capture in self.endpoint.captures]
        self.names = [capture.variable.name for capture in self.endpoint.captures]

    def __call__(
        self, arguments: Sequence[Any], state: Sequence[Any] | None = None
    ) -> tuple[list[Any], list[Any]]:
        """Outputs, and the values of variables afterwards."""
        if state is None:
            state = [values.to_device(value) for value in self.start]
        run = Run(dict(zip(self.handles, state, strict=True)))
        outputs = list(self.plan(run, *arguments, *self.handles))
        return outputs, [run.read(handle) for handle in self.handles]


@dataclass(frozen=True)
class Saved:
    """A function that was saved.

    Attributes:
        path: The model's directory.
        function: The function.
        module: What holds its variables.
    """

    path: Path
    function: Any
    module: Any


def save(path: Path, function: Callable[..., Any], *specs: Any, **tracked: Any) -> Saved:
    """Save a function of TensorFlow.

    Args:
        path: Where to.
        function: The function.
        *specs: Its arguments.
        **tracked: What it captures: variables and the like.
    """
    import tensorflow as tf

    module = tf.Module()
    for name, value in tracked.items():
        setattr(module, name, value)
    module.f = tf.function(function, input_signature=specs)
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=True)
    tf.saved_model.save(module, str(path), options=options)
    return Saved(path, module.f, module)


def check(
    saved: Saved | Path,
    *arrays: Any,
    endpoint: str = "f",
    static: Sequence[int] = (),
    compiled: bool = True,
    gradient: bool = True,
    tolerance: float = 2e-5,
    original: bool = False,
    eager_gradient: bool = True,
) -> Program:
    """Compare a saved function with TensorFlow: op by op, compiled, and its derivatives.

    Args:
        saved: The model.
        *arrays: The arguments.
        endpoint: Which function.
        static: Which arguments are arrays and not tensors.
        compiled: Whether it is run compiled too.
        gradient: Whether derivatives are compared.
        tolerance: How much results may differ.
        original: Whether TensorFlow runs the function as it was written, and not as it was saved.
        eager_gradient: Whether derivatives are compared that are computed op by op.
    """
    path = saved if isinstance(saved, Path) else saved.path
    program = Program(path, endpoint)
    arrays = tuple(np.asarray(array) for array in arrays)
    known = saved if original else _loaded(path, endpoint)
    wanted = _expected(known.function, arrays, program.names, gradient)
    arguments = [a if i in static else _placed(a) for i, a in enumerate(arrays)]
    _compare(program(arguments), wanted[:2], tolerance, "eagerly")
    if compiled and BACKEND != "torch":
        _compare(_compiled(program, arguments), wanted[:2], tolerance, "compiled")
    if gradient:
        modes = [False] * eager_gradient + [True] * (compiled and BACKEND != "torch")
        for mode in modes:
            found = derivatives(program, arguments, wanted[0], mode)
            label = "derivative, compiled" if mode else "derivative"
            _compare((found, []), (wanted[2], []), tolerance * 5, label)
    return program


def _placed(array: np.ndarray) -> Any:
    return array if array.dtype.hasobject else values.to_device(array)


def _loaded(path: Path, endpoint: str) -> Saved:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    is_signature = endpoint in loaded.signatures
    function = loaded.signatures[endpoint] if is_signature else loaded.f
    return Saved(path, function, loaded)


def _expected(
    function: Any, arrays: Sequence[np.ndarray], names: list[str], gradient: bool
) -> tuple[list[Any], list[Any], list[Any]]:
    import tensorflow as tf

    is_signature = not hasattr(function, "get_concrete_function")
    inputs = [tf.constant(array) for array in arrays]
    concrete = function if is_signature else function.get_concrete_function(*inputs)
    named = dict(zip(concrete.structured_input_signature[1], inputs, strict=False))
    variables = {v.name.removesuffix(":0"): v for v in concrete.variables}
    tracked = [variables[name] for name in names]
    floats = [t for t in (*inputs, *tracked) if t.dtype.is_floating]
    found = []
    with tf.GradientTape() if gradient else contextlib.nullcontext() as tape:
        if gradient:
            tape.watch(floats)
        outputs = tf.nest.flatten(function(**named) if is_signature else function(*inputs))
        if gradient:
            parts = [o for o in outputs if o.dtype.is_floating]
            total = sum(tf.reduce_sum(o * weights_of(o.numpy())) for o in parts)
    if gradient:
        found = tape.gradient(total, floats, unconnected_gradients="zero")
        found = [tf.convert_to_tensor(g).numpy() for g in found]
    return [o.numpy() for o in outputs], [v.numpy() for v in tracked], found


def weights_of(output: np.ndarray) -> np.ndarray:
    """Weights for a sum of an output's elements that tells them apart."""
    rng = np.random.default_rng(output.size)
    return rng.uniform(-1, 1, output.shape).astype(output.dtype)


def _compiled(program: Program, arguments: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    moving = [i for i, a in enumerate(arguments) if not values.is_host(a)]

    def compute(*tensors: Any) -> Any:
        outputs, state = program(_with(arguments, moving, tensors), tensors[len(moving) :])
        return [values.to_device(o) for o in outputs], state

    state = [values.to_device(value) for value in program.start]
    return compile_function(compute)(*[arguments[i] for i in moving], *state)


def _with(arguments: Sequence[Any], places: Sequence[int], tensors: Sequence[Any]) -> list[Any]:
    found = [*arguments]
    for place, tensor in zip(places, tensors, strict=False):
        found[place] = tensor
    return found


def compile_function(function: Any) -> Any:
    if BACKEND == "jax":
        import jax

        return jax.jit(function)
    import tensorflow as tf

    return tf.function(function, autograph=False)


def derivatives(
    program: Program, arguments: Sequence[Any], wanted: Sequence[np.ndarray], compiled: bool
) -> list[Any]:
    """Derivatives of a weighted sum of the outputs by arguments and variables."""
    places = [i for i, a in enumerate(arguments) if not values.is_host(a) and _is_float(a)]
    state = [values.to_device(value) for value in program.start]
    floats = [i for i, value in enumerate(state) if _is_float(value)]

    def total(*tensors: Any) -> Any:
        variables = _with(state, floats, tensors[len(places) :])
        outputs, _ = program(_with(arguments, places, tensors), variables)
        parts = [
            keras.ops.sum(values.to_device(o) * values.to_device(weights_of(w)))
            for o, w in zip(outputs, wanted, strict=True)
            if w.dtype.kind == "f"
        ]
        return sum(parts[1:], parts[0])

    tensors = [arguments[i] for i in places] + [state[i] for i in floats]
    return _gradients(total, tensors, compiled)


def _is_float(tensor: Any) -> bool:
    return "float" in values.dtype_name(tensor)


def _gradients(total: Any, tensors: list[Any], compiled: bool) -> list[Any]:
    if BACKEND == "jax":
        import jax

        function = jax.grad(total, argnums=tuple(range(len(tensors))))
        return list((jax.jit(function) if compiled else function)(*tensors))
    if BACKEND == "torch":
        import torch

        leaves = [t.detach().clone().requires_grad_(True) for t in tensors]
        found = torch.autograd.grad(total(*leaves), leaves, allow_unused=True)
        return [torch.zeros_like(t) if g is None else g for t, g in zip(leaves, found, strict=True)]
    import tensorflow as tf

    def function(*inputs: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            value = total(*inputs)
        found = tape.gradient(value, inputs, unconnected_gradients="zero")
        return [tf.convert_to_tensor(g) for g in found]

    return list((compile_function(function) if compiled else function)(*tensors))


def _compare(found: Any, wanted: Any, tolerance: float, label: str) -> None:
    for kind, have, want in zip(("output", "variable"), found, wanted, strict=True):
        assert len(have) == len(want), label
        for index, (h, w) in enumerate(zip(have, map(np.asarray, want), strict=True)):
            what = f"{kind} {index} {label}"
            array = values.to_host(h)

            assert array.shape == w.shape, what
            if w.dtype.kind in "OSU":
                assert array.tolist() == w.tolist(), what
                continue
            narrow = values.device_dtype(w.dtype.name)
            assert array.dtype.name in (w.dtype.name, narrow), what
            if w.dtype.kind == "f":
                np.testing.assert_allclose(array, w, rtol=tolerance, atol=tolerance, err_msg=what)
            else:
                np.testing.assert_array_equal(array, w, err_msg=what)


def tensorflow() -> Any:
    """TensorFlow, or a skip."""
    return pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
