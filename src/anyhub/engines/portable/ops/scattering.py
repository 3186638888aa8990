"""Tensors some of whose elements are replaced, by their indices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.registry import Factory, lower, lower_host
from anyhub.engines.portable.values import cast, dtype_name, shape_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute

_move = primitives("indexing")

_BEYOND = (
    "What has an index that is out of range is left out unless all inputs are on the host, as "
    "TensorFlow has it on GPUs; on its CPU that is an error."
)
_TWICE = " Where an index is set twice, one of the values wins."

_NUMPY: dict[str, Callable[..., Any]] = {
    "add": np.add.at,
    "sub": np.subtract.at,
    "max": np.maximum.at,
    "min": np.minimum.at,
}


@lower("ScatterNd", host=(2,), limits=_BEYOND)
def scatter_nd(node: NodeView) -> Compute:
    _check_policy(node)
    dtype = node.dtype("T")

    def run(indices: Any, updates: Any, shape: Any) -> Any:
        return _scatter(_move.zeros(tuple(shape.tolist()), dtype), indices, updates, "add")

    return run


def _check_policy(node: NodeView) -> None:
    # What to do about indices that are out of range matters on TensorFlow's CPU alone.
    node.text("bad_indices_policy", "", "DEFAULT", "ERROR", "IGNORE")


def _scatter(x: Any, indices: Any, updates: Any, how: str) -> Any:
    depth = indices.shape[-1]
    wanted = shape_of(indices)[:-1] + shape_of(x)[depth:]
    if not depth or shape_of(updates) != wanted:
        raise ValueError(
            f"indices of shape {shape_of(indices)} and updates of shape {shape_of(updates)} for "
            f"shape {shape_of(x)}"
        )
    return _move.scatter(x, indices, updates, how)


@lower_host("ScatterNd")
def scatter_nd_on_host(node: NodeView) -> Compute:
    is_lenient = _is_lenient(node)

    def run(indices: Any, updates: Any, shape: Any) -> Any:
        zero: Any = b"" if updates.dtype.hasobject else 0
        return _on_host(np.full(shape, zero, updates.dtype), indices, updates, "add", is_lenient)

    return run


def _is_lenient(node: NodeView) -> bool:
    return node.text("bad_indices_policy") == "IGNORE"


def _on_host(x: Any, indices: Any, updates: Any, how: str, is_lenient: bool) -> Any:
    """Like the device, but x is written to, and indices are checked."""
    depth = indices.shape[-1]
    tail = x.shape[depth:]
    rows, updates = indices.reshape(-1, depth), updates.reshape(-1, *tail)
    inside = ((rows >= 0) & (rows < np.asarray(x.shape[:depth], np.int64))).all(1)
    if not is_lenient and not inside.all():
        raise ValueError(f"index {rows[~inside][0]} is beyond the shape {x.shape}")
    place = (*rows[inside].T, ...)
    if how == "set":
        x[place] = updates[inside]
    else:
        _NUMPY[how](x, place, updates[inside])
    return x


def _tensor_scatter(how: str) -> Factory:
    def build(node: NodeView) -> Compute:
        _check_policy(node)
        return lambda x, indices, updates: _scatter(x, indices, updates, how)

    return build


def _tensor_scatter_on_host(how: str) -> Factory:
    def build(node: NodeView) -> Compute:
        is_lenient = _is_lenient(node)

        def run(x: Any, indices: Any, updates: Any) -> Any:
            return _on_host(np.copy(x), indices, updates, how, is_lenient)

        return run

    return build


for _op, _how in {
    "TensorScatterUpdate": "set",
    "TensorScatterAdd": "add",
    "TensorScatterSub": "sub",
    "ScatterNdNonAliasingAdd": "add",
}.items():
    lower(_op, limits=_BEYOND + (_TWICE if _how == "set" else ""))(_tensor_scatter(_how))
    lower_host(_op)(_tensor_scatter_on_host(_how))


def _extreme(how: str) -> Factory:
    def build(node: NodeView) -> Compute:
        _check_policy(node)
        return lambda x, indices, updates: _extreme_of(x, indices, updates, how)

    return build


def _extreme_of(x: Any, indices: Any, updates: Any, how: str) -> Any:
    if "float" not in dtype_name(x):
        return _scatter(x, indices, updates, how)

    def scattered(x: Any, updates: Any) -> Any:
        result = _scatter(x, indices, updates, how)

        def gradient(*arguments: Any, upstream: Any = None) -> Any:
            dy = arguments[0] if upstream is None else upstream
            return _shares(x, indices, updates, result, dy)

        return result, gradient

    return K.custom_gradient(scattered)(x, updates)


def _shares(x: Any, indices: Any, updates: Any, result: Any, dy: Any) -> tuple[Any, Any]:
    """The derivatives of the elements that are equal to the result: each has an equal share."""
    dtype = dtype_name(x)
    kept = cast(x == result, dtype)
    won = cast(updates == _move.gather_nd(result, indices), dtype)
    share = dy / _scatter(kept, indices, won, "add")
    return share * kept, _move.gather_nd(share, indices) * won


for _op, _how in {"TensorScatterMax": "max", "TensorScatterMin": "min"}.items():
    lower(_op, limits=_BEYOND)(_extreme(_how))
    lower_host(_op)(_tensor_scatter_on_host(_how))


def _inplace(how: str) -> Factory:
    def build(_: NodeView) -> Compute:
        def run(x: Any, rows: Any, values: Any) -> Any:
            # TensorFlow counts on from the end to the start.
            places = _move.expand_dims(rows % max(x.shape[0], 1), 1)
            return _scatter(x, places, values, how)

        return run

    return build


def _inplace_on_host(how: str) -> Factory:
    def build(_: NodeView) -> Compute:
        def run(x: Any, rows: Any, values: Any) -> Any:
            return _on_host(np.copy(x), (rows % max(x.shape[0], 1))[:, None], values, how, False)

        return run

    return build


# What has been computed is never written to: these give a new tensor, as functional code sees it.
for _op, _how in {"InplaceUpdate": "set", "InplaceAdd": "add", "InplaceSub": "sub"}.items():
    lower(_op, limits=_TWICE.strip() if _how == "set" else "")(_inplace(_how))
    lower_host(_op)(_inplace_on_host(_how))
