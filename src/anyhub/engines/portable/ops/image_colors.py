"""Colors of images: contrast, hue, saturation, and the color space HSV."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.registry import lower
from anyhub.engines.portable.values import cast

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute

_image = primitives("image")


def _adjust_contrast(images: Any, factor: Any) -> Any:
    mean = K.mean(images, axis=(-3, -2), keepdims=True)
    return (images - mean) * factor + mean


def _adjust_hue(images: Any, delta: Any) -> Any:
    red, green, blue = K.unstack(images, axis=-1)
    hue, least, most = _hue(red, green, blue)
    turned = hue * 6 + delta * 6
    turned = turned - 6 * K.floor(turned / 6)
    wheel = _wheel(K.where(turned >= 6, turned - 6, turned))
    return K.stack([least + part * (most - least) for part in wheel], axis=-1)


def _adjust_saturation(images: Any, scale: Any) -> Any:
    hue, saturation, value = K.unstack(_rgb_to_hsv(images), axis=-1)
    saturation = K.clip(saturation * scale, 0, 1)
    return _hsv_to_rgb(K.stack([hue, saturation, value], axis=-1))


def _rgb_to_hsv(images: Any) -> Any:
    red, green, blue = K.unstack(images, axis=-1)
    hue, least, most = _hue(red, green, blue)
    # TensorFlow's derivative of the saturation ignores a least color that is not positive.
    least = K.where(least > 0, least, K.stop_gradient(least))
    saturation = K.where(most > 0, (most - least) / _unless_zero(most), 0.0)
    return K.stack([hue, saturation, most], axis=-1)


def _hsv_to_rgb(images: Any) -> Any:
    hue, saturation, value = K.unstack(images, axis=-1)
    wheel = _wheel(hue * 6)
    return K.stack([(1 - saturation + saturation * part) * value for part in wheel], axis=-1)


_FUNCTIONS = {
    "AdjustContrastv2": (_adjust_contrast, ("images", "contrast_factor")),
    "AdjustHue": (_adjust_hue, ("images", "delta")),
    "AdjustSaturation": (_adjust_saturation, ("images", "scale")),
    "RGBToHSV": (_rgb_to_hsv, ("images",)),
    # TensorFlow calls this one not differentiable.
    "HSVToRGB": (lambda images: _hsv_to_rgb(K.stop_gradient(images)), ("images",)),
}


@lower(*_FUNCTIONS)
def adjust_colors(node: NodeView) -> Compute:
    dtype = node.dtype("T")
    function, inputs = _FUNCTIONS[node.op]
    function = _image.compiled(function, ())
    own: Compute | None = _image.kernel(node.op, inputs, {})
    if dtype in ("float32", "float64"):
        return own or function

    def run(images: Any, *amounts: Any) -> Any:
        return cast(function(cast(images, "float32"), *amounts), dtype)

    # For the half types TensorFlow has some of these kernels on GPUs only.
    return run


def _hue(red: Any, green: Any, blue: Any) -> tuple[Any, Any, Any]:
    """The hue from 0 to 1, the least and the largest color.

    Of equal colors red is the largest before green, and blue the least before green: derivatives
    go there.
    """
    is_red = (red >= blue) & (red >= green)
    is_green = ~is_red & (green >= blue)
    most = K.where(is_red, red, K.where(is_green, green, blue))
    is_red_least = (red < blue) & (red < green)
    least = K.where(is_red_least, red, K.where(green < blue, green, blue))
    width = most - least
    slope = 1 / (6 * _unless_zero(width))
    hue = K.where(
        is_red,
        slope * (green - blue),
        K.where(is_green, slope * (blue - red) + 2 / 6, slope * (red - green) + 4 / 6),
    )
    hue = K.where(hue < 0, hue + 1, hue)
    # Its derivative is zero where no color is positive.
    return K.where((width > 0) & (most > 0), hue, _hidden(hue, width)), least, most


def _hidden(hue: Any, width: Any) -> Any:
    return K.stop_gradient(K.where(width > 0, hue, 0.0))


def _unless_zero(x: Any) -> Any:
    return K.where(x == 0, 1.0, x)


def _wheel(hue: Any) -> tuple[Any, Any, Any]:
    """How much of red, green and blue there is in a pure color with a hue from 0 to 6."""
    red = K.clip(K.abs(hue - 3) - 1, 0, 1)
    return red, K.clip(2 - K.abs(hue - 2), 0, 1), K.clip(2 - K.abs(hue - 4), 0, 1)
