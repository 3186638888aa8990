"""Boxes in images: which of those that overlap are kept, and drawing them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.ops import image_nms
from anyhub.engines.portable.ops.image_nms import Thresholds
from anyhub.engines.portable.registry import lower, lower_host, lower_raw
from anyhub.engines.portable.values import cast, dtype_name, is_traced, shape_of, to_device, to_host

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute
    from anyhub.graph.const_call import Array

_image = primitives("image")

_PADDED_ONLY = (
    "no derivatives; in compiled code only with padded results, max_output_size from the host, and "
    "thresholds that are not checked"
)


@lower_host("NonMaxSuppression", limits="on the host only")
def non_max_suppression(node: NodeView) -> Compute:
    threshold = node.number("iou_threshold")

    def run(boxes: Array, scores: Array, count: Array) -> Array:
        lowest = np.finfo(np.float32).min
        return _keep(boxes, scores, count, np.asarray(threshold, np.float32), lowest)[0]

    return run


@lower_host("NonMaxSuppressionV2", "NonMaxSuppressionV3", limits="on the host only")
def non_max_suppression_v3(node: NodeView) -> Compute:
    lowest = _lowest(node.dtype("T"))

    def run(
        boxes: Array, scores: Array, count: Array, overlap: Array, score: Any = lowest
    ) -> Array:
        return _keep(boxes, scores, count, overlap, score)[0]

    return run


@lower_host("NonMaxSuppressionWithOverlaps", limits="on the host only")
def non_max_suppression_with_overlaps(_: NodeView) -> Compute:
    def run(overlaps: Array, scores: Array, count: Array, overlap: Array, score: Array) -> Array:
        limits = Thresholds(overlap.item(), score.item())

        def overlap_of(index: int, others: Array) -> Array:
            return np.asarray(overlaps[others, index])

        return image_nms.keep(scores, overlap_of, _count(count), limits)[0]

    return run


@lower_raw("NonMaxSuppressionV4", limits=_PADDED_ONLY)
def non_max_suppression_v4(node: NodeView) -> Compute:
    is_padded = node.boolean("pad_to_max_output_size")
    select = _selection(is_padded)

    def run(_run: Any, *values: Any) -> tuple[Any, Any]:
        indices, _, kept = select(*values)
        return indices, kept

    inputs = ("boxes", "scores", "max_output_size", "iou_threshold", "score_threshold")
    own = _image.kernel(node.op, inputs, {"pad_to_max_output_size": True})
    return run if own is None or not is_padded else lambda _run, *values: own(*values)


@lower_raw("NonMaxSuppressionV5", limits=_PADDED_ONLY)
def non_max_suppression_v5(node: NodeView) -> Compute:
    is_padded = node.boolean("pad_to_max_output_size")
    select = _selection(is_padded)
    inputs = (
        "boxes", "scores", "max_output_size", "iou_threshold", "score_threshold", "soft_nms_sigma",
    )  # fmt: skip
    own = _image.kernel(node.op, inputs, {"pad_to_max_output_size": True})
    if own is None or not is_padded:
        return lambda _run, *values: select(*values)
    return lambda _run, *values: own(*values)


def _selection(is_padded: bool) -> Compute:
    def on_device(boxes: Any, scores: Any, *limits: Any, count: int) -> tuple[Any, Any, Any]:
        scores = to_device(scores)
        dtype = dtype_name(scores)
        thresholds = Thresholds(*[cast(to_device(limit), dtype) for limit in limits])
        return image_nms.keep_on_device(to_device(boxes), scores, count, thresholds)

    def run(boxes: Any, scores: Any, count: Any, *limits: Any) -> tuple[Any, Any, Any]:
        values = (boxes, scores, *limits)
        if is_padded and any(is_traced(value) for value in values):
            return on_device(*values, count=_count(to_host(count)))
        boxes, scores, count, *thresholds = map(to_host, (boxes, scores, count, *limits))
        indices, found = _keep(boxes, scores, count, *thresholds)
        kept = np.asarray(len(indices), np.int32)
        missing = int(count) - len(indices) if is_padded else 0
        return np.pad(indices, (0, missing)), np.pad(found, (0, missing)), kept

    return run


def _keep(boxes: Array, scores: Array, count: Array, *thresholds: Any) -> tuple[Array, Array]:
    kind = scores.dtype.type
    limits = Thresholds(*[kind(threshold) for threshold in thresholds])
    _check_overlap(limits.overlap)
    if limits.sigma < 0:
        raise ValueError(f"soft_nms_sigma {limits.sigma}; it must not be negative")
    return image_nms.keep(scores, image_nms.overlap_of(boxes), _count(count), limits)


def _check_overlap(threshold: Any) -> None:
    if not 0 <= threshold <= 1:
        raise ValueError(f"iou_threshold {threshold}; it must be from 0 to 1")


def _count(count: Array) -> int:
    if count < 0:
        raise ValueError(f"max_output_size {count}; it must not be negative")
    return int(count)


def _lowest(dtype: str) -> float:
    return float(np.finfo(np.float16 if dtype == "float16" else np.float32).min)


@lower_raw(
    "CombinedNonMaxSuppression",
    limits="no derivatives; boxes with equal scores keep the order of classes and boxes, where "
    "TensorFlow's order is not defined; in compiled code sizes come from the host",
)
def combined_non_max_suppression(node: NodeView) -> Compute:
    pad_per_class, clip_boxes = node.boolean("pad_per_class"), node.boolean("clip_boxes")
    attrs = {"pad_per_class": pad_per_class, "clip_boxes": clip_boxes}
    inputs = (
        "boxes", "scores", "max_output_size_per_class", "max_total_size", "iou_threshold",
        "score_threshold",
    )  # fmt: skip
    own = _image.kernel(node.op, inputs, attrs)

    def run(_run: Any, boxes: Any, scores: Any, *rest: Any) -> Any:
        per_class, total = (int(to_host(value)) for value in rest[:2])
        size = min(total, per_class * scores.shape[2]) if pad_per_class else total
        per_class = min(per_class, boxes.shape[1])
        values = (boxes, scores, *rest[2:])
        if any(is_traced(value) for value in values):
            boxes, scores, *limits = map(to_device, values)
            places, found = _each_on_device(boxes, scores, per_class, Thresholds(*limits))
            return _best(K, places, found, size, clip_boxes)
        boxes, scores, *limits = map(to_host, values)
        _check_overlap(limits[0])
        places, found = _each_on_host(boxes, scores, per_class, Thresholds(*limits))
        return _best(np, places, found, size, clip_boxes)

    return run if own is None else lambda _run, *values: own(*values)


def _each_on_host(
    boxes: Array, scores: Array, count: int, limits: Thresholds
) -> tuple[Array, Array]:
    """Boxes [batch, classes, count, 4] and scores of those kept of each class, -inf for none."""
    batch, _, kinds, _ = boxes.shape
    classes = scores.shape[2]
    found = np.full((batch, classes, count), -np.inf, np.float32)
    places = np.zeros((batch, classes, count, 4), np.float32)
    for i in range(batch):
        for j in range(classes):
            of_class = boxes[i, :, j if kinds > 1 else 0]
            overlap = image_nms.overlap_of(of_class)
            indices, best = image_nms.keep(scores[i, :, j], overlap, count, limits)
            found[i, j, : len(best)], places[i, j, : len(best)] = best, of_class[indices]
    return places, found


def _each_on_device(boxes: Any, scores: Any, count: int, limits: Thresholds) -> tuple[Any, Any]:
    """As `_each_on_host`."""
    boxes = K.stop_gradient(K.transpose(boxes, (0, 2, 1, 3)))
    scores = K.transpose(scores, (0, 2, 1))
    boxes = K.broadcast_to(boxes, (*shape_of(scores), 4))
    indices, found, kept = image_nms.keep_on_device(boxes, scores, count, limits)
    found = K.where(K.arange(count, dtype="int32") < kept[..., None], found, -float("inf"))
    if boxes.shape[2] == 0:
        return K.zeros((*shape_of(found), 4), "float32"), found
    return K.take_along_axis(boxes, indices[..., None], axis=2), found


def _best(xp: Any, boxes: Any, scores: Any, size: int, clip_boxes: bool) -> tuple[Any, ...]:
    """The best of all classes, padded with zeros: boxes, scores, classes, how many they are."""
    batch, classes, count = shape_of(scores)
    scores, boxes = scores.reshape((batch, -1)), boxes.reshape((batch, -1, 4))
    missing = max(size - classes * count, 0)
    scores = xp.pad(scores, ((0, 0), (0, missing)), constant_values=-float("inf"))
    boxes = xp.pad(boxes, ((0, 0), (0, missing), (0, 0)))
    order = xp.argsort(-scores, axis=-1)[:, :size] if xp is K else _stable_order(scores, size)
    scores = xp.take_along_axis(scores, order, axis=1)
    is_valid = scores > -float("inf")
    boxes = xp.where(is_valid[..., None], xp.take_along_axis(boxes, order[..., None], axis=1), 0)
    boxes = xp.clip(boxes, 0, 1) if clip_boxes else boxes
    kinds = xp.where(is_valid, order // max(count, 1), 0)
    kept = xp.sum(is_valid, axis=1)
    scores = xp.where(is_valid, scores, 0)
    types = (boxes, "float32"), (scores, "float32"), (kinds, "float32"), (kept, "int32")
    return tuple(x.astype(t) if xp is np else cast(x, t) for x, t in types)


def _stable_order(scores: Array, size: int) -> Array:
    return np.argsort(-scores, axis=-1, kind="stable")[:, :size]


_COLORS = np.asarray(
    [
        [1, 1, 0, 1], [0, 0, 1, 1], [1, 0, 0, 1], [0, 1, 0, 1], [0.5, 0, 0.5, 1],
        [0.5, 0.5, 0, 1], [0.5, 0, 0, 1], [0, 0, 0.5, 1], [0, 1, 1, 1], [1, 0, 1, 1],
    ], np.float32,
)  # fmt: skip


@lower("DrawBoundingBoxes", "DrawBoundingBoxesV2")
def draw_bounding_boxes(node: NodeView) -> Compute:
    dtype = node.dtype("T")
    names = ("images", "boxes", "colors") if node.op[-1] == "2" else ("images", "boxes")
    own: Compute | None = _image.kernel(node.op, names, {})

    def run(images: Any, boxes: Any, colors: Any = None) -> Any:
        depth = images.shape[3]
        if colors is None or 0 in shape_of(colors):
            table = _COLORS[:, :depth] if depth > 1 else np.ones((10, 1), np.float32)
            colors = to_device(np.ascontiguousarray(table))
        if boxes.shape[1] == 0:
            return images
        last = _last_line(boxes, shape_of(images)[1:3])
        color = K.take(cast(colors, dtype)[:, :depth], K.maximum(last, 0) % colors.shape[0], axis=0)
        # TensorFlow calls this not differentiable.
        return K.stop_gradient(cast(K.where((last >= 0)[..., None], color, images), dtype))

    return own or run


def _last_line(boxes: Any, sizes: tuple[int, ...]) -> Any:
    """Which box's line goes through each pixel, the last where several do, -1 for none."""
    height, width = sizes
    scale = np.asarray([height - 1, width - 1] * 2, np.float32)
    # Numbers far outside do not fit into integers.
    ends = K.cast(K.clip(boxes * to_device(scale), -1e6, 1e6), "int32")
    top, left, bottom, right = K.unstack(ends[..., None], axis=2)
    rows, columns = K.arange(height, dtype="int32"), K.arange(width, dtype="int32")
    is_drawn = ((top <= bottom) & (left <= right))[..., None]
    row_line = ((rows == top) | (rows == bottom))[..., None]
    column_line = ((columns == left) | (columns == right))[:, :, None]
    in_rows = ((rows >= top) & (rows <= bottom))[..., None]
    in_columns = ((columns >= left) & (columns <= right))[:, :, None]
    is_line = is_drawn & ((row_line & in_columns) | (column_line & in_rows))
    number = K.arange(boxes.shape[1], dtype="int32")[None, :, None, None]
    return K.max(K.where(is_line, number, -1), axis=1)
