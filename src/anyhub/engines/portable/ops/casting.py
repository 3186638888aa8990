"""From one element type to another: by value and by bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras import ops as K  # noqa: N812 - as everywhere in the Keras world

from anyhub.engines.portable import values
from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.registry import lower
from anyhub.errors import EngineError

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute

_bits = primitives("bits")
_complex = primitives("complex").FUNCTIONS

# What tensors of quantized types hold.
_PLAIN = {
    "qint8": "int8", "quint8": "uint8", "qint16": "int16", "quint16": "uint16", "qint32": "int32",
}  # fmt: skip
_FLOATS = ("float16", "bfloat16", "float32", "float64")
# Bits of the mantissa, and the integer of the same width.
_MANTISSA = {"float16": 10, "bfloat16": 7, "float32": 23, "float64": 52}
_CARRIERS = {"float32": "int32", "float64": "int64"}


@lower(
    "Cast",
    limits="a number that is no value of the integer type becomes what the backend makes of it "
    "(TensorFlow's results differ between processors, too)",
)
def cast(node: NodeView) -> Compute:
    source, target = plain_dtype(node.dtype("SrcT")), plain_dtype(node.dtype("DstT"))
    if node.boolean("Truncate") and _loses_bits(source, target):
        return _truncated(node, source, target)
    return conversion(source, target)


def plain_dtype(name: str) -> str:
    """The type that tensors of a quantized type have; others are what they are."""
    return _PLAIN.get(name, name)


def conversion(source: str, target: str) -> Compute:
    """The function that converts tensors as TensorFlow does."""
    if source == target:
        return lambda x: x
    if "complex" in source and "complex" not in target:
        real, convert = _complex["Real"], conversion(_part(source), target)
        return lambda x: convert(real(x))
    if target == "bool":
        return lambda x: x != 0
    if source in _FLOATS and "int" in target:
        to_integer = _bits.to_integer
        return lambda x: to_integer(x, values.device_dtype(target))
    return lambda x: values.cast(x, target)


def _part(source: str) -> str:
    return "float32" if source == "complex64" else "float64"


def _loses_bits(source: str, target: str) -> bool:
    kinds = {"complex64": "float32", "complex128": "float64"}
    source, target = kinds.get(source, source), kinds.get(target, target)
    return _MANTISSA.get(source, 0) > _MANTISSA.get(target, 99)


def _truncated(node: NodeView, source: str, target: str) -> Compute:
    """Round towards zero: without the bits that the target has no place for."""
    if source not in _CARRIERS or target not in _FLOATS:
        node.unsupported(f"Truncate from {source} to {target}")
    dropped = _MANTISSA[source] - _MANTISSA[target]
    mask = -(1 << dropped)

    def run(x: Any) -> Any:
        if values.device_dtype(source) != source:
            return values.cast(x, target)
        bits = _bits.bitcast(K.stop_gradient(x), _CARRIERS[source]) & mask
        short = _bits.bitcast(bits, source)
        # What was cut off counts for nothing in the derivative; infinity less itself is no number.
        short = x + K.where(K.isfinite(x), short - K.stop_gradient(x), 0)
        return values.cast(short, target)

    return run


@lower("Bitcast", limits="types of 64 bits need JAX's 64-bit types")
def bitcast(node: NodeView) -> Compute:
    source, target = plain_dtype(node.dtype("T")), plain_dtype(node.dtype("type"))

    def run(x: Any) -> Any:
        if values.device_dtype(source) != source or values.device_dtype(target) != target:
            raise EngineError(
                f"a bitcast from {source} to {target}, and JAX computes without 64-bit types "
                "here; run jax.config.update('jax_enable_x64', True) first"
            )
        return _bits.bitcast(x, target)

    return run
