"""Images scaled and translated with filters, against TensorFlow's kernel."""

import numpy as np

from support.op_cases import Case, check, parametrize

RNG = np.random.default_rng(1)
KERNELS = [
    "lanczos3", "triangle", "keyscubic", "gaussian", "mitchellcubic", "lanczos1", "lanczos5", "box",
]  # fmt: skip
# Old size, new size, scale, translation.
DOWN = ((9, 7), (4, 3), (0.45, 0.4), (0.3, -0.2))
UP = ((4, 5), (9, 7), (2.2, 1.4), (0.0, 0.4))
FAR = ((5, 4), (4, 6), (0.8, 1.5), (-9.0, 2.0))


def vector(*numbers):
    return np.asarray(numbers, np.float32)


def scaling(place, kernel, antialias, on_host, dtype="float32", gradient=False):
    (height, width), new, scale, translation = place
    images = RNG.uniform(0, 4, (2, height, width, 2)).astype(dtype)
    known = ("scale", "translation") if on_host else ()
    return Case(
        "ScaleAndTranslate",
        {"images": images, "size": np.asarray(new, np.int32), "scale": vector(*scale),
         "translation": vector(*translation)},
        {"kernel_type": kernel, "antialias": antialias},
        static=("size", *known), gradient=gradient,
    )  # fmt: skip


def grad(place, kernel, antialias, on_host):
    old, new, scale, translation = place
    known = ("scale", "translation") if on_host else ()
    return Case(
        "ScaleAndTranslateGrad",
        {"grads": RNG.normal(size=(2, *new, 2)).astype(np.float32),
         "original_image": np.zeros((2, *old, 2), np.float32), "scale": vector(*scale),
         "translation": vector(*translation)},
        {"kernel_type": kernel, "antialias": antialias}, static=known,
    )  # fmt: skip


CASES = [
    scaling(DOWN, "lanczos3", True, True, gradient=True),
    scaling(UP, "triangle", False, False, gradient=True),
    scaling(DOWN, "mitchellcubic", True, False),
    *[scaling(DOWN, kernel, antialias, i % 2 == 0)
      for i, kernel in enumerate(KERNELS) for antialias in (True, False)],
    *[scaling(UP, kernel, True, i % 2 == 1) for i, kernel in enumerate(KERNELS)],
    scaling(FAR, "keyscubic", True, True), scaling(FAR, "gaussian", True, False),
    scaling(((40, 3), (5, 3), (0.125, 1.0), (0.0, 0.0)), "triangle", True, True, gradient=True),
    *[scaling(DOWN, "triangle", True, True, dtype)
      for dtype in ("uint8", "int32", "float16", "float64")],
    grad(DOWN, "lanczos3", True, True), grad(UP, "triangle", False, False),
]  # fmt: skip


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)
