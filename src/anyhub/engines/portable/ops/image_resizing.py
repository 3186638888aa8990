"""Images of another size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.ops import image_taps
from anyhub.engines.portable.registry import lower
from anyhub.engines.portable.values import cast, dtype_name, shape_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute
    from anyhub.graph.const_call import Array

_image = primitives("image")

Sizes = tuple[int, int]


@lower(
    "ResizeBilinear",
    host=(1,),
    limits="on torch results of floating-point images differ from TensorFlow's by rounding",
)
def resize_bilinear(node: NodeView) -> Compute:
    align_corners, half_pixel_centers = _modes(node)
    own = _own(node, ("images", "size"))

    def resize(images: Any, sizes: Sizes) -> Any:
        return _bilinear(images, sizes, align_corners, half_pixel_centers)

    return own or _checked(resize)


@lower("ResizeNearestNeighbor", host=(1,))
def resize_nearest_neighbor(node: NodeView) -> Compute:
    align_corners, half_pixel_centers = _modes(node)
    own = _own(node, ("images", "size"))

    def resize(images: Any, sizes: Sizes) -> Any:
        return _nearest(images, sizes, align_corners, half_pixel_centers)

    return own or _checked(resize)


@lower("ResizeBicubic", host=(1,))
def resize_bicubic(node: NodeView) -> Compute:
    align_corners, half_pixel_centers = _modes(node)
    own = _own(node, ("images", "size"))

    def resize(images: Any, sizes: Sizes) -> Any:
        return _bicubic(images, sizes, align_corners, half_pixel_centers)

    return own or _checked(resize)


@lower(
    "ResizeArea",
    host=(1,),
    limits="a NaN or infinity spreads over rows and columns where a size shrinks to less than a "
    "seventh",
)
def resize_area(node: NodeView) -> Compute:
    align_corners = node.boolean("align_corners")
    own = _own(node, ("images", "size"), "align_corners")

    def resize(images: Any, sizes: Sizes) -> Any:
        images = cast(images, "float32")
        for axis, size in enumerate(sizes, 1):
            weights = image_taps.area(images.shape[axis], size, align_corners)
            images = apply(images, weights, axis)
        return images

    return own or _checked(resize)


@lower("ResizeBilinearGrad", "ResizeBicubicGrad")
def resize_grad(node: NodeView) -> Compute:
    align_corners, half_pixel_centers = _modes(node)
    dtype = node.dtype("T")
    forward = _bilinear if node.op == "ResizeBilinearGrad" else _bicubic

    def run(grads: Any, original: Any) -> Any:
        def resize(images: Any) -> Any:
            return forward(images, grads.shape[1:3], align_corners, half_pixel_centers)

        start = K.zeros(shape_of(original), "float32")
        return cast(_image.pullback(resize, start, grads), dtype)

    return _own(node, ("grads", "original_image")) or run


@lower("ResizeNearestNeighborGrad", host=(1,), limits="floating-point types only")
def resize_nearest_neighbor_grad(node: NodeView) -> Compute:
    align_corners = node.boolean("align_corners")
    half_pixel_centers = node.boolean("half_pixel_centers")
    if "int" in node.dtype("T"):
        node.unsupported(f"T {node.dtype('T')}")

    def run(grads: Any, size: Array) -> Any:
        batch, height, width, channels = shape_of(grads)

        def resize(images: Any) -> Any:
            return _nearest(images, (height, width), align_corners, half_pixel_centers)

        start = K.zeros((batch, *size.tolist(), channels), dtype_name(grads))
        return _image.pullback(resize, start, grads)

    return _own(node, ("grads", "size")) or run


def apply(images: Any, weights: image_taps.Weights, axis: int) -> Any:
    """Resize an axis of float32 images."""
    if weights.taps is None:
        return _image.contract(images, weights.matrix, axis)
    return _weigh(images, weights.taps, axis)


def _modes(node: NodeView) -> tuple[bool, bool]:
    align_corners = node.boolean("align_corners")
    half_pixel_centers = node.boolean("half_pixel_centers")
    if align_corners and half_pixel_centers:
        node.unsupported("align_corners with half_pixel_centers, which TensorFlow refuses too")
    return align_corners, half_pixel_centers


def _own(node: NodeView, inputs: tuple[str, ...], *flags: str) -> Callable[..., Any] | None:
    """The backend's own kernel."""
    flags = flags or ("align_corners", "half_pixel_centers")
    attrs = {name: node.boolean(name) for name in flags}
    own: Callable[..., Any] | None = _image.kernel(node.op, inputs, {"T": node.dtype("T"), **attrs})
    return own


def _checked(resize: Callable[[Any, Sizes], Any]) -> Compute:
    resize = _image.compiled(resize, (1,))

    def run(images: Any, size: Array) -> Any:
        sizes = tuple(size.tolist())
        if len(sizes) != 2 or min(sizes) <= 0:
            raise ValueError(f"images cannot have the size {sizes}")
        return resize(images, sizes)

    return run


def _bilinear(images: Any, sizes: Sizes, align_corners: bool, half_pixel_centers: bool) -> Any:
    images = cast(images, "float32")
    for axis, size in enumerate(sizes, 1):
        old = images.shape[axis]
        if size != old:
            lerp = image_taps.linear(old, size, align_corners, half_pixel_centers)
            lower = _image.take(images, lerp.lower, axis)
            upper = _image.take(images, lerp.upper, axis)
            images = lower + (upper - lower) * _along(lerp.fraction, axis)
    return images


def _nearest(images: Any, sizes: Sizes, align_corners: bool, half_pixel_centers: bool) -> Any:
    for axis, size in enumerate(sizes, 1):
        old = images.shape[axis]
        indices = image_taps.nearest(old, size, align_corners, half_pixel_centers)
        times = size // old
        if size == times * old and np.array_equal(indices, np.arange(size) // times):
            images = K.repeat(images, times, axis) if times > 1 else images
        else:
            images = _image.take(images, indices, axis)
    return images


def _bicubic(images: Any, sizes: Sizes, align_corners: bool, half_pixel_centers: bool) -> Any:
    images = cast(images, "float32")
    for axis, size in enumerate(sizes, 1):
        taps = image_taps.cubic(images.shape[axis], size, align_corners, half_pixel_centers)
        images = _weigh(images, taps, axis)
    return images


def _weigh(images: Any, taps: image_taps.Taps, axis: int) -> Any:
    total: Any = 0
    for indices, weights in zip(taps.indices, taps.weights, strict=True):
        total = total + _image.take(images, indices, axis) * _along(weights, axis)
    return total


def _along(vector: Array, axis: int) -> Any:
    """A tensor that broadcasts along an axis of images."""
    return K.convert_to_tensor(vector.reshape(-1, *[1] * (3 - axis)))
