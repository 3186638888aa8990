"""Single ops: what TensorFlow's kernel gives, and what the portable engine gives.

Where TensorFlow is installed its kernels are run; elsewhere the results that were recorded of the
first cases of each op are compared with (`ANYHUB_RECORD_GOLDEN=1 pytest tests/engines/portable/ops`
records them anew).
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from anyhub.engines.portable import values
from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.planner import Planner
from anyhub.engines.portable.run import Run
from anyhub.graph.ir import ARGUMENT, Graph, Node, Ref, attr_value
from anyhub.savedmodel import schema
from anyhub.savedmodel.dtypes import dtype_of_array

HAS_TENSORFLOW = importlib.util.find_spec("tensorflow") is not None
RECORD = bool(os.environ.get("ANYHUB_RECORD_GOLDEN"))
GOLDEN = Path(__file__).resolve().parents[2] / "engines" / "portable" / "golden"
BACKEND = keras.backend.backend()
# JAX compiles each case twice or three times, so that only `make ops` runs them all there.
ALL = bool(os.environ.get("ANYHUB_ALL_CASES"))
SAMPLED_PER_OP = 4
# How many cases of an op are recorded for environments without TensorFlow.
RECORDED_PER_OP = 5

_core = primitives("core")
# By element type of an output: relative and absolute tolerance.
_TOLERANCES = {
    "float16": (4e-3, 4e-3), "bfloat16": (2e-2, 2e-2), "float32": (2e-5, 2e-6),
    "float64": (1e-10, 1e-11), "complex64": (2e-5, 2e-6), "complex128": (1e-10, 1e-11),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Case:
    """An op with its inputs and attributes.

    Attributes:
        op: Its name.
        inputs: Arrays (or lists of arrays) by the names that `tf.raw_ops` gives them.
        attrs: Attributes as `tf.raw_ops` takes them; element types by name.
        static: Names of inputs that decide shapes: NumPy arrays even when compiled.
        gradient: Whether derivatives by all floating-point inputs that are not static are
            compared.
        compiled: Whether it is run compiled as well.
        tolerance: Relative and absolute tolerance, None for those of the output's type.
        skip: Why it is not run, by backend.
    """

    op: str
    inputs: dict[str, Any]
    attrs: dict[str, Any] = field(default_factory=dict)
    static: tuple[str, ...] = ()
    gradient: bool = False
    compiled: bool = True
    tolerance: tuple[float, float] | None = None
    skip: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        shapes = "-".join(f"{v.dtype}{list(v.shape)}" for v in self.flat())
        attrs = ",".join(f"{k}={v}" for k, v in self.attrs.items())
        return f"{self.op}({shapes}{';' if attrs else ''}{attrs})".replace(" ", "")[:150]

    def flat(self) -> list[np.ndarray]:
        found = []
        for value in self.inputs.values():
            found += value if isinstance(value, list) else [value]
        return [np.asarray(value) for value in found]

    def is_static(self) -> list[bool]:
        found = []
        for name, value in self.inputs.items():
            found += [name in self.static] * (len(value) if isinstance(value, list) else 1)
        return found

    @property
    def key(self) -> str:
        digest = hashlib.sha256(repr((self.op, sorted(self.attrs.items()), self.gradient)).encode())
        for array in self.flat():
            data = repr(array.tolist()).encode() if array.dtype.hasobject else array.tobytes()
            digest.update(f"{array.dtype}{array.shape}".encode() + data)
        return digest.hexdigest()[:20]


def parametrize(cases: list[Case]) -> Any:
    """`@parametrize(CASES)`: a test with an argument `case`."""
    if not HAS_TENSORFLOW:
        known = _golden()
        cases = [case for case in cases if case.key in known]
    elif BACKEND == "jax" and not ALL:
        cases = _first_of_each_op(cases)
    return pytest.mark.parametrize("case", cases, ids=[str(case) for case in cases])


def _first_of_each_op(cases: list[Case]) -> list[Case]:
    seen: Counter[str] = Counter()
    kept = []
    for case in cases:
        seen[case.op] += 1
        if seen[case.op] <= SAMPLED_PER_OP:
            kept.append(case)
    return kept


def check(case: Case) -> None:
    """Compare the engine with TensorFlow: op by op, compiled, and its derivatives."""
    if BACKEND in case.skip:
        pytest.skip(f"{BACKEND}: {case.skip[BACKEND]}")
    expected = reference(case)
    _compare(case, run_eagerly(case, expected.node), expected, "eagerly")
    if case.compiled and BACKEND != "torch":
        _compare(case, _run_compiled(case, expected.node), expected, "compiled")
    if case.gradient:
        _compare_gradients(case, expected)


@dataclass(frozen=True, eq=False)
class Reference:
    """What TensorFlow gave.

    Attributes:
        node: The NodeDef, serialized.
        outputs: Its outputs.
        gradients: Derivatives of the sum of outputs times `weights_of` them, by input; None for
            inputs that have none.
    """

    node: bytes
    outputs: list[np.ndarray]
    gradients: list[np.ndarray | None]


def reference(case: Case) -> Reference:
    """What TensorFlow's kernel gives, or what was recorded of it."""
    if not HAS_TENSORFLOW:
        if case.key not in _golden():
            pytest.skip("TensorFlow is absent, and its result for this case was not recorded")
        return _golden()[case.key]
    found = Reference(_node_def(case), _kernel(case), _kernel_gradients(case))
    if RECORD:
        _RECORDED.setdefault(case.op, {})[case.key] = found
    return found


def _kernel(case: Case) -> list[np.ndarray]:
    return [_array(value) for value in _flat(_call_tensorflow(case, _tensors(case)))]


def _kernel_gradients(case: Case) -> list[np.ndarray | None]:
    if not case.gradient:
        return []
    import tensorflow as tf

    inputs = _tensors(case)
    flat = _flat(list(inputs.values()))
    with tf.GradientTape() as tape:
        tape.watch([tensor for tensor in flat if tensor.dtype.is_floating])
        outputs = [o for o in _flat(_call_tensorflow(case, inputs)) if o.dtype.is_floating]
        total = sum(tf.reduce_sum(o * weights_of(_array(o))) for o in outputs)
    found = tape.gradient(total, flat)
    return [None if g is None else _array(tf.convert_to_tensor(g)) for g in found]


def weights_of(output: np.ndarray) -> np.ndarray:
    """Weights for a sum of an output's elements that tells them apart."""
    rng = np.random.default_rng(output.size)
    return rng.uniform(-1, 1, output.shape).astype(output.dtype)


def _call_tensorflow(case: Case, inputs: dict[str, Any]) -> Any:
    import tensorflow as tf

    with tf.device("/CPU:0"):
        return getattr(tf.raw_ops, case.op)(**inputs, **_tf_attrs(case))


def _tensors(case: Case) -> dict[str, Any]:
    import tensorflow as tf

    def convert(value: Any) -> Any:
        return [tf.constant(v) for v in value] if isinstance(value, list) else tf.constant(value)

    return {name: convert(value) for name, value in case.inputs.items()}


def _tf_attrs(case: Case) -> dict[str, Any]:
    import tensorflow as tf

    names = {"float32", "float64", "float16", "bfloat16", "bool", "string"} | {
        f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)
    }
    names |= {"complex64", "complex128", "qint8", "quint8", "qint32"}

    def convert(value: Any) -> Any:
        if isinstance(value, str) and value in names:
            return tf.as_dtype(value)
        return [convert(item) for item in value] if isinstance(value, list) else value

    return {name: convert(value) for name, value in case.attrs.items()}


def _node_def(case: Case) -> bytes:
    import tensorflow as tf

    with tf.Graph().as_default() as graph:

        def hold(value: Any) -> Any:
            if isinstance(value, list):
                return [hold(item) for item in value]
            value = np.asarray(value)
            dtype = tf.string if value.dtype.kind in "OSU" else value.dtype
            return tf.compat.v1.placeholder(dtype, value.shape)

        inputs = {name: hold(value) for name, value in case.inputs.items()}
        getattr(tf.raw_ops, case.op)(**inputs, **_tf_attrs(case))
        nodes = [node for node in graph.as_graph_def().node if node.op == case.op]
    return nodes[-1].SerializeToString()


def plan_of(case: Case, node_def: bytes) -> Any:
    """The plan of a graph of one node."""
    proto = schema.NodeDef.FromString(node_def)
    nodes = {}
    for index, array in enumerate(case.flat()):
        attrs = {"T": attr_value(type=dtype_of_array(array).number), "index": attr_value(i=index)}
        nodes[f"input_{index}"] = Node(f"input_{index}", ARGUMENT, attrs=attrs)
    inputs = tuple(nodes)
    nodes["it"] = Node("it", proto.op, tuple(map(Ref, inputs)), attrs=proto.attr)
    count = len(reference(case).outputs)
    outputs = tuple(Ref("it", index) for index in range(count))
    graph = Graph("single", nodes, inputs, outputs, tuple(map(str, range(count))))
    return Planner({}).plan(graph)


def run_eagerly(case: Case, node_def: bytes) -> list[Any]:
    """The engine's outputs, with inputs on the device where they can be there."""
    plan = plan_of(case, node_def)
    with _core.wide_types():
        return list(plan(Run(), *_inputs(case)))


def _inputs(case: Case) -> list[Any]:
    return [
        array if static or array.dtype.hasobject else values.to_device(array)
        for array, static in zip(map(_objects, case.flat()), case.is_static(), strict=True)
    ]


def _objects(array: np.ndarray) -> np.ndarray:
    return array.astype(object) if array.dtype.kind in "SU" else array


def _is_wide(case: Case) -> bool:
    return any((a.dtype.itemsize == 8 and a.dtype.kind in "iuf") or a.dtype.itemsize == 16
               for a in case.flat())  # fmt: skip


def _run_compiled(case: Case, node_def: bytes) -> list[Any]:
    plan = plan_of(case, node_def)
    from contextlib import nullcontext

    # Without 64-bit types where the case needs none: as in a training step of Keras on JAX.
    with _core.wide_types() if _is_wide(case) else nullcontext():
        inputs = _inputs(case)
        fixed = {i: v for i, v in enumerate(inputs) if values.is_host(v)}
        moving = [v for v in inputs if not values.is_host(v)]

        def compute(*tensors: Any) -> Any:
            rest = iter(tensors)
            arguments = [fixed[i] if i in fixed else next(rest) for i in range(len(inputs))]
            return [values.to_device(v) if _is_numeric(v) else v for v in plan(Run(), *arguments)]

        return list(_compile(compute)(*moving))


def _is_numeric(value: Any) -> bool:
    return not (values.is_host(value) and value.dtype.hasobject)


def _compile(function: Any) -> Any:
    if BACKEND == "jax":
        import jax

        return jax.jit(function)
    import tensorflow as tf

    return tf.function(function, autograph=False)


def _compare(case: Case, outputs: list[Any], expected: Reference, how: str) -> None:
    assert len(outputs) == len(expected.outputs)
    for index, (found, wanted) in enumerate(zip(outputs, expected.outputs, strict=True)):
        _compare_array(case, values.to_host(found), wanted, f"output {index} {how}")


def _compare_array(case: Case, found: np.ndarray, wanted: np.ndarray, what: str) -> None:
    label = f"{case}: {what}"
    if wanted.dtype.hasobject:
        assert found.tolist() == wanted.tolist(), label
        return
    narrow = values.device_dtype(wanted.dtype.name)
    assert found.dtype.name in (wanted.dtype.name, narrow) or "compiled" in what, (
        f"{label}: type {found.dtype}, TensorFlow {wanted.dtype}"
    )
    assert found.shape == wanted.shape, f"{label}: {found.shape}, TensorFlow {wanted.shape}"
    rtol, atol = case.tolerance or _TOLERANCES.get(wanted.dtype.name, (0, 0))
    kind = np.complex128 if wanted.dtype.kind == "c" else np.float64
    if wanted.dtype.name in _TOLERANCES:
        np.testing.assert_allclose(
            found.astype(kind), wanted.astype(kind), rtol=rtol, atol=atol, err_msg=label
        )
    else:
        np.testing.assert_array_equal(found, wanted, err_msg=label)


def _compare_gradients(case: Case, expected: Reference) -> None:
    floats = [
        index
        for index, (array, static) in enumerate(zip(case.flat(), case.is_static(), strict=True))
        if not static and _is_float(array)
    ]
    with _core.wide_types():
        plan, inputs = plan_of(case, expected.node), _inputs(case)

        def total(*tensors: Any) -> Any:
            arguments = [*inputs]
            for index, tensor in zip(floats, tensors, strict=True):
                arguments[index] = tensor
            outputs = [values.to_device(v) for v in plan(Run(), *arguments)]
            weighted = [
                keras.ops.sum(o * values.to_device(weights_of(wanted)))
                for o, wanted in zip(outputs, expected.outputs, strict=True)
                if _is_float(wanted)
            ]
            return sum(weighted[1:], weighted[0])

        found = _gradients(total, [inputs[index] for index in floats])
    for index, gradient in zip(floats, found, strict=True):
        wanted = expected.gradients[index]
        if wanted is None:
            # TensorFlow says None where nothing depends on it, others may say zero.
            wanted = np.zeros_like(case.flat()[index])
        _compare_array(case, gradient, wanted, f"derivative by input {index}")


def _is_float(array: np.ndarray) -> bool:
    return array.dtype.kind == "f" or array.dtype.name == "bfloat16"


def _gradients(total: Any, tensors: list[Any]) -> list[np.ndarray]:
    if BACKEND == "jax":
        import jax

        return [
            np.asarray(g) for g in jax.grad(total, argnums=tuple(range(len(tensors))))(*tensors)
        ]
    if BACKEND == "torch":
        import torch

        leaves = [t.detach().clone().requires_grad_(True) for t in tensors]
        value = total(*leaves)
        found = [None for _ in leaves]
        if value.requires_grad:
            found = torch.autograd.grad(value, leaves, allow_unused=True)
        return [
            values.to_host(torch.zeros_like(t) if g is None else g)
            for t, g in zip(leaves, found, strict=True)
        ]
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(tensors)
        value = total(*tensors)
    found = tape.gradient(value, tensors, unconnected_gradients="zero")
    return [_array(tf.convert_to_tensor(g)) for g in found]


def _flat(value: Any) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return [item for part in value for item in _flat(part)]
    return [] if value is None or not hasattr(value, "dtype") else [value]


def _array(tensor: Any) -> np.ndarray:
    array = np.asarray(tensor.numpy())
    return array.astype(object) if array.dtype.kind in "SU" else array


_RECORDED: dict[str, dict[str, Reference]] = {}
_LOADED: dict[str, Reference] = {}


def _golden() -> dict[str, Reference]:
    if not _LOADED:
        for path in sorted(GOLDEN.glob("*.npz")):
            with np.load(path, allow_pickle=False) as arrays:
                _LOADED.update(_unpacked(arrays))
    return _LOADED


def _unpacked(arrays: Any) -> dict[str, Reference]:
    found: dict[str, Reference] = {}
    for name in arrays.files:
        if not name.endswith("|node"):
            continue
        key = name.removesuffix("|node")
        outputs = _numbered(arrays, f"{key}|out|")
        gradients = _numbered(arrays, f"{key}|grad|")
        found[key] = Reference(arrays[name].tobytes(), outputs, gradients)
    return found


def _numbered(arrays: Any, prefix: str) -> list[Any]:
    names = [name for name in arrays.files if name.startswith(prefix)]
    found = []
    for name in sorted(names, key=lambda name: int(name[len(prefix) :].split("|")[0])):
        kind = name[len(prefix) :].split("|")[1]
        array = arrays[name]
        if kind == "none":
            found.append(None)
        elif kind == "string":
            found.append(array.astype(object))
        elif kind == "bfloat16":
            import ml_dtypes

            found.append(array.view(ml_dtypes.bfloat16))
        else:
            found.append(array)
    return found


def write_recorded(family: str) -> None:
    """Write what was recorded in this session; the first cases of each op."""
    arrays: dict[str, Any] = {}
    for references in _RECORDED.values():
        for key, found in list(references.items())[:RECORDED_PER_OP]:
            arrays[f"{key}|node"] = np.frombuffer(found.node, np.uint8)
            for kind, values_ in (("out", found.outputs), ("grad", found.gradients)):
                for index, array in enumerate(values_):
                    name, stored = _storable(array)
                    arrays[f"{key}|{kind}|{index}|{name}"] = stored
    _RECORDED.clear()
    if arrays:
        GOLDEN.mkdir(exist_ok=True)
        np.savez_compressed(GOLDEN / f"{family}.npz", **arrays)


def _storable(array: np.ndarray | None) -> tuple[str, np.ndarray]:
    if array is None:
        return "none", np.zeros(0)
    if array.dtype.hasobject:
        return "string", array.astype(np.bytes_)
    if array.dtype.name == "bfloat16":
        return "bfloat16", array.view(np.int16)
    return "plain", array
