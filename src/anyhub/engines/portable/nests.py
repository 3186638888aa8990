"""Nests of values: flattened and rebuilt in TensorFlow's order."""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING, Any

from anyhub.savedmodel.structured import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def leaves(structure: Any) -> Iterator[Any]:
    """The leaves of a nest; dicts by sorted keys, None is a leaf."""
    match structure:
        case dict():
            for key in sorted(structure):
                yield from leaves(structure[key])
        case NamedTuple():
            for _, value in structure.fields:
                yield from leaves(value)
        case list() | tuple():
            for value in structure:
                yield from leaves(value)
        case _:
            yield structure


def rebuild(structure: Any, leaf: Callable[[Any], Any]) -> Any:
    """The same nest with other leaves, asked for in order; NamedTuple becomes a namedtuple."""
    match structure:
        case dict():
            return {key: rebuild(structure[key], leaf) for key in sorted(structure)}
        case NamedTuple():
            made = namedtuple(structure.name, [name for name, _ in structure.fields])  # type: ignore[misc]
            return made(*[rebuild(value, leaf) for _, value in structure.fields])
        case list():
            return [rebuild(value, leaf) for value in structure]
        case tuple():
            return tuple(rebuild(value, leaf) for value in structure)
        case _:
            return leaf(structure)


def pairs(expected: Any, found: Any) -> list[tuple[Any, Any]] | None:
    """Leaves of a nest with what another has in their places; None if the nests differ."""
    match expected:
        case dict():
            if not isinstance(found, dict) or {*expected} != {*found}:
                return None
            items = [(expected[key], found[key]) for key in sorted(expected)]
        case NamedTuple():
            if not hasattr(found, "_fields") or len(found) != len(expected.fields):
                return None
            items = [(value, found[i]) for i, (_, value) in enumerate(expected.fields)]
        case list() | tuple():
            kind = list if isinstance(expected, list) else tuple
            if not isinstance(found, kind) or len(found) != len(expected):
                return None
            items = list(zip(expected, found, strict=True))
        case _:
            return [(expected, found)]
    result: list[tuple[Any, Any]] = []
    for one, other in items:
        inner = pairs(one, other)
        if inner is None:
            return None
        result += inner
    return result
