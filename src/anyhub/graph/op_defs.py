"""The signatures of TensorFlow's ops: arguments, results, attributes with their defaults.

Needed to read function bodies, which name outputs by argument ("node:output:0"), and graphs whose
default attributes were stripped. Source: the op registry, by `tools/make_op_defs.py`.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Argument:
    """An input or output of an op, which may stand for several tensors.

    Attributes:
        name: Its name.
        number_attr: Attribute that says how many tensors it stands for, "" if one.
        type_list_attr: Attribute that lists the types of its tensors, "" if one.
        type_attr: Attribute that is the type of its tensors, "" if that is fixed or listed.
        type_number: The type's number where it is fixed, else 0.
    """

    name: str
    number_attr: str = ""
    type_list_attr: str = ""
    type_attr: str = ""
    type_number: int = 0


@dataclass(frozen=True)
class OpDef:
    """An op.

    Attributes:
        name: Its name, e.g. "MatMul".
        inputs: Its inputs.
        outputs: Its outputs.
        attributes: Defaults of its attributes, None where there is none; for their form see
            `tools/make_op_defs.py`.
        is_stateful: Whether running it twice may give different results or have effects.
    """

    name: str
    inputs: tuple[Argument, ...]
    outputs: tuple[Argument, ...]
    attributes: Mapping[str, Any]
    is_stateful: bool


def find_op(name: str) -> OpDef | None:
    """The op of that name, None if it is not known."""
    line = _lines().get(name)
    return None if line is None else _parse(line)


def op_names() -> frozenset[str]:
    """Names of all known ops."""
    return frozenset(_lines())


@functools.cache
def _lines() -> Mapping[str, str]:
    """Lines by op; only those of ops that are met are parsed."""
    text = resources.files("anyhub.graph").joinpath("op_defs.jsonl").read_text("utf-8")
    return {line[2 : line.index('"', 2)]: line for line in text.splitlines()[1:]}


@functools.cache
def _parse(line: str) -> OpDef:
    name, inputs, outputs, attributes, is_stateful = json.loads(line)
    return OpDef(
        name,
        tuple(_argument(text) for text in inputs),
        tuple(_argument(text) for text in outputs),
        attributes,
        is_stateful,
    )


def _argument(text: str) -> Argument:
    if "**" in text:
        name, _, attribute = text.partition("**")
        return Argument(name, type_list_attr=attribute)
    text, _, kind = text.partition(":")
    name, _, attribute = text.partition("*")
    number = int(kind) if kind.isdigit() else 0
    return Argument(name, attribute, type_attr="" if number else kind, type_number=number)
