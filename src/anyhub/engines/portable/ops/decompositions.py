"""Decompositions of matrices, and functions of matrices that need them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.registry import lower, lower_plain
from anyhub.engines.portable.values import cast, dtype_name, to_device

if TYPE_CHECKING:
    from collections.abc import Callable

    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute, Factory

_backend = primitives("linalg")

_FREE = "vectors may have other signs (factors, for complex ones) than TensorFlow's"
_NOT_DEFINITE = "the factor of a matrix that is not positive definite is all NaN on JAX and torch"

lower_plain(
    {"Cholesky": _backend.cholesky, "BatchCholesky": _backend.cholesky}, limits=_NOT_DEFINITE
)


@lower("CholeskyGrad", "BatchCholeskyGrad")
def cholesky_grad(_: NodeView) -> Compute:
    def run(factor: Any, grad: Any) -> Any:
        size = factor.shape[-1]
        halves = np.tril(np.ones((size, size))) - np.eye(size) / 2
        weights = cast(to_device(halves), dtype_name(factor))
        inner = _backend.adjoint(factor) @ K.tril(grad) * weights
        left = _backend.solve_triangular(factor, inner, True, True)
        both = _backend.solve_triangular(factor, _backend.adjoint(left), True, True)
        return (both + _backend.adjoint(both)) / 2

    return run


@lower("Qr", limits=f"{_FREE}; float16 is computed as float32")
def qr(node: NodeView) -> Compute:
    full, dtype = node.boolean("full_matrices"), node.dtype("T")
    if dtype != "float16":
        return lambda x: _backend.qr(x, full)
    return lambda x: [cast(part, dtype) for part in _backend.qr(cast(x, "float32"), full)]


def _nothing(dtype: str) -> Any:
    """What stands for an output that was not asked for; TensorFlow's has no defined value."""
    return cast(to_device(np.zeros(0, np.float32)), dtype)


@lower("Svd", "BatchSvd", limits=_FREE)
def svd(node: NodeView) -> Compute:
    full, dtype = node.boolean("full_matrices"), node.dtype("T")
    if not node.boolean("compute_uv"):
        return lambda x: (_cast_if(_backend.singular_values(x), dtype), *[_nothing(dtype)] * 2)

    def run(x: Any) -> Any:
        s, u, v = _backend.svd(x, full)
        return _cast_if(s, dtype), u, v

    return run


def _cast_if(x: Any, dtype: str) -> Any:
    """Real numbers as complex ones where TensorFlow has these."""
    return cast(x, dtype) if dtype.startswith("complex") else x


@lower("SelfAdjointEigV2", "BatchSelfAdjointEigV2", limits=_FREE)
def self_adjoint_eig_v2(node: NodeView) -> Compute:
    dtype, has_vectors = node.dtype("T"), node.boolean("compute_v")

    def run(x: Any) -> Any:
        numbers, vectors = _backend.eigh(_backend.mirrored(x))
        return _cast_if(numbers, dtype), vectors if has_vectors else _nothing(dtype)

    return run


@lower(
    "Eig", limits=f"{_FREE}; eigenvalues come in the backend's order, and JAX may have the CPU only"
)
def eig(node: NodeView) -> Compute:
    dtype, has_vectors = node.dtype("Tout"), node.boolean("compute_v")

    def run(x: Any) -> Any:
        numbers, vectors = _backend.eig(x)
        return cast(numbers, dtype), cast(vectors, dtype) if has_vectors else _nothing(dtype)

    return run


@lower("Lu", limits="of complex numbers, rows may be chosen in another order than TensorFlow's")
def lu(node: NodeView) -> Compute:
    dtype = node.dtype("output_idx_type")

    def run(x: Any) -> Any:
        factors, order = _backend.lu(x)
        return factors, cast(order, dtype)

    return run


lower_plain({"MatrixExponential": _backend.exponential})


def _by_eigenvalues(function: Callable[[Any], Any]) -> Factory:
    def build(node: NodeView) -> Compute:
        dtype = node.dtype("T")

        def run(x: Any) -> Any:
            numbers, vectors = _backend.eig(x)
            scaled = vectors * K.expand_dims(function(numbers), -2)
            turned = _backend.solve(_backend.adjoint(vectors), _backend.adjoint(scaled))
            return cast(_backend.adjoint(turned), dtype)

        return run

    return build


_DEFECTIVE = "matrices that cannot be diagonalized, or hardly so, give wrong results"
lower("MatrixLogarithm", limits=_DEFECTIVE)(_by_eigenvalues(_backend.log))
lower("MatrixSquareRoot", limits=_DEFECTIVE)(_by_eigenvalues(_backend.sqrt))
