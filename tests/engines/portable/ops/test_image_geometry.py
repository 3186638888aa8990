"""Images sampled at places that tensors say, against TensorFlow's kernels."""

from itertools import product

import ml_dtypes
import numpy as np
import pytest
from keras import ops as K

from anyhub.engines.portable import values
from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.ops import image_geometry
from anyhub.engines.portable.run import Run
from support.op_cases import BACKEND, Case, check, parametrize, plan_of, reference

RNG = np.random.default_rng(2)


def images(*shape, dtype="float32"):
    values = RNG.uniform(0, 100, shape)
    return (values / 2 - 20 if np.dtype(dtype).kind == "i" else values).astype(dtype)


def ints(*numbers):
    return np.asarray(numbers, np.int32)


def floats(*rows):
    return np.asarray(rows, np.float32)


# Inside, over an edge, flipped, wholly outside, of no size, up to the last pixel.
BOXES = floats(
    [0.1, 0.15, 0.7, 0.9], [-0.2, 0.4, 0.5, 1.3], [0.9, 0.8, 0.1, 0.3], [1.5, 1.5, 2.0, 2.0],
    [0.4, 0.4, 0.4, 0.4], [0.0, 0.0, 1.0, 1.0],
)  # fmt: skip
OF = ints(0, 1, 1, 0, 0, 1)
# Values up to 100 that rounding moves at places that are sums of rounded products.
CLOSE = (2e-5, 2e-3)


def cropping(size, method, extrapolation=0.0, dtype="float32", boxes=BOXES, of=OF, **options):
    return Case(
        "CropAndResize",
        {"image": images(2, 6, 5, 2, dtype=dtype), "boxes": boxes, "box_ind": of,
         "crop_size": ints(*size)},
        {"method": method, "extrapolation_value": extrapolation},
        tolerance=CLOSE, **{"static": ("crop_size",), **options},
    )  # fmt: skip


EDGES = np.concatenate([RNG.uniform(0, 1, (7, 2)), np.ones((7, 2))], axis=1).astype(np.float32)
CROPS = [
    cropping((3, 4), "bilinear", gradient=True),
    cropping((3, 4), "nearest", static=("crop_size", "boxes"), gradient=True),
    cropping((1, 2), "bilinear", -1.5, gradient=True),
    cropping((2, 1), "nearest", 7.0),
    cropping((4, 3), "bilinear", static=("crop_size", "box_ind")),
    cropping((14, 13), "bilinear", 9.0, boxes=EDGES[:3], of=OF[:3]),
    cropping((7, 9), "nearest", 9.0, boxes=EDGES, of=np.zeros(7, np.int32)),
    cropping((2, 2), "bilinear", boxes=BOXES[:0], of=OF[:0]),
    *[cropping((3, 2), "bilinear", dtype=dtype)
      for dtype in ("uint8", "int8", "int16", "uint16", "int32", "int64", "float16", "float64")],
] + [
    Case("CropAndResizeGradImage",
         {"grads": images(6, 3, 4, 2), "boxes": BOXES, "box_ind": OF,
          "image_size": ints(2, 6, 5, 2)},
         {"method": method, "T": dtype}, static=("image_size",), tolerance=tolerance)
    for method, dtype, tolerance in [
        ("bilinear", "float32", CLOSE), ("nearest", "float32", CLOSE),
        ("bilinear", "float16", (4e-3, 0.2)), ("nearest", "float64", CLOSE)]
] + [
    Case("CropAndResizeGradBoxes",
         {"grads": images(6, 3, 4, 2), "image": images(2, 6, 5, 2, dtype=dtype), "boxes": BOXES,
          "box_ind": OF},
         {"method": "bilinear"}, tolerance=(2e-5, 1.0))
    for dtype in ("float32", "uint8", "float64")
]  # fmt: skip

TRANSFORMS = {
    "turn": [0.866, -0.5, 1.3, 0.5, 0.866, -1.1, 0, 0],
    "project": [1.1, 0.2, -0.4, -0.1, 0.9, 0.7, 0.03, -0.02],
    "shift": [1, 0, 2.5, 0, 1, -1.5, 0, 0],
    "far": [2.0, 0.3, -17.3, 0.1, 3.0, 14.2, 0, 0],
    "infinite": [1, 0, 0, 0, 1, 0, -0.5, 0],
}
FILLS = ["CONSTANT", "NEAREST", "REFLECT", "WRAP"]


def projecting(names, fill_mode, interpolation, new=(4, 6), dtype="float32", fill=None, **options):
    shape = options.pop("shape", (2, 5, 6, 2))
    inputs = {
        "images": images(*shape, dtype=dtype),
        "transforms": floats(*[TRANSFORMS[name] for name in names]),
        "output_shape": ints(*new),
    }
    if fill is not None:
        inputs["fill_value"] = np.asarray(fill, np.float32)
    return Case(
        "ImageProjectiveTransformV2" if fill is None else "ImageProjectiveTransformV3", inputs,
        {"interpolation": interpolation, "fill_mode": fill_mode}, static=("output_shape",),
        tolerance=options.pop("tolerance", CLOSE), **options,
    )  # fmt: skip


PROJECTIONS = [
    *[projecting(("turn",), mode, kind, fill=value)
      for value in (None, 3.7)
      for mode, kind in zip(FILLS, ["BILINEAR", "NEAREST"] * 2, strict=True)],
    *[projecting(names, mode, kind, fill=1.0)
      for names, (mode, kind) in product(
          [("project", "shift"), ("far", "turn"), ("infinite",)],
          product(FILLS, ["BILINEAR", "NEAREST"]))],
    *[projecting(("shift",), mode, "NEAREST", fill=1.0, shape=(1, 1, 4, 1))
      for mode in FILLS],
    # Whole numbers are cut off: a result next to one may be one less.
    *[projecting(("turn",), "CONSTANT", kind, fill=3.7, dtype=dtype, tolerance=(0, 1))
      for dtype in ("uint8", "int32", "int64") for kind in ("NEAREST", "BILINEAR")],
    *[projecting(("turn",), "REFLECT", kind, fill=3.7, dtype=dtype)
      for dtype in ("float16", ml_dtypes.bfloat16, "float64") for kind in ("NEAREST", "BILINEAR")],
]  # fmt: skip
for case in PROJECTIONS:
    if case.flat()[0].dtype.name in ("float16", "bfloat16"):
        object.__setattr__(case, "tolerance", None)

GLIMPSES = [
    Case(op, {"input": images(3, 5, 6, 2), "size": ints(*size),
              "offsets": floats([0.0, 0.0], [0.4, -0.3], [-1.7, 0.9])},
         {"centered": centered, "normalized": normalized, "uniform_noise": False, "noise": "zero"},
         static=("size",))
    for op in ("ExtractGlimpse", "ExtractGlimpseV2")
    for size, (centered, normalized) in zip(
        [(3, 4), (2, 3), (8, 3), (5, 6)], product((True, False), (True, False)), strict=True)
]  # fmt: skip

CASES = [*CROPS, *PROJECTIONS, *GLIMPSES]


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)


def crop_with(case, box_ind):
    moving = [values.to_device(case.inputs[name]) for name in ("image", "boxes")]
    plan = plan_of(case, reference(case).node)
    return plan(Run(), *moving, box_ind, case.inputs["crop_size"])[0]


def test_out_of_range_on_host() -> None:
    error = Exception if BACKEND == "tensorflow" else ValueError
    with pytest.raises(error, match="box_ind"):
        crop_with(CROPS[0], ints(0, 1, 2, 0, 0, 1))


@pytest.mark.skipif(BACKEND == "tensorflow", reason="TensorFlow's kernel raises")
def test_out_of_range_on_device() -> None:
    found = crop_with(CROPS[2], values.to_device(ints(0, 1, 2, 0, 0, -1)))
    assert (values.to_host(found)[[2, 5]] == -1.5).all()


@pytest.mark.skipif(BACKEND == "tensorflow", reason="TensorFlow's own derivative")
@pytest.mark.parametrize("mode", FILLS)
def test_projection_is_differentiable(mode: str) -> None:
    """Interpolation is linear in the images: the sum of derivatives times them is the result."""
    pullback = primitives("image").pullback
    project = image_geometry._project
    found = images(2, 5, 6, 2)
    tensor, transforms = K.convert_to_tensor(found), floats(TRANSFORMS["turn"])

    def total(tensor):
        transform = K.convert_to_tensor(transforms)
        return K.sum(project(tensor, transform, 0.0, (4, 6), ("BILINEAR", mode)))

    derivatives = pullback(total, tensor, K.ones(()))
    assert np.isclose(np.sum(values.to_host(derivatives) * found), float(total(tensor)), rtol=1e-5)
