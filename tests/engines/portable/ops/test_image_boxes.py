"""Boxes in images, against TensorFlow's kernels."""

from itertools import product

import numpy as np

from support.op_cases import Case, check, parametrize

RNG = np.random.default_rng(4)


def boxes(count, seed, lead=()):
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 0.7, (*lead, count, 2))
    found = np.concatenate([corner, corner + rng.uniform(0.05, 0.4, (*lead, count, 2))], axis=-1)
    return found.astype(np.float32)


def scalar(number, dtype="float32"):
    return np.asarray(number, dtype)


def count_of(number):
    return np.asarray(number, np.int32)


MANY = boxes(30, 0)
SCORES = RNG.uniform(0, 1, 30).astype(np.float32)
# Equal boxes, flipped corners, no area; equal and infinite scores.
HARD = np.concatenate([MANY[:6], MANY[:3], MANY[:3, [2, 3, 0, 1]], MANY[:3, [0, 1, 0, 1]]])
TIES = np.asarray([0.5, 0.5, 0.9, 0.1, 0.9, 0.5, 0.9, 0.5, -np.inf, 0.9, 0.3, -1, 0.5, 0.9, 0.2])
TIES = TIES.astype(np.float32)
INPUTS = [(MANY, SCORES), (HARD, TIES), (MANY[:0], SCORES[:0]), (MANY[:1], SCORES[:1])]


def suppressing(op, found, scores, count, limits=(), attrs=None, **options):
    names = ("iou_threshold", "score_threshold", "soft_nms_sigma")
    dtype = "float32" if op[-1] in "nV4" else scores.dtype
    numbers = {name: scalar(limit, dtype) for name, limit in zip(names, limits, strict=False)}
    inputs = {"boxes": found, "scores": scores, "max_output_size": count_of(count), **numbers}
    is_padded = bool(attrs and attrs.get("pad_to_max_output_size"))
    # What is not padded has a shape that depends on values: it is known on the host only.
    return Case(op, inputs, attrs or {}, compiled=is_padded, static=("max_output_size",), **options)


PLAIN = [
    *[suppressing("NonMaxSuppressionV3", *inputs, count, limits)
      for inputs in INPUTS for count, limits in [(10, (0.3, 0.2)), (100, (0.0, -1.0))]],
    suppressing("NonMaxSuppressionV3", MANY, SCORES, 0, (0.5, 0.1)),
    suppressing("NonMaxSuppressionV3", MANY, SCORES, 9, (1.0, float("-inf"))),
    suppressing("NonMaxSuppressionV3", *[x.astype(np.float16) for x in INPUTS[0]], 9, (0.3, 0.2)),
    *[suppressing("NonMaxSuppressionV2", *inputs, 9, (0.4,)) for inputs in INPUTS],
    suppressing("NonMaxSuppressionV2", *[x.astype(np.float16) for x in INPUTS[1]], 9, (0.3,)),
    *[suppressing("NonMaxSuppression", *inputs, 9, attrs={"iou_threshold": 0.4})
      for inputs in INPUTS],
]  # fmt: skip
PADDED = [
    suppressing(op, *inputs, 20, limits, {"pad_to_max_output_size": is_padded})
    for op, limits in [
        ("NonMaxSuppressionV4", (0.3, 0.2)), ("NonMaxSuppressionV5", (0.3, 0.2, 0.0)),
        ("NonMaxSuppressionV5", (0.5, 0.1, 0.4)), ("NonMaxSuppressionV5", (0.5, -2.0, 0.1)),
    ]
    for inputs, is_padded in [*product(INPUTS[:2], (True, False)), (INPUTS[2], True)]
] + [
    suppressing("NonMaxSuppressionV5", *[x.astype(np.float16) for x in INPUTS[0]], 20, limits,
                {"pad_to_max_output_size": True})
    for limits in [(0.3, 0.2, 0.0), (0.5, 0.1, 0.4)]
]  # fmt: skip
OVERLAPS = RNG.uniform(0, 1, (12, 12)).astype(np.float32)
OTHERS = [
    Case("NonMaxSuppressionWithOverlaps",
         {"overlaps": OVERLAPS, "scores": scores, "max_output_size": count_of(6),
          "overlap_threshold": scalar(overlap), "score_threshold": scalar(score)},
         compiled=False, static=("max_output_size",))
    for scores in (SCORES[:12], TIES[:12]) for overlap, score in [(0.8, 0.2), (0.5, -1.0)]
]  # fmt: skip


def combined(classes, kinds, per_class, total, attrs, limits=(0.3, 0.2), count=12, shift=0.0):
    return Case(
        "CombinedNonMaxSuppression",
        {"boxes": np.moveaxis(boxes(count, 7, (2, kinds)), 1, 2) * 1.3 - np.float32(shift),
         "scores": RNG.uniform(0, 1, (2, count, classes)).astype(np.float32),
         "max_output_size_per_class": count_of(per_class), "max_total_size": count_of(total),
         "iou_threshold": scalar(limits[0]), "score_threshold": scalar(limits[1])},
        attrs, static=("max_output_size_per_class", "max_total_size"),
    )  # fmt: skip


COMBINED = [
    combined(3, kinds, 4, total, {"pad_per_class": pad, "clip_boxes": clip}, shift=0.1)
    for kinds, total, pad, clip in [
        (1, 10, False, True), (3, 10, True, False), (3, 40, True, True), (1, 40, False, False),
        (1, 3, True, True),
    ]
] + [
    combined(2, 2, 50, 30, {}, (0.5, -1.0)),
    combined(2, 1, 5, 6, {}, (0.5, 2.0)),
    combined(2, 1, 5, 6, {}, count=0),
]  # fmt: skip

LINES = np.asarray(
    [[[0.1, 0.2, 0.6, 0.8], [0.4, 0.4, 0.9, 0.6], [-0.3, 0.5, 0.5, 1.4], [0.8, 0.8, 0.2, 0.2],
      [1.2, 1.2, 1.5, 1.5], [0.3, 0.0, 0.3, 1.0], [-0.05, -0.05, 1.0, 1.05]],
     [[0.0, 0.0, 1.0, 1.0], [0.5, 0.5, 0.5, 0.5], [-0.4, -0.4, -0.2, -0.2], [0.1, 0.1, 0.9, 0.3],
      [0.2, 0.3, 0.4, 0.5], [0.6, 0.1, 0.7, 0.9], [-1.0, -1.0, 2.0, 2.0]]], np.float32
)  # fmt: skip


def canvas(depth, dtype="float32"):
    return RNG.uniform(0, 1, (2, 8, 9, depth)).astype(dtype)


DRAWINGS = [
    *[Case("DrawBoundingBoxes", {"images": canvas(depth, dtype), "boxes": LINES})
      for depth, dtype in [(3, "float32"), (1, "float32"), (4, "float32"), (3, "float16")]],
    *[Case("DrawBoundingBoxesV2", {"images": canvas(3), "boxes": LINES, "colors": colors})
      for colors in (RNG.uniform(0, 9, (2, 3)).astype(np.float32),
                     RNG.uniform(0, 9, (3, 5)).astype(np.float32), np.zeros((0, 3), np.float32))],
    Case("DrawBoundingBoxes", {"images": canvas(3), "boxes": LINES[:, :0]}),
]  # fmt: skip

CASES = [*PLAIN, *PADDED, *OTHERS, *COMBINED, *DRAWINGS]


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)
