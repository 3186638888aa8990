"""Ops that are harmless unless an attribute or a fixed input names a file.

Source: the documentation of each op in the registry of TensorFlow 2.21.0, and `PrintV2Op` in
`tensorflow/core/kernels/logging_ops.cc` for the streams of PrintV2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anyhub.graph.safety.findings import Family, Finding, quote
from anyhub.graph.safety.strings import holds_handle
from anyhub.graph.safety.tracing import Exposure, FixedText, data_inputs

if TYPE_CHECKING:
    from anyhub.graph.safety.program import Program
    from anyhub.graph.safety.roots import Roots


@dataclass(frozen=True)
class AttributeRule:
    """Which values of an attribute are harmless.

    Attributes:
        attribute: Its name.
        harmless: What its values have to match; an attribute that is not there has a harmless
            default.
        family: The kind of harm of other values.
        reason: What the op does with other values.
    """

    attribute: str
    harmless: re.Pattern[bytes]
    family: Family
    reason: str


_EMPTY = re.compile(rb"")
_DESCRIPTORS = re.compile(rb"|local://|bytes://.*", re.DOTALL)
_STREAMS = re.compile(rb"stdout|stderr|log\((info|warning|error)\)")

ATTRIBUTE_RULES = {
    "PrintV2": AttributeRule("output_stream", _STREAMS, Family.FILES_WRITE, "prints to"),
    "DecodeProtoV2": AttributeRule(
        "descriptor_source", _DESCRIPTORS, Family.ATTRIBUTE, "reads message types from"
    ),
    "EncodeProto": AttributeRule(
        "descriptor_source", _DESCRIPTORS, Family.ATTRIBUTE, "reads message types from"
    ),
    "FixedUnigramCandidateSampler": AttributeRule(
        "vocab_file", _EMPTY, Family.ATTRIBUTE, "reads its vocabulary from"
    ),
    "Skipgram": AttributeRule("filename", _EMPTY, Family.ATTRIBUTE, "reads its text from"),
    "Copy": AttributeRule("debug_ops_spec", _EMPTY, Family.ATTRIBUTE, "is watched by"),
    "CopyHost": AttributeRule("debug_ops_spec", _EMPTY, Family.ATTRIBUTE, "is watched by"),
}
"""Attributes that name files or addresses, by op."""

CACHES = {"CacheDataset": 1, "CacheDatasetV2": 1}
"""The input that names a cache file, by op: empty for a cache in memory."""


def attribute_findings(program: Program) -> Iterator[Finding]:
    """Judge the attributes that name files."""
    for op, rule in ATTRIBUTE_RULES.items():
        for site in program.contents.by_op.get(op, ()):
            harmful = _harmful_value(site.node, rule)
            if harmful is not None:
                yield program.finding(site, f"{rule.reason} {harmful}", rule.family)


def handle_findings(program: Program) -> Iterator[Finding]:
    """Judge constants that are handles: a handle in a file can only mean another model's object."""
    for constant in program.contents.constants:
        if holds_handle(constant.tensor):
            yield Finding(
                "Const",
                constant.scope.function,
                constant.holder,
                program.place(constant.scope),
                "reaches for an object of the process by its handle",
                Family.CODE,
            )


def cache_findings(program: Program, roots: Roots, exposure: Exposure) -> Iterator[Finding]:
    """Judge the file names of caches."""
    memory = FixedText(program, roots, exposure, frozenset({b""}))
    for op, position in CACHES.items():
        for site in program.contents.by_op.get(op, ()):
            inputs = data_inputs(site.node)
            if position >= len(inputs) or not memory.allows(site.scope, inputs[position]):
                reason = "keeps its cache in a file: its file name is not proven to be empty"
                yield program.finding(site, reason, Family.DATASETS)


def _harmful_value(node: Any, rule: AttributeRule) -> str | None:
    if rule.attribute not in node.attr:
        return None
    value = node.attr[rule.attribute]
    kind = value.WhichOneof("value")
    if kind == "list" and not value.list.ListFields():
        return None
    if kind == "list" and value.list.s:
        texts = list(value.list.s)
    elif kind == "s":
        texts = [value.s]
    else:
        return f"what its attribute {rule.attribute!r} gets when the function is called"
    harmful = [text for text in texts if not rule.harmless.fullmatch(text)]
    return f"{quote(harmful[0])} (attribute {rule.attribute!r})" if harmful else None
