"""Images scaled and translated with a choice of filters: resizing with antialiasing."""

from __future__ import annotations

import math
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.ops.image_resizing import apply
from anyhub.engines.portable.ops.image_taps import Weights, weights_of
from anyhub.engines.portable.registry import lower_raw
from anyhub.engines.portable.values import cast, is_host, shape_of, to_device, to_host

if TYPE_CHECKING:
    from collections.abc import Callable

    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute
    from anyhub.graph.const_call import Array

_image = primitives("image")

# A kernel is computed by NumPy where scale and translation are known, else by `keras.ops`; both
# are called `xp` here and `x` is never negative.
_LEAST_SUM = 1000 * float(np.finfo(np.float32).tiny)


def _lanczos(radius: float, xp: Any, x: Any) -> Any:
    angle = xp.where(x <= 1e-3, 1.0, x) * math.pi
    value = radius * xp.sin(angle) * xp.sin(angle / radius) / (angle * angle)
    return xp.where(x > radius, 0.0, xp.where(x <= 1e-3, 1.0, value))


def _gaussian(xp: Any, x: Any) -> Any:
    return xp.where(x >= 1.5, 0.0, xp.exp(-x * x / 0.5))


def _box(xp: Any, x: Any) -> Any:
    return xp.where(x < 0.5, 1.0, xp.where(x == 0.5, 0.5, 0.0))


def _triangle(xp: Any, x: Any) -> Any:
    return xp.where(x < 1, 1 - x, 0.0)


def _keys_cubic(xp: Any, x: Any) -> Any:
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    near = ((1.5 * x - 2.5) * x) * x + 1.0
    return xp.where(x >= 2, 0.0, xp.where(x >= 1, far, near))


def _mitchell_cubic(xp: Any, x: Any) -> Any:
    far = (((-7 / 18) * x + 2.0) * x - 10 / 3) * x + 16 / 9
    near = (((7 / 6) * x - 2.0) * x) * x + 8 / 9
    return xp.where(x >= 2, 0.0, xp.where(x >= 1, far, near))


_KERNELS: dict[str, Callable[[Any, Any], Any]] = {
    "lanczos1": partial(_lanczos, 1.0),
    "lanczos3": partial(_lanczos, 3.0),
    "lanczos5": partial(_lanczos, 5.0),
    "gaussian": _gaussian,
    "box": _box,
    "triangle": _triangle,
    "keyscubic": _keys_cubic,
    "mitchellcubic": _mitchell_cubic,
}


@lower_raw(
    "ScaleAndTranslate",
    limits="a NaN or infinity spreads over rows and columns where a filter is wide; a scale that "
    "is not positive is an error only where it is known on the host",
)
def scale_and_translate(node: NodeView) -> Compute:
    resize = _resize(node)

    def run(_run: Any, images: Any, size: Any, scale: Any, translation: Any) -> Any:
        sizes = tuple(to_host(size).tolist())
        return resize(cast(to_device(images), "float32"), sizes, scale, translation)

    inputs = ("images", "size", "scale", "translation")
    own = _image.kernel(node.op, inputs, _attrs(node))
    return run if own is None else lambda _run, *values: own(*values)


@lower_raw("ScaleAndTranslateGrad", limits="see ScaleAndTranslate")
def scale_and_translate_grad(node: NodeView) -> Compute:
    resize = _resize(node)

    def run(_run: Any, grads: Any, original: Any, scale: Any, translation: Any) -> Any:
        sizes = shape_of(grads)[1:3]
        forward = partial(resize, sizes=sizes, scale=scale, translation=translation)
        return _image.pullback(forward, K.zeros(shape_of(original), "float32"), to_device(grads))

    inputs = ("grads", "original_image", "scale", "translation")
    own = _image.kernel(node.op, inputs, _attrs(node))
    return run if own is None else lambda _run, *values: own(*values)


def _attrs(node: NodeView) -> dict[str, Any]:
    return {
        "kernel_type": node.text("kernel_type", *_KERNELS),
        "antialias": node.boolean("antialias"),
    }


def _resize(node: NodeView) -> Compute:
    kernel, antialias = _attrs(node).values()

    def resize(images: Any, sizes: tuple[int, int], scale: Any, translation: Any) -> Any:
        if is_host(scale) and is_host(translation):
            return _on_host(images, sizes, scale, translation)
        return on_device(images, sizes, to_device(scale), to_device(translation))

    def _on_host(images: Any, sizes: tuple[int, int], scale: Array, translation: Array) -> Any:
        if not (scale > 0).all():
            raise ValueError(f"a scale of {scale.tolist()}; scales must be positive")
        for i, size in enumerate(sizes):
            place = float(scale[i]), float(translation[i])
            weights = _known_weights(kernel, antialias, (images.shape[i + 1], size), place)
            images = apply(images, weights, i + 1)
        return images

    def device(images: Any, sizes: tuple[int, int], scale: Any, translation: Any) -> Any:
        # TensorFlow has no derivatives by these two.
        scale, translation = K.stop_gradient(scale), K.stop_gradient(translation)
        for i, size in enumerate(sizes):
            old = images.shape[i + 1]
            old_at, new_at = K.arange(old, dtype="float32"), K.arange(size, dtype="float32")
            place = scale[i], translation[i]
            matrix = _weights(K, _KERNELS[kernel], antialias, (old_at, new_at), place)
            images = _image.contract(images, cast(matrix, "float32"), i + 1)
        return images

    on_device = _image.compiled(device, (1,))
    return resize


@lru_cache(maxsize=64)
def _known_weights(
    kernel: str, antialias: bool, sizes: tuple[int, int], place: tuple[float, float]
) -> Weights:
    axes = tuple(np.arange(size, dtype=np.float32) for size in sizes)
    exact = tuple(np.float32(number) for number in place)
    found = _weights(np, _KERNELS[kernel], antialias, axes, exact)
    return weights_of(np.asarray(found, np.float32))


def _weights(
    xp: Any,
    kernel: Callable[[Any, Any], Any],
    antialias: bool,
    axes: tuple[Any, ...],
    place: tuple[Any, ...],
) -> Any:
    """The matrix [new size, old size] that makes new pixels of old ones, `axes` numbers both."""
    (old, new), (scale, translation) = axes, place
    inverse = 1 / scale
    sample = (new + 0.5) * inverse - inverse * translation
    stretch = 1 / xp.maximum(inverse, 1.0) if antialias else 1.0
    weights = kernel(xp, xp.abs((old + 0.5 - sample[:, None]) * stretch))
    total = xp.sum(weights, axis=1, keepdims=True)
    inside = (sample >= 0) & (sample <= old.shape[0])
    is_used = inside[:, None] & (xp.abs(total) >= _LEAST_SUM)
    return xp.where(is_used, weights / xp.where(is_used, total, 1.0), 0.0)
