"""Images of another size, against TensorFlow's kernels."""

from itertools import product

import ml_dtypes
import numpy as np

from anyhub.engines.portable import values
from anyhub.engines.portable.backends import primitives
from support.op_cases import Case, check, parametrize

RNG = np.random.default_rng(0)
SIZES = [(5, 4, 8, 7), (5, 7, 3, 2), (1, 3, 4, 1), (2, 4, 6, 4)]
MODES = [(False, True), (False, False), (True, False)]


def images(height, width, dtype="float32", batch=2, channels=2):
    values = RNG.uniform(0, 255, (batch, height, width, channels))
    if np.dtype(dtype).kind == "i":
        values = values / 2 - 60
    return values.astype(dtype)


def size_of(height, width):
    return np.asarray([height, width], np.int32)


def resizing(op, image, new, modes, **options):
    attrs = dict(zip(("align_corners", "half_pixel_centers"), modes, strict=False))
    return Case(op, {"images": image, "size": size_of(*new)}, attrs, static=("size",), **options)


# Sums of numbers up to 255 in another order; bicubic weights make larger numbers cancel.
CLOSE = (2e-5, 2e-5 * 255)
FLOATS = [
    resizing(op, images(h, w), (new_h, new_w), mode, gradient=h == 5, tolerance=CLOSE)
    for op in ("ResizeBilinear", "ResizeNearestNeighbor", "ResizeBicubic")
    for (h, w, new_h, new_w), mode in product(SIZES, MODES)
]
AREAS = [
    resizing("ResizeArea", images(h, w), (new_h, new_w), (align,), tolerance=CLOSE)
    for (h, w, new_h, new_w), align in product(
        [*SIZES, (20, 3, 2, 2), (11, 9, 7, 8)], (False, True)
    )
]
TYPES = [
    resizing(op, images(3, 4, dtype), (5, 2), mode, tolerance=CLOSE)
    for op in ("ResizeBilinear", "ResizeNearestNeighbor", "ResizeBicubic", "ResizeArea")
    for dtype, mode in [
        ("uint8", (False,)),
        ("int8", (False,)),
        ("int16", (False,)),
        ("uint16", (True,)),
        ("int32", (True,)),
        ("int64", (False,)),
        ("float16", (False,)),
        ("float64", (True,)),
        (ml_dtypes.bfloat16, (False,)),
    ]
]
WIDE = [
    resizing("ResizeBilinear", images(40, 2, batch=1, channels=1), (13, 3), (False, True)),
    resizing("ResizeBilinear", np.full((1, 7, 7, 1), 255, np.uint8), (14, 15), (True, False),
             tolerance=(0, 0)),
    resizing("ResizeNearestNeighbor", images(2, 30, batch=1, channels=1), (3, 13), (False, True)),
    resizing("ResizeBilinear", images(2, 2, batch=0), (3, 4), (False, True)),
    resizing("ResizeNearestNeighbor", images(2, 2, batch=0), (3, 4), (False, True)),
    resizing("ResizeBicubic", images(17, 2, batch=1, channels=3), (31, 3), (False, True),
             tolerance=CLOSE),
]  # fmt: skip


def small(*shape, dtype="float32"):
    return RNG.normal(size=shape).astype(dtype)


def modes_of(align_corners, half_pixel_centers):
    return {"align_corners": align_corners, "half_pixel_centers": half_pixel_centers}


GRADS = [
    Case(op, {"grads": small(2, new_h, new_w, 2), "original_image": small(2, h, w, 2)},
         modes_of(*mode))
    for op in ("ResizeBilinearGrad", "ResizeBicubicGrad")
    for (h, w, new_h, new_w), mode in zip(SIZES, [*MODES, MODES[0]], strict=True)
] + [
    Case("ResizeNearestNeighborGrad",
         {"grads": small(2, new_h, new_w, 2, dtype=dtype), "size": size_of(h, w)},
         modes_of(*mode), static=("size",))
    for (h, w, new_h, new_w), mode, dtype in zip(
        SIZES, [*MODES, MODES[0]], ["float32"] * 2 + ["float64", "float16"], strict=True)
] + [
    Case("ResizeNearestNeighborGrad", {"grads": small(2, 5, 5, 1), "size": size_of(3, 4)},
         modes_of(True, True), static=("size",)),
    Case("ResizeBilinearGrad",
         {"grads": small(2, 5, 5, 1), "original_image": small(2, 3, 4, 1, dtype="float16")},
         modes_of(False, True)),
]  # fmt: skip

CASES = [*FLOATS, *AREAS, *TYPES, *WIDE, *GRADS]


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)


def test_primitives() -> None:
    """What is not used where a backend has kernels of its own."""
    image = primitives("image")
    array = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    matrix = np.asarray([[1, 2, 0], [0, 1, -1]], np.float32)
    tensor = values.to_device(array)
    taken = image.take(tensor, np.asarray([2, 0]), 1)
    assert values.to_host(taken).tolist() == array[:, [2, 0]].tolist()
    rows = image.take_rows(tensor, values.to_device(np.asarray([[1, 0]])))
    assert values.to_host(rows).tolist() == array[[[1, 0]]].tolist()
    product_ = image.contract(tensor, matrix, 1)
    assert values.to_host(product_).tolist() == np.einsum("nm,amc->anc", matrix, array).tolist()
    slope = image.pullback(lambda x: x * x, tensor, tensor)
    assert values.to_host(slope).tolist() == (2 * array * array).tolist()
    assert values.to_host(image.divided(image.rounded(tensor), 2)).tolist() == (array / 2).tolist()
    assert values.to_host(image.compiled(lambda x, n: x + n, (1,))(tensor, 1))[0, 0, 0] == 1
