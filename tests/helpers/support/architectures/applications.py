"""The models of `keras.applications`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from support.architectures.architecture import Architecture, images

CLASSES = 10


def application(name: str, *, size: int = 96, scale: float = 1.0) -> Architecture:
    """A model of `keras.applications` for small images, with logits as its output."""
    return Architecture(_builder(name, size), images(size, scale))


def kinked(name: str, *, size: int = 96) -> Architecture:
    """One with many ReLUs or pools."""
    return Architecture(_builder(name, size), images(size), is_kinked=True)


def _builder(name: str, size: int) -> Callable[[], Any]:
    def build() -> Any:
        return getattr(keras.applications, name)(
            weights=None,
            input_shape=(size, size, 3),
            classes=CLASSES,
            classifier_activation=None,
        )

    return build


APPLICATIONS = {
    "ResNet50": kinked("ResNet50"),
    "MobileNetV2": kinked("MobileNetV2"),
    "MobileNetV3Small": application("MobileNetV3Small", scale=255),
    "EfficientNetB0": application("EfficientNetB0", scale=255),
    "EfficientNetV2B0": application("EfficientNetV2B0", scale=255),
    "ConvNeXtTiny": application("ConvNeXtTiny", scale=255),
    "DenseNet121": kinked("DenseNet121"),
    # Below 107 its last maps have a single element.
    "InceptionV3": kinked("InceptionV3", size=107),
    "Xception": kinked("Xception", size=71),
    "NASNetMobile": kinked("NASNetMobile"),
}
