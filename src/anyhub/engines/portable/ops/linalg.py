"""Products of matrices and sums of products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.registry import lower
from anyhub.engines.portable.values import cast, to_device

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute

_backend = primitives("linalg")
_reducing = primitives("reducing")


# The attributes grad_a, grad_b, grad_x and grad_y of products say where the op comes from.
@lower("MatMul")
def mat_mul(node: NodeView) -> Compute:
    compute: Compute = _backend.mat_mul(node.boolean("transpose_a"), node.boolean("transpose_b"))
    return compute


# The attributes a_is_sparse and b_is_sparse are hints for speed.
@lower("SparseMatMul")
def sparse_mat_mul(node: NodeView) -> Compute:
    multiply = mat_mul(node)
    return lambda a, b: multiply(cast(a, "float32"), cast(b, "float32"))


@lower("BatchMatMul", "BatchMatMulV2")
def batch_mat_mul(node: NodeView) -> Compute:
    compute: Compute = _backend.batch_mat_mul(node.boolean("adj_x"), node.boolean("adj_y"))
    return compute


@lower("BatchMatMulV3")
def batch_mat_mul_v3(node: NodeView) -> Compute:
    multiply, dtype = batch_mat_mul(node), node.dtype("Tout")
    if node.dtype("Ta") == node.dtype("Tb") == dtype:
        return multiply
    return lambda x, y: multiply(cast(x, dtype), cast(y, dtype))


@lower("Einsum")
def einsum(node: NodeView) -> Compute:
    equation = node.text("equation")
    inputs, arrow, output = equation.partition("->")
    if not arrow:
        node.unsupported(f"equation {equation!r} without '->'")
    labels = output.replace("...", ".")
    plain = "".join(dict.fromkeys(labels))
    if plain == labels:
        compute: Compute = _backend.einsum(equation)
        return compute
    multiply = _backend.einsum(f"{inputs}->{plain.replace('.', '...')}")
    return lambda *tensors: _on_diagonals(multiply(*tensors), labels)


def _on_diagonals(x: Any, labels: str) -> Any:
    """Repeat axes, for labels that come again; what is not on the diagonal is zero."""
    width = len(x.shape) - len(set(labels) - {"."})
    places: dict[str, int] = {}
    axis = 0
    for label in labels:
        if label in places:
            x = _with_diagonal(x, places[label], axis)
        places.setdefault(label, axis)
        axis += width if label == "." else 1
    return x


def _with_diagonal(x: Any, first: int, second: int) -> Any:
    x = K.expand_dims(x, second)
    size = x.shape[first]
    shape = [size if axis in (first, second) else 1 for axis in range(len(x.shape))]
    return _reducing.without(x, to_device(~np.eye(size, dtype=bool).reshape(shape)))


@lower("TridiagonalMatMul")
def tridiagonal_mat_mul(_: NodeView) -> Compute:
    def run(above: Any, diagonal: Any, below: Any, rhs: Any) -> Any:
        above, diagonal, below = (K.swapaxes(x, -1, -2) for x in (above, diagonal, below))
        edge = K.zeros_like(rhs[..., :1, :])
        upper = K.concatenate([above[..., :-1, :] * rhs[..., 1:, :], edge], -2)
        under = K.concatenate([edge, below[..., 1:, :] * rhs[..., :-1, :]], -2)
        return upper + diagonal * rhs + under

    return run
