"""From a node to the function that each run calls: the right lowering for where the inputs are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.errors import UnsupportedNodeError
from anyhub.engines.portable.registry import DEVICE, HOST, RAW, Compute, Lowering, find
from anyhub.engines.portable.scalars import scalar_function
from anyhub.engines.portable.values import device_dtype, to_host
from anyhub.graph.const_ops import EVALUATORS, compute, evaluate

if TYPE_CHECKING:
    from anyhub.engines.portable.constants import Constants
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.graph.ir import Node

_core = primitives("core")
# DT_STRING
_TEXT = 7


def is_supported(op: str) -> bool:
    """Whether an op can be planned at all. Constants are, without being lowered."""
    return op == "Const" or op in EVALUATORS or any(find(op, kind) for kind in (DEVICE, HOST, RAW))


def bind(view: NodeView, constants: Constants, is_single: bool) -> Compute:
    """Make the function that computes a node.

    Args:
        view: The node, whose op is supported.
        constants: Tensors of the arrays that do not change between runs.
        is_single: Whether it always has one output. Then the function returns it alone, else a
            sequence.

    Raises:
        UnsupportedNodeError: An attribute has a value that the lowering does not know.
    """
    raw = find(view.op, RAW)
    compute = raw.build(view) if raw is not None else _plain(view, constants, is_single)
    guarded: Compute = _core.guarded(view.node, compute, raw is not None)
    return guarded


def _plain(view: NodeView, constants: Constants, is_single: bool) -> Compute:
    device, host = find(view.op, DEVICE), _host_function(view, is_single)
    if host is not None and _takes_text(view.node):
        return _with_host_inputs(host)
    if device is None:
        assert host is not None  # noqa: S101 - the op is supported
        return _with_host_inputs(host) if find(view.op, HOST) else _only_on_host(host, view)
    on_device = _with_device_inputs(device, view, constants)
    at_once = _at_once(on_device)
    if find(view.op, HOST) is not None:
        at_once = host or at_once
    elif view.op in EVALUATORS:
        at_once = _evaluated(view.node, is_single, at_once)
    return _either(at_once, on_device, len(view.node.inputs))


def _takes_text(node: Node) -> bool:
    """Whether strings are among the inputs: they stay on the host, and so does the rest."""
    return any(value.type == _TEXT or _TEXT in value.list.type for value in node.attrs.values())


def _host_function(view: NodeView, is_single: bool) -> Compute | None:
    lowering = find(view.op, HOST)
    if lowering is not None:
        return lowering.build(view)
    if view.op not in EVALUATORS:
        return None
    if is_single:
        return lambda *values: compute(view.node, values)[0]
    return lambda *values: compute(view.node, values)


def _at_once(on_device: Compute) -> Compute:
    """Compute what is known already even while something is compiled: it may decide a shape."""

    def run(*values: Any) -> Any:
        if any(map(_is_narrowed, values)):
            # What is beyond 32 bits stays on the host: the smallest numbers would become zeros.
            with _core.eagerly(), _core.wide_types():
                return _on_host(on_device(*values))
        with _core.eagerly():
            return on_device(*values)

    return run


def _is_narrowed(value: Any) -> bool:
    return bool(value.dtype == np.float64) and device_dtype("float64") != "float64"


def _on_host(results: Any) -> Any:
    if isinstance(results, (tuple, list)):
        return [to_host(result) for result in results]
    return to_host(results)


def _evaluated(node: Node, is_single: bool, otherwise: Compute) -> Compute:
    """Compute on the host what NumPy computes exactly, the rest otherwise."""

    def run(*values: Any) -> Any:
        results = evaluate(node, values)
        if results is None:
            return otherwise(*values)
        return results[0] if is_single else results

    of_scalars = scalar_function(node.op)
    if of_scalars is None:
        return run

    def run_two(x: Any, y: Any) -> Any:
        result = of_scalars(x, y)
        return run(x, y) if result is None else result

    return run_two


def _with_host_inputs(host: Compute) -> Compute:
    return lambda *values: host(*[to_host(value) for value in values])


def _only_on_host(host: Compute, view: NodeView) -> Compute:
    """For ops on sizes and strings: numbers that came from the device would lose derivatives."""

    def run(*values: Any) -> Any:
        if all(type(value) is np.ndarray for value in values):
            return host(*values)
        raise UnsupportedNodeError(f"op {view.op!r} is computed for sizes and strings only")

    return run


def _with_device_inputs(lowering: Lowering, view: NodeView, constants: Constants) -> Compute:
    on_device = lowering.build(view)
    to_device = constants.to_device
    if not lowering.host_inputs:
        return _converting(on_device, to_device, len(view.node.inputs))
    count = len(view.node.inputs)
    on_host = {i % count for i in lowering.host_inputs if -count <= i < count}

    def run(*values: Any) -> Any:
        return on_device(
            *[
                to_host(v) if i in on_host else to_device(v) if type(v) is np.ndarray else v
                for i, v in enumerate(values)
            ]
        )

    return run


def _converting(on_device: Compute, to_device: Compute, count: int) -> Compute:
    """Arrays become tensors. One or two inputs are the most of ops, and lists take time."""

    def run_one(x: Any) -> Any:
        return on_device(to_device(x) if type(x) is np.ndarray else x)

    def run_two(x: Any, y: Any) -> Any:
        if type(x) is np.ndarray:
            x = to_device(x)
        return on_device(x, to_device(y) if type(y) is np.ndarray else y)

    def run(*values: Any) -> Any:
        return on_device(*[to_device(v) if type(v) is np.ndarray else v for v in values])

    if count == 1:
        return run_one
    return run_two if count == 2 else run


def _either(host: Compute, on_device: Compute, count: int) -> Compute:
    """Where all inputs are arrays on the host, else on the device."""

    def run_one(x: Any) -> Any:
        return host(x) if type(x) is np.ndarray else on_device(x)

    def run_two(x: Any, y: Any) -> Any:
        if type(x) is np.ndarray and type(y) is np.ndarray:
            return host(x, y)
        return on_device(x, y)

    def run(*values: Any) -> Any:
        for value in values:
            if type(value) is not np.ndarray:
                return on_device(*values)
        return host(*values)

    if count == 1:
        return run_one
    return run_two if count == 2 else run
