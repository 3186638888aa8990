"""Shapes of outputs where sizes of inputs are free, by trying two sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

# Large enough for models that shrink images, prime so that products do not meet by chance.
_SIZES = (83, 89)


def infer_with_sizes(trace: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Infer outputs with two sizes in the place of free ones: what differs is free.

    Args:
        trace: Returns symbolic outputs for symbolic inputs without free sizes.
        args: Positional arguments, nests with `keras.KerasTensor` leaves.
        kwargs: Keyword arguments, likewise.
    """
    if not any(None in leaf.shape for leaf in keras.tree.flatten((args, kwargs)) if _is(leaf)):
        return trace(*args, **kwargs)
    first, second = (trace(*_sized(args, size), **_sized(kwargs, size)) for size in _SIZES)
    return keras.tree.map_structure(_merged, first, second)


def _is(leaf: Any) -> bool:
    return isinstance(leaf, keras.KerasTensor)


def _sized(nest: Any, size: int) -> Any:
    def fill(leaf: Any) -> Any:
        if not _is(leaf):
            return leaf
        shape = tuple(size if known is None else known for known in leaf.shape)
        return keras.KerasTensor(shape, leaf.dtype)

    return keras.tree.map_structure(fill, nest)


def _merged(first: Any, second: Any) -> Any:
    if not _is(first):
        return first
    pairs = zip(first.shape, second.shape, strict=True)
    return keras.KerasTensor(tuple(a if a == b else None for a, b in pairs), first.dtype)
