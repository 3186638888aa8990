"""Makes a model smaller without changing what it computes.

Values that are stored twice are stored once; optimizers, their slots, and functions that nothing
can reach are dropped. What is left loads in TensorFlow as before.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from anyhub.graph.object_edits import drop_optimizers
from anyhub.graph.reach import reachable_functions
from anyhub.savedmodel.variables import OBJECT_GRAPH_KEY
from anyhub.savedmodel.writing import write

_PIECE = 1 << 20

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from pathlib import Path

    from anyhub.savedmodel.model import SavedModel


@dataclass(frozen=True)
class Compaction:
    """What was done.

    Attributes:
        path: The new directory.
        shared_bytes: Bytes of values that are now stored once instead of several times.
        dropped_values: Keys of dropped values.
        dropped_functions: Names of dropped functions.
    """

    path: Path
    shared_bytes: int
    dropped_values: tuple[str, ...]
    dropped_functions: tuple[str, ...]


def compact(
    model: SavedModel, path: str | os.PathLike[str], *, keep_optimizers: bool = False
) -> Compaction:
    """Write a smaller model.

    Args:
        model: The model.
        path: A directory that does not exist or is empty.
        keep_optimizers: Whether the state of training is kept.

    Raises:
        SavedModelError: The directory is not empty, or the model is damaged.
    """
    smaller, values = (model, ()) if keep_optimizers else drop_optimizers(model)
    smaller, functions = drop_unreachable_functions(smaller)
    same = equal_values(smaller)
    written = write(smaller, path, same_values=same)
    bundle = smaller.store.bundle
    shared = sum(bundle.entry(key).size for key in same) if bundle is not None else 0
    return Compaction(written, shared, values, functions)


def drop_unreachable_functions(model: SavedModel) -> tuple[SavedModel, tuple[str, ...]]:
    """Drop functions that no signature, object, gradient or other function uses.

    Returns:
        The model, and the names of the dropped functions.
    """
    proto = type(model.proto)()
    proto.CopyFrom(model.proto)
    dropped: set[str] = set()
    for graph in proto.meta_graphs:
        library = graph.graph_def.library
        used = reachable_functions(graph)
        names = {function.signature.name for function in library.function}
        dropped |= names - used
        _keep(library.function, lambda f, used=used: f.signature.name in used)
        _keep(library.gradient, lambda g, used=used: g.function_name in used)
        _keep(library.registered_gradients, lambda g, used=used: g.gradient_func in used)
        for name in set(graph.object_graph_def.concrete_functions) - used:
            del graph.object_graph_def.concrete_functions[name]
    return model.with_proto(proto), tuple(sorted(dropped))


def _keep(repeated: Any, wanted: Any) -> None:
    kept = [item for item in repeated if wanted(item)]
    if len(kept) != len(repeated):
        del repeated[:]
        repeated.extend(kept)


def equal_values(model: SavedModel) -> Mapping[str, str]:
    """Find values that are stored more than once.

    Returns:
        For each repeated value's key, the key of the first equal one.
    """
    bundle = model.store.bundle
    if bundle is None:
        return {}
    found: dict[str, str] = {}
    for group in alike_values(model):
        firsts: list[str] = []
        for key in group:
            first = next((other for other in firsts if _are_equal(bundle, other, key)), None)
            if first is None:
                firsts.append(key)
            else:
                found[key] = first
    return found


def _are_equal(bundle: Any, one: str, other: str) -> bool:
    """Compare bytes piece by piece: as a whole they might not fit into memory twice."""
    first, second = (np.frombuffer(bundle.read_raw(key), np.uint8) for key in (one, other))
    starts = range(0, len(first), _PIECE)
    return all(np.array_equal(first[i : i + _PIECE], second[i : i + _PIECE]) for i in starts)


def alike_values(model: SavedModel) -> list[list[str]]:
    """Groups of keys whose values have the same type, shape, size and checksum.

    No value is read. Equal checksums are no proof of equal values.
    """
    bundle = model.store.bundle
    if bundle is None:
        return []
    keys = [key for key in bundle if key not in model.store.changes]
    groups: defaultdict[Any, list[str]] = defaultdict(list)
    for key in keys:
        entry = bundle.entry(key)
        if not entry.slices and key != OBJECT_GRAPH_KEY:
            groups[entry.dtype.number, entry.shape, entry.size, entry.crc32c].append(key)
    return [group for group in groups.values() if len(group) > 1]
