"""Which boxes are kept where several overlap, by NumPy and on the device; without ops."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable.values import cast, dtype_name, shape_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from anyhub.graph.const_call import Array


_NEVER = -float("inf")


class Thresholds(NamedTuple):
    """Numbers of the scores' element type, or tensors.

    Attributes:
        overlap: Boxes that overlap more are suppressed.
        score: Boxes that do not score more are ignored.
        sigma: If it is positive, overlapping boxes are not suppressed but score less.
    """

    overlap: Any
    score: Any
    sigma: Any = 0.0


def iou(xp: Any, a: Any, b: Any) -> Any:
    """Intersection over union of boxes [..., 4] in float32; `xp` is NumPy or `keras.ops`."""
    low_a, high_a = xp.minimum(a[..., :2], a[..., 2:]), xp.maximum(a[..., :2], a[..., 2:])
    low_b, high_b = xp.minimum(b[..., :2], b[..., 2:]), xp.maximum(b[..., :2], b[..., 2:])
    area_a, area_b = _area(high_a - low_a), _area(high_b - low_b)
    common = xp.minimum(high_a, high_b) - xp.maximum(low_a, low_b)
    shared = _area(xp.maximum(common, 0))
    is_empty = (area_a <= 0) | (area_b <= 0)
    union = xp.where(is_empty, 1, area_a + area_b - shared)
    return xp.where(is_empty, 0, shared / union)


def _area(sides: Any) -> Any:
    return sides[..., 0] * sides[..., 1]


def overlap_of(boxes: Array) -> Callable[[int, Array], Array]:
    """How much a box overlaps others, by their indices."""
    boxes = boxes.astype(np.float32)
    return lambda index, others: iou(np, boxes[others], boxes[index])


def keep(
    scores: Array, overlap: Callable[[int, Array], Array], count: int, limits: Thresholds
) -> tuple[Array, Array]:
    """The indices and scores of the boxes that are kept, at most `count`."""
    candidates = np.flatnonzero(scores > limits.score)
    if limits.sigma > 0:
        return _keep_softly(scores, candidates, overlap, count, limits)
    # Of equal scores the first wins.
    order = candidates[np.argsort(-scores[candidates].astype(np.float64), kind="stable")]
    kept: list[int] = []
    while order.size and len(kept) < count:
        kept.append(int(order[0]))
        overlaps = overlap(kept[-1], order[1:]).astype(scores.dtype)
        order = order[1:][~(overlaps > limits.overlap)]
    indices = np.asarray(kept, np.int32)
    return indices, scores[indices]


def _keep_softly(
    scores: Array,
    candidates: Array,
    overlap: Callable[[int, Array], Array],
    count: int,
    limits: Thresholds,
) -> tuple[Array, Array]:
    dtype = scores.dtype.type
    scale = dtype(dtype(-0.5) / limits.sigma)
    # How many of the kept boxes a candidate has been compared with is its last number.
    queue = [(-float(scores[i]), int(i), 0) for i in candidates]
    heapq.heapify(queue)
    kept: list[int] = []
    found: list[Any] = []
    while queue and len(kept) < count:
        negative, index, seen = heapq.heappop(queue)
        score = before = dtype(-negative)
        overlaps = overlap(index, np.asarray(kept[seen:], np.int64)).astype(scores.dtype)
        for shared in overlaps[::-1]:
            score = dtype(score * np.exp(scale * shared * shared))
            if score <= limits.score:
                break
        if score == before:
            kept.append(index)
            found.append(score)
        elif score > limits.score:
            heapq.heappush(queue, (-float(score), index, len(kept)))
    return np.asarray(kept, np.int32), np.asarray(found, scores.dtype)


def keep_on_device(boxes: Any, scores: Any, count: int, limits: Thresholds) -> tuple[Any, Any, Any]:
    """Indices and scores of the boxes that are kept, padded with zeros, and how many they are.

    Args:
        boxes: Of shape [..., boxes, 4].
        scores: Of shape [..., boxes].
        count: How many are kept at most.
        limits: Thresholds.
    """
    dtype = dtype_name(scores)
    *lead, total = shape_of(scores)
    indices, found = K.zeros((*lead, count), "int32"), K.zeros((*lead, count), dtype)
    kept = K.zeros(lead, "int32")
    if total == 0:
        return indices, found, kept
    boxes = K.stop_gradient(cast(boxes, "float32"))
    scores = K.stop_gradient(scores)
    scores = cast(K.where(scores > limits.score, scores, _NEVER), dtype)
    places, positions = K.arange(count, dtype="int32"), K.arange(total, dtype="int32")

    def body(step: Any, state: tuple[Any, ...]) -> tuple[Any, ...]:
        scores, indices, found, kept = state
        # Of equal scores the first wins.
        best = cast(K.argmax(scores, axis=-1), "int32")[..., None]
        score = K.max(scores, axis=-1, keepdims=True)
        is_valid = score > limits.score
        shared = iou(K, K.take_along_axis(boxes, best[..., None], axis=-2), boxes)
        rest = K.where(positions == best, _NEVER, _suppressed(scores, cast(shared, dtype), limits))
        is_place = is_valid & (places == step)
        return (
            cast(K.where(is_valid, rest, scores), dtype),
            K.where(is_place, best, indices),
            cast(K.where(is_place, score, found), dtype),
            kept + cast(is_valid[..., 0], "int32"),
        )

    _, *results = K.fori_loop(0, count, body, (scores, indices, found, kept))
    return tuple(results)


def _suppressed(scores: Any, shared: Any, limits: Thresholds) -> Any:
    softened = scores * K.exp(-0.5 / K.where(limits.sigma > 0, limits.sigma, 1.0) * shared * shared)
    return K.where(limits.sigma > 0, softened, K.where(shared > limits.overlap, _NEVER, scores))
