"""The strings inside tensors.

Source: `Tensor::FromProto` of TensorFlow: strings stand in `string_val`, or in `tensor_content` as
the lengths of all of them (varints) and then their bytes, or inside the tensors of variants.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

_STRING_TYPES = frozenset({7, 107})  # DT_STRING and its reference type


def tensor_strings(tensor: Any) -> Iterator[bytes]:
    """All strings inside a TensorProto, in whatever form they are written."""
    yield from tensor.string_val
    if tensor.dtype in _STRING_TYPES and tensor.tensor_content:
        yield from _packed_strings(tensor)
    for variant in tensor.variant_val:
        yield variant.metadata
        for part in variant.tensors:
            yield from tensor_strings(part)


def holds_handle(tensor: Any) -> bool:
    """Whether a TensorProto names an object of the process that runs it."""
    return bool(tensor.resource_handle_val) or any(
        holds_handle(part) for variant in tensor.variant_val for part in variant.tensors
    )


def text_values(tensor: Any) -> frozenset[bytes] | None:
    """The different values of a string tensor.

    Returns:
        The values; None if there are none, or if they are written in two ways at once.
    """
    if tensor.dtype not in _STRING_TYPES or not element_count(tensor):
        return None
    if tensor.tensor_content and tensor.string_val:
        return None
    if tensor.tensor_content:
        return frozenset(_packed_strings(tensor)) or None
    return frozenset(tensor.string_val) or frozenset({b""})


def element_count(tensor: Any) -> int:
    """How many elements a TensorProto declares; 0 if a dimension is unknown."""
    sizes = [dimension.size for dimension in tensor.tensor_shape.dim]
    return 0 if any(size < 0 for size in sizes) else math.prod(sizes)


def _packed_strings(tensor: Any) -> Iterator[bytes]:
    content = tensor.tensor_content
    # Each length takes a byte or more: a larger count is no such tensor.
    count = min(element_count(tensor), len(content))
    lengths, position = [], 0
    for _ in range(count):
        length, position = _varint(content, position)
        lengths.append(length)
    for length in lengths:
        yield content[position : position + length]
        position += length


def _varint(content: bytes, position: int) -> tuple[int, int]:
    result = shift = 0
    while position < len(content):
        byte = content[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
    return result, position
