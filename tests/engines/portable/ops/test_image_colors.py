"""Colors of images, against TensorFlow's kernels."""

from itertools import product

import ml_dtypes
import numpy as np

from support.op_cases import Case, check, parametrize

RNG = np.random.default_rng(3)
# All orders and ties of three colors, black, grey and negative ones.
LEVELS = np.asarray([*product([0.0, 0.3, 0.75], repeat=3), *product([-0.5, 0.2], repeat=3)])
LEVELS = LEVELS.astype(np.float32)
IMAGES = RNG.uniform(0, 1, (2, 3, 4, 3)).astype(np.float32)
HUES = np.concatenate([RNG.uniform(-0.2, 1.3, (20, 1)), RNG.uniform(0, 1, (20, 2))], axis=1)


def scalar(number):
    return np.asarray(number, np.float32)


CASES = [
    Case("RGBToHSV", {"images": IMAGES}, gradient=True),
    Case("RGBToHSV", {"images": LEVELS}, gradient=True),
    Case("RGBToHSV", {"images": LEVELS * 255}, gradient=True),
    *[Case("RGBToHSV", {"images": LEVELS[:27].astype(dtype)})
      for dtype in ("float64", "float16", ml_dtypes.bfloat16)],
    Case("HSVToRGB", {"images": HUES.astype(np.float32)}),
    Case("HSVToRGB", {"images": IMAGES}),
    *[Case("HSVToRGB", {"images": IMAGES.astype(dtype)})
      for dtype in ("float64", "float16", ml_dtypes.bfloat16)],
    *[Case("AdjustHue", {"images": images, "delta": scalar(delta)})
      for delta in (0.1, -0.35, 0.9, 0.0) for images in (IMAGES, LEVELS[None, None, :27])],
    Case("AdjustHue", {"images": LEVELS[None, None], "delta": scalar(0.5)}),
    *[Case("AdjustSaturation", {"images": images, "scale": scalar(scale)})
      for scale in (0.5, 2.0, 0.0, -1.0) for images in (IMAGES, LEVELS[:, None, None])],
    *[Case("AdjustContrastv2", {"images": images, "contrast_factor": scalar(factor)},
           tolerance=(2e-5, 2e-5))
      for factor in (0.5, 2.5, 0.0, -1.0) for images in (IMAGES, IMAGES[0] * 255)],
    Case("AdjustContrastv2",
         {"images": RNG.normal(size=(2, 2, 1, 3, 5)).astype(np.float32),
          "contrast_factor": scalar(1.7)}),
    Case("AdjustHue", {"images": IMAGES[:0], "delta": scalar(0.1)}),
]  # fmt: skip


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)
