"""Normalization: of batches, of responses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.ops.windows import Windows, channels_last
from anyhub.engines.portable.registry import lower
from anyhub.engines.portable.values import cast

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute

_normalization, _pool = primitives("normalization"), primitives("pool")
_OPS = ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
_LIMITS = "reserve spaces are those of TensorFlow's kernels for CPUs"


@lower(*_OPS, limits=_LIMITS)
def fused_batch_norm(node: NodeView) -> Compute:
    compute = _in_training(node) if node.boolean("is_training") else _in_inference(node)
    if node.op != "FusedBatchNormV3":
        return compute
    # What kernels keep for themselves; those of oneDNN and of Eigen disagree on its shape.
    kept = np.zeros(() if _is_of_eigen(node) else 0, np.float32)
    return lambda *values: (*compute(*values), kept)


def _is_of_eigen(node: NodeView) -> bool:
    return node.dtype("T") == "float16" or len(node.text("data_format")) > len("NHWC")


def _in_inference(node: NodeView) -> Compute:
    windows, epsilon = layout(node), node.number("epsilon")
    normalize = _normalization.normalize

    def run(x: Any, scale: Any, offset: Any, mean: Any, variance: Any) -> tuple[Any, ...]:
        if 0 in x.shape:
            return _of_nothing(x, scale)
        mean, variance = K.stop_gradient(mean), K.stop_gradient(variance)
        y = normalize(x, (scale, offset, mean, variance), epsilon, windows)
        return y, mean, variance, mean, variance

    return run


def _in_training(node: NodeView) -> Compute:
    windows, epsilon = layout(node), node.number("epsilon")
    weight = node.number("exponential_avg_factor")
    normalize_batch = _normalization.normalize_batch

    def run(x: Any, scale: Any, offset: Any, mean: Any, variance: Any) -> tuple[Any, ...]:
        if 0 in x.shape:
            return _of_nothing(x, scale)
        y, found, spread, estimate = normalize_batch(x, scale, offset, epsilon, windows)
        if weight == 1:
            return y, found, estimate, found, spread
        moved = found * weight + K.stop_gradient(mean) * (1 - weight)
        return y, moved, estimate * weight + K.stop_gradient(variance) * (1 - weight), found, spread

    return run


def _of_nothing(x: Any, scale: Any) -> tuple[Any, ...]:
    nothing, unknown = K.zeros_like(scale), K.full_like(scale, np.nan)
    return x, unknown, unknown, nothing, nothing


def layout(node: NodeView) -> Windows:
    """Where the channels of a node's tensors are."""
    rank = len(node.text("data_format", "NHWC", "NCHW", "NDHWC", "NCDHW")) - 2
    return Windows(channels_last(node), (1,) * rank, (1,) * rank, "VALID")


@lower("FusedBatchNormGrad", "FusedBatchNormGradV2", "FusedBatchNormGradV3", limits=_LIMITS)
def fused_batch_norm_grad(node: NodeView) -> Compute:
    windows, epsilon = layout(node), node.number("epsilon")
    is_training, dtype = node.boolean("is_training"), node.dtype("T")
    nothing = np.zeros(0 if _is_of_eigen(node) else (), np.float32)
    axes = tuple(axis for axis in range(windows.rank + 2) if axis != windows.channel_axis)
    shape = windows.full((1,) * windows.rank, 1, -1)

    def run(gradient: Any, x: Any, scale: Any, mean: Any, variance: Any, *_: Any) -> Any:
        gradient, x = cast(gradient, "float32"), cast(x, "float32")
        inverse = K.rsqrt(variance + epsilon)
        normal = (x - K.reshape(mean, shape)) * K.reshape(inverse, shape)
        by_offset = K.sum(gradient, axes)
        by_scale = K.sum(gradient * normal, axes)
        if is_training:
            count = max(math.prod(x.shape) // x.shape[windows.channel_axis], 1)
            shared = K.reshape(by_offset / count, shape)
            gradient = gradient - shared - normal * K.reshape(by_scale / count, shape)
        by_x = cast(gradient * K.reshape(scale * inverse, shape), dtype)
        return by_x, by_scale, by_offset, nothing, nothing

    return run


@lower("BatchNormWithGlobalNormalization")
def batch_norm_with_global_normalization(node: NodeView) -> Compute:
    epsilon = node.number("variance_epsilon")
    is_scaled = node.boolean("scale_after_normalization")

    def run(x: Any, mean: Any, variance: Any, offset: Any, scale: Any) -> Any:
        factor = K.rsqrt(variance + epsilon)
        return (x - mean) * (factor * scale if is_scaled else factor) + offset

    return run


@lower("LRN")
def lrn(node: NodeView) -> Compute:
    radius, bias = node.integer("depth_radius"), node.number("bias")
    alpha, beta = node.number("alpha"), node.number("beta")
    sum_of_neighbours = _pool.sum_of_neighbours
    return lambda x: x * (sum_of_neighbours(x * x, radius) * alpha + bias) ** -beta


@lower("LRNGrad")
def lrn_grad(node: NodeView) -> Compute:
    radius, bias = node.integer("depth_radius"), node.number("bias")
    alpha, beta = node.number("alpha"), node.number("beta")
    sum_of_neighbours = _pool.sum_of_neighbours

    def run(gradient: Any, x: Any, y: Any) -> Any:
        norm = sum_of_neighbours(x * x, radius) * alpha + bias
        shared = sum_of_neighbours(gradient * y / norm, radius)
        return gradient * norm**-beta - x * shared * (2 * alpha * beta)

    return run
