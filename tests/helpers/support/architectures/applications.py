"""The models of `keras.applications`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from support.architectures.architecture import BATCH, Architecture, images

CLASSES = 10


def application(
    name: str, *, size: int = 96, scale: float = 1.0, is_kinked: bool = False
) -> Architecture:
    """A model of `keras.applications` for small images, with logits as its output."""
    batch = 2 if is_kinked else BATCH
    return Architecture(_builder(name, size), images(size, scale, batch), is_kinked=is_kinked)


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
    "ResNet50": application("ResNet50", is_kinked=True),
    "MobileNetV2": application("MobileNetV2"),
    "MobileNetV3Small": application("MobileNetV3Small", scale=255),
    "EfficientNetB0": application("EfficientNetB0", scale=255),
    "EfficientNetV2B0": application("EfficientNetV2B0", scale=255),
    "ConvNeXtTiny": application("ConvNeXtTiny", scale=255),
    "DenseNet121": application("DenseNet121", is_kinked=True),
    # Below 107 its last maps have a single element.
    "InceptionV3": application("InceptionV3", size=107, is_kinked=True),
    "Xception": application("Xception", size=71, is_kinked=True),
    "NASNetMobile": application("NASNetMobile", is_kinked=True),
}
