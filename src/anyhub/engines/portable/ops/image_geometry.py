"""Images sampled at places that tensors say: crops, projections, glimpses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.registry import lower, lower_raw
from anyhub.engines.portable.values import (
    cast,
    dtype_name,
    is_host,
    shape_of,
    to_device,
    to_host,
)

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute
    from anyhub.graph.const_call import Array

_image = primitives("image")

_OUT_OF_RANGE = (
    "box_ind out of range is an error where it is on the host; on the device such crops are "
    "filled with extrapolation_value"
)


@lower_raw(
    "CropAndResize", limits=f"{_OUT_OF_RANGE}; with method 'nearest' no derivative by the boxes"
)
def crop_and_resize(node: NodeView) -> Compute:
    method = node.text("method", "bilinear", "nearest")
    outside = node.number("extrapolation_value")
    attrs = {"method": method, "extrapolation_value": outside}
    own = _image.kernel(node.op, ("image", "boxes", "box_ind", "crop_size"), attrs)

    def crop(images: Any, boxes: Any, box_ind: Any, size: tuple[int, int]) -> Any:
        return _crops(cast(images, "float32"), boxes, box_ind, size, (method, outside))

    crop = _image.compiled(crop, (3,))

    def run(_run: Any, images: Any, boxes: Any, box_ind: Any, size: Any) -> Any:
        _check_range(box_ind, images.shape[0])
        sizes = tuple(to_host(size).tolist())
        return crop(to_device(images), to_device(boxes), to_device(box_ind), sizes)

    return run if own is None else lambda _run, *values: own(*values)


@lower_raw("CropAndResizeGradImage", limits=_OUT_OF_RANGE)
def crop_and_resize_grad_image(node: NodeView) -> Compute:
    method, dtype = node.text("method", "bilinear", "nearest"), node.dtype("T")
    # The size alone does not tell the op the element type.
    attrs = {"method": method, "T": dtype}
    own = _image.kernel(node.op, ("grads", "boxes", "box_ind", "image_size"), attrs)

    def run(_run: Any, grads: Any, boxes: Any, box_ind: Any, image_size: Any) -> Any:
        grads, boxes = to_device(grads), to_device(boxes)
        shape = tuple(to_host(image_size).tolist())
        _check_range(box_ind, shape[0])

        def crop(images: Any) -> Any:
            return _crops(images, boxes, to_device(box_ind), grads.shape[1:3], (method, 0.0))

        return cast(_image.pullback(crop, K.zeros(shape, "float32"), grads), dtype)

    return run if own is None else lambda _run, *values: own(*values)


@lower_raw("CropAndResizeGradBoxes", limits=_OUT_OF_RANGE)
def crop_and_resize_grad_boxes(node: NodeView) -> Compute:
    method = node.text("method", "bilinear")
    own = _image.kernel(node.op, ("grads", "image", "boxes", "box_ind"), {"method": method})

    def run(_run: Any, grads: Any, images: Any, boxes: Any, box_ind: Any) -> Any:
        grads, images = to_device(grads), cast(to_device(images), "float32")
        _check_range(box_ind, images.shape[0])

        def crop(boxes: Any) -> Any:
            return _crops(images, boxes, to_device(box_ind), grads.shape[1:3], (method, 0.0))

        return _image.pullback(crop, to_device(boxes), grads)

    return run if own is None else lambda _run, *values: own(*values)


def _check_range(box_ind: Any, count: int) -> None:
    if is_host(box_ind) and box_ind.size and not 0 <= box_ind.min() <= box_ind.max() < count:
        raise ValueError(f"box_ind {box_ind.tolist()} of a batch of {count} images")


def _crops(
    images: Any, boxes: Any, box_ind: Any, size: tuple[int, int], how: tuple[str, float]
) -> Any:
    method, outside = how
    batch, height, width, _ = shape_of(images)
    y = _crop_positions(boxes[:, 0], boxes[:, 2], size[0], height)
    x = _crop_positions(boxes[:, 1], boxes[:, 3], size[1], width)
    is_inside = ((y >= 0) & (y <= height - 1))[:, :, None] & ((x >= 0) & (x <= width - 1))[:, None]
    is_inside &= ((box_ind >= 0) & (box_ind < batch))[:, None, None]
    image = K.clip(box_ind, 0, batch - 1)[:, None, None]
    y, x = K.clip(y, 0, height - 1)[:, :, None], K.clip(x, 0, width - 1)[:, None]
    sample = _sample_nearest if method == "nearest" else _sample_linear
    found = sample(images, image, y, x)
    return K.where(is_inside[..., None], found, outside)


def _crop_positions(start: Any, end: Any, count: int, size: int) -> Any:
    """Where in an image of a size the pixels of crops lie, [boxes, count]."""
    if count == 1:
        return (0.5 * (start + end) * (size - 1))[:, None]
    step = _image.divided((end - start) * (size - 1), count - 1)
    moves = _image.rounded(step[:, None] * K.arange(count, dtype="float32"))
    return _image.rounded(start * (size - 1))[:, None] + moves


def _read(images: Any, image: Any, y: Any, x: Any) -> Any:
    """Pixels by integer tensors that broadcast."""
    _, height, width, channels = shape_of(images)
    index = (image * height + y) * width + x
    return _image.take_rows(K.reshape(images, (-1, channels)), index)


def _sample_nearest(images: Any, image: Any, y: Any, x: Any, border: int = 0) -> Any:
    """The nearest pixels; the images have a border that places are not counted in."""
    return _read(images, image, _round(y) + border, _round(x) + border)


def _round(at: Any) -> Any:
    """To integers, halves away from zero."""
    size = K.abs(K.stop_gradient(at))
    floor = K.floor(size)
    found = K.cast(floor, "int32") + K.cast(size - floor >= 0.5, "int32")
    return K.where(at < 0, -found, found)


def _sample_linear(images: Any, image: Any, y: Any, x: Any, border: int = 0) -> Any:
    """Between the four pixels around; see `_sample_nearest`."""
    top, bottom, down = _around(y, border)
    left, right, across = _around(x, border)
    upper_left = _read(images, image, top, left)
    lower_left = _read(images, image, bottom, left)
    upper = upper_left + (_read(images, image, top, right) - upper_left) * across
    lower = lower_left + (_read(images, image, bottom, right) - lower_left) * across
    return upper + (lower - upper) * down


def _around(at: Any, border: int) -> tuple[Any, Any, Any]:
    """The two pixels around and how far the place is from the first."""
    fixed = K.stop_gradient(at)
    floor = K.floor(fixed)
    first = K.cast(floor, "int32") + border
    return first, K.cast(K.ceil(fixed), "int32") + border, (at - floor)[..., None]


@lower(
    "ImageProjectiveTransformV2",
    "ImageProjectiveTransformV3",
    host=(2,),
    limits="the derivative by the images is exact on JAX and torch; TensorFlow takes the inverse "
    "transform of the derivative instead",
)
def image_projective_transform(node: NodeView) -> Compute:
    interpolation = node.text("interpolation", "NEAREST", "BILINEAR")
    mode = node.text("fill_mode", *_FILL_MODES)
    inputs = ("images", "transforms", "output_shape", "fill_value")
    own = _image.kernel(
        node.op, inputs[: 3 + (node.op[-1] == "3")],
        {"interpolation": interpolation, "fill_mode": mode},
    )  # fmt: skip

    def project(images: Any, transforms: Any, fill: Any, sizes: tuple[int, int]) -> Any:
        return _project(images, transforms, fill, sizes, (interpolation, mode))

    project = _image.compiled(project, (3,))
    dtype = node.dtype("dtype")

    def run(images: Any, transforms: Any, output_shape: Array, fill_value: Any = 0.0) -> Any:
        sizes = tuple(output_shape.tolist())
        return cast(project(images, transforms, fill_value, sizes), dtype)

    return own or run


def _project(
    images: Any,
    transforms: Any,
    fill: Any,
    sizes: tuple[int, int],
    how: tuple[str, str],
) -> Any:
    interpolation, mode = how
    batch, height, width, _ = shape_of(images)
    y, x, is_finite = _projected(K.stop_gradient(transforms), sizes)
    image = K.arange(batch, dtype="int32")[:, None, None]
    if not isinstance(fill, float):
        fill = cast(fill, dtype_name(images))
    sample = _sample_nearest if interpolation == "NEAREST" else _sample_linear
    border = int(mode == "CONSTANT")
    if border:
        images = _framed(images, fill)
        y, x = K.where(is_finite, y, -1.0), K.where(is_finite, x, -1.0)
        y, x = K.clip(y, -1, height), K.clip(x, -1, width)
    else:
        y, x = _FILL_MODES[mode](y, height), _FILL_MODES[mode](x, width)
    if interpolation == "BILINEAR":
        images, fill = (
            cast(images, "float32"),
            fill if isinstance(fill, float) else cast(fill, "float32"),
        )
    found = sample(images, image, y, x, border)
    return found if border else K.where(is_finite[..., None], found, fill)


def _framed(images: Any, fill: Any) -> Any:
    """With one more pixel on each side."""
    for axis in (1, 2):
        shape = [1 if i == axis else size for i, size in enumerate(shape_of(images))]
        edge = K.zeros(shape, dtype_name(images)) + fill
        images = K.concatenate([edge, images, edge], axis)
    return images


def _projected(transforms: Any, sizes: tuple[int, int]) -> tuple[Any, Any, Any]:
    """Where in the images the new pixels lie, and whether that is anywhere."""
    rows = K.arange(sizes[0], dtype="float32")[:, None]
    columns = K.arange(sizes[1], dtype="float32")[None, :]
    t = [part[:, None, None] for part in K.unstack(transforms, axis=1)]

    def line(by_x: Any, by_y: Any, constant: Any) -> Any:
        return _image.rounded(by_x * columns) + _image.rounded(by_y * rows) + constant

    depth = line(t[6], t[7], 1.0)
    is_finite = depth != 0
    depth = K.where(is_finite, depth, 1.0)
    return line(*t[3:6]) / depth, line(*t[:3]) / depth, is_finite


def _reflect(at: Any, size: int) -> Any:
    """Continue [abcd] as [dcba|abcd|dcba]."""
    if size == 1:
        return K.zeros_like(at)
    period = 2 * size
    below = at + period * K.floor(_image.divided(-at, period))
    below = K.where(below < -size, below + period, -below - 1)
    above = at - period * K.floor(_image.divided(at, period))
    above = K.where(above >= size, period - above - 1, above)
    return _clamp(K.where(at < 0, below, K.where(at > size - 1, above, at)), size)


def _wrap(at: Any, size: int) -> Any:
    """Continue [abcd] as [abcd|abcd|abcd]."""
    if size == 1:
        return K.zeros_like(at)
    below = at + size * (K.floor(_image.divided(-at, size - 1)) + 1)
    above = at - size * K.floor(_image.divided(at, size - 1))
    return _clamp(K.where(at < 0, below, K.where(at > size - 1, above, at)), size)


def _clamp(at: Any, size: int) -> Any:
    return K.clip(at, 0, size - 1)


# How coordinates outside are mapped inside; "CONSTANT" is handled by a frame.
_FILL_MODES: dict[str, Any] = {
    "CONSTANT": None, "NEAREST": _clamp, "REFLECT": _reflect, "WRAP": _wrap,
}  # fmt: skip


@lower("ExtractGlimpse", "ExtractGlimpseV2", host=(1,), limits="noise 'zero' only")
def extract_glimpse(node: NodeView) -> Compute:
    centered, normalized = node.boolean("centered"), node.boolean("normalized")
    attrs = {
        "centered": centered, "normalized": normalized,
        "noise": node.text("noise", "zero"), "uniform_noise": node.boolean("uniform_noise"),
    }  # fmt: skip
    if attrs["uniform_noise"]:
        node.unsupported("uniform_noise with noise 'zero', which TensorFlow refuses too")
    own = _image.kernel(node.op, ("input", "size", "offsets"), attrs)
    is_second = node.op[-1] == "2"

    def run(images: Any, size: Array, offsets: Any) -> Any:
        # TensorFlow calls the first version not differentiable.
        images = images if is_second else K.stop_gradient(images)
        batch, height, width, _ = shape_of(images)
        sizes = tuple(size.tolist())
        start = _glimpse_start(offsets, sizes, (height, width), is_second)
        y = start[0][:, :, None] + K.arange(sizes[0], dtype="int32")[None, :, None]
        x = start[1][:, :, None] + K.arange(sizes[1], dtype="int32")[None, None, :]
        is_inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        y, x = K.clip(y, 0, height - 1), K.clip(x, 0, width - 1)
        found = _read(images, K.arange(batch, dtype="int32")[:, None, None], y, x)
        return K.where(is_inside[..., None], found, 0.0)

    def _glimpse_start(
        offsets: Any, sizes: tuple[int, int], image: tuple[int, int], is_second: bool
    ) -> list[Any]:
        """The first row and column of each glimpse; the versions differ where less is asked."""
        found = []
        for i in range(2):
            at = K.stop_gradient(offsets[:, i : i + 1])
            at = at * image[i] if normalized else at
            if centered:
                at = (at if is_second and not normalized else at / 2) + image[i] / 2
            if not is_second or (normalized and centered):
                at = at - sizes[i] / 2
            found.append(K.cast(at, "int32"))
        return found

    return own or run
