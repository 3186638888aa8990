"""What a turn of a recurrent layer looks like in exports of Keras 3 and tf.keras; see `matching`.

Names are those of `recurrence_finding`. Where each gate has weights of its own, they are numbered.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

from anyhub.engines.portable.parts import Part


@dataclass(frozen=True)
class Cell:
    """What is computed from an element of the inputs and the states before.

    Attributes:
        kind: "lstm" or "gru".
        states: The names of the states before, the output first.
        following: The patterns of the states after.
    """

    kind: str
    states: tuple[str, ...]
    following: tuple[Any, ...]


_ADD = ("AddV2", "Add")
_ELEMENT = ("TensorListGetItem", "inputs", "counter", "element_shape")
# Dropout of the inputs has the same mask in each turn.
_INPUTS = (_ELEMENT, ("Mul", _ELEMENT, "mask"))
_BIASED = (lambda x, bias: (("BiasAdd", *_ADD), x, bias), lambda x, _: x)


def _product(x: Any, weights: str) -> Any:
    return ("MatMul", x, weights)


def _lstm(i: Any, f: Any, g: Any, o: Any) -> Cell:
    new = ("Mul", ("Sigmoid", i), ("Tanh", g))
    c = (_ADD, ("Mul", ("Sigmoid", f), "c"), new)
    return Cell("lstm", ("h", "c"), (("Mul", ("Sigmoid", o), ("Tanh", c)), c))


def _joined_lstm(x: Any, biased: Any) -> Cell:
    total = (_ADD, _product(x, "kernel"), _product("h", "recurrent"))
    return _lstm(*(Part(i, 4, biased(total, "bias")) for i in range(4)))


def _separate_lstm(x: Any, biased: Any) -> Cell:
    """Of implementation 1, which Keras 3 takes where states have dropout."""
    gates = (
        (_ADD, biased(_product(x, f"kernel{i}"), f"bias{i}"), _product("h", f"recurrent{i}"))
        for i in range(4)
    )
    return _lstm(*gates)


def _gru(x: Any, biased: Any) -> Cell:
    """Of Keras' `reset_after=True`; torch has no other."""
    whole = biased(_product(x, "kernel"), "bias")
    recurrent = biased(_product("h", "recurrent"), "recurrent_bias")
    (xz, hz), (xr, hr), (xn, hn) = ((Part(i, 3, whole), Part(i, 3, recurrent)) for i in range(3))
    z, r = (("Sigmoid", (_ADD, *parts)) for parts in ((xz, hz), (xr, hr)))
    new = ("Tanh", (_ADD, xn, ("Mul", r, hn)))
    return Cell("gru", ("h",), ((_ADD, ("Mul", z, "h"), ("Mul", ("Sub", "one", z), new)),))


CELLS = tuple(
    make(x, biased)
    for make, x, biased in product((_joined_lstm, _separate_lstm, _gru), _INPUTS, _BIASED)
)
