"""Streams of random numbers on the two planes.

A stream whose words are known is an array, and few numbers are drawn from it at once by NumPy:
they are on the host, so that they may decide about shapes. Otherwise it is a tensor of words.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable import philox, values
from anyhub.engines.portable.backends import primitives

if TYPE_CHECKING:
    from anyhub.graph.const_call import Array

_random = primitives("random")

PHILOX = 1
_AUTO_SELECT = 3
_FEW = 16


def seeded(seed: Any) -> Any:
    """The stream of a seed, a vector of two integers.

    Raises:
        ValueError: It is something else.
    """
    if values.shape_of(seed) != (2,):
        raise ValueError(f"a seed of shape {values.shape_of(seed)}; it must have shape (2,)")
    if values.is_traced(seed):
        return _random.seeded(seed)
    first, second = values.to_host(seed).tolist()
    return philox.seeded(first, second)


def stream(key: Any, counter: Any, algorithm: Any) -> Any:
    """The stream of a key, a counter and the number of an algorithm.

    Raises:
        ValueError: TensorFlow would refuse them on the CPU.
    """
    check_algorithm(algorithm)
    if values.shape_of(key) not in ((1,), (2,)) or len(values.shape_of(counter)) != 1:
        raise ValueError(
            f"a key of shape {values.shape_of(key)} and a counter of {values.shape_of(counter)}; "
            "they must have shapes (1,) and (2,)"
        )
    if values.is_traced(key) or values.is_traced(counter):
        return _random.stream(key, counter)
    return philox.stream(_numbers(key, 1)[0], _numbers(counter, 2))


def _numbers(value: Any, count: int) -> list[int]:
    """64-bit numbers, or the halves that stand for them where there are only 32 bits."""
    array = values.to_host(value)
    if array.dtype.itemsize == 4 and array.size >= 2 * count:
        array = np.ascontiguousarray(array[: 2 * count]).view(np.uint64)
    if array.size < count:
        raise ValueError(f"a key or counter with {array.size} elements; {count} are needed")
    return [int(number) for number in array[:count].tolist()]


def check_algorithm(algorithm: Any) -> None:
    """Refuse all algorithms but Philox, as TensorFlow does on the CPU.

    Raises:
        ValueError: It is another.
    """
    number = int(values.to_host(algorithm))
    if number not in (PHILOX, _AUTO_SELECT):
        raise ValueError(f"random number algorithm {number}; only 1 (Philox) is supported")


def key_and_counter(words: Any) -> tuple[Any, Any]:
    """The key and the counter of a stream, as TensorFlow's ops hand them on."""
    if not values.is_host(words):
        key, counter = _random.numbers_of(words)
        return key, counter
    numbers = np.ascontiguousarray(words).view(np.uint64)
    return numbers[:1], numbers[1:]


def sizes(shape: Any) -> tuple[int, ...]:
    """A shape that a graph computed.

    Raises:
        ValueError: It is none.
    """
    found = values.to_host(shape)
    if found.ndim != 1 or (found < 0).any():
        raise ValueError(f"{found.tolist()} is no shape")
    return tuple(found.tolist())


def draw(name: str, words: Any, shape: tuple[int, ...], dtype: str, *bounds: Any) -> Any:
    """Numbers from a stream.

    Args:
        name: "uniform", "normal", "truncated_normal", "full_int" or "uniform_int".
        words: The stream.
        shape: The shape.
        dtype: The element type.
        *bounds: For "uniform_int" the lowest number, and the first one above.
    """
    is_small = values.is_host(words) and math.prod(shape) <= _FEW
    if is_small and not any(values.is_traced(bound) for bound in bounds):
        return getattr(philox, name)(words, shape, dtype, *map(values.to_host, bounds))
    return getattr(_random, name)(words, shape, dtype, *bounds)


def permutation(words: Any, size: int) -> Any:
    """The numbers below size in TensorFlow's random order, int32."""
    return (philox if values.is_host(words) else _random).permutation(words, size)


def order(words: Any, size: int) -> Any:
    """The numbers below size in a random order that is found faster than TensorFlow's, int32."""
    drawn = draw("full_int", words, (size,), "int32")
    if values.is_host(drawn):
        return np.argsort(drawn).astype(np.int32)
    return values.cast(K.argsort(drawn), "int32")


def combined(words: Any, own: Array) -> Any:
    """A stream whose words are changed by other words."""
    return words ^ own if values.is_host(words) else _random.combined(words, own)
