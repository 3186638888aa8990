"""Scans a model: every rule on every graph of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from anyhub.graph.safety.assets import ASSET_OPS, VARIABLE, AssetJudge
from anyhub.graph.safety.attributes import (
    ATTRIBUTE_RULES,
    CACHES,
    attribute_findings,
    cache_findings,
    handle_findings,
)
from anyhub.graph.safety.calls import call_findings
from anyhub.graph.safety.custom_calls import XLA_CALL, custom_call_findings
from anyhub.graph.safety.findings import Family, Finding, clip
from anyhub.graph.safety.known_ops import known_ops
from anyhub.graph.safety.limits import SHAPE_INPUTS, limit_findings
from anyhub.graph.safety.nested import MAX_NESTING, nested_programs, nesting_finding
from anyhub.graph.safety.program import Program, Scope
from anyhub.graph.safety.refused import REFUSED
from anyhub.graph.safety.roots import Roots
from anyhub.graph.safety.savers import SAVER_OPS, SaverJudge
from anyhub.graph.safety.tensorrt import TRT_ENGINE, engine_findings
from anyhub.graph.safety.tracing import Exposure

_JUDGED_OPS = frozenset().union(
    SAVER_OPS, ASSET_OPS, ATTRIBUTE_RULES, CACHES, SHAPE_INPUTS, {XLA_CALL, TRT_ENGINE, VARIABLE}
)


def scan(model: Any, asset_files: Collection[str] = ()) -> tuple[Finding, ...]:
    """Find what a model does besides computing.

    Nothing of the model is run, and no file is opened.

    Args:
        model: A SavedModel message, read from `saved_model.pb` or `saved_model.pbtxt`.
        asset_files: The files below the model's `assets` directory, relative to it, with "/". A
            model may read these; without them, every asset counts as a foreign file.

    Returns:
        The findings; empty for a model that only computes.

    Example:
        >>> from anyhub.graph import safety
        >>> from anyhub.savedmodel import schema
        >>> model = schema.SavedModel()
        >>> _ = model.meta_graphs.add().graph_def.node.add(name="steal", op="ReadFile")
        >>> [(finding.op, finding.node) for finding in safety.scan(model)]
        [('ReadFile', 'steal')]
    """
    findings: list[Finding] = []
    plain_ops = known_ops() - REFUSED.keys() - _JUDGED_OPS
    for metagraph in model.meta_graphs:
        name = clip(f"variant {sorted(metagraph.meta_info_def.tags)}")
        program = Program(metagraph.graph_def, name, metagraph, frozenset(asset_files), plain_ops)
        findings.extend(_scan_program(program))
    return tuple(findings)


def _scan_program(program: Program) -> Iterator[Finding]:
    if program.nesting > MAX_NESTING:
        yield nesting_finding(program)
        return
    roots, exposure = Roots(program), Exposure(program)
    yield from _op_findings(program)
    yield from SaverJudge(program, roots, exposure).findings()
    yield from AssetJudge(program, roots, exposure).findings()
    yield from attribute_findings(program)
    yield from handle_findings(program)
    yield from cache_findings(program, roots, exposure)
    yield from custom_call_findings(program)
    yield from engine_findings(program)
    yield from _ambiguity_findings(program)
    yield from call_findings(program)
    yield from limit_findings(program)
    for nested in nested_programs(program):
        yield from _scan_program(nested)


def _op_findings(program: Program) -> Iterator[Finding]:
    known = known_ops()
    for op, sites in program.contents.by_op.items():
        refusal = REFUSED.get(op)
        if refusal is not None:
            yield from (program.finding(s, refusal.reason, refusal.family) for s in sites)
        elif op not in known and op not in program.functions:
            reason = "nobody has looked at what this op does"
            yield from (program.finding(s, reason, Family.UNKNOWN_OP) for s in sites)


def _ambiguity_findings(program: Program) -> Iterator[Finding]:
    """Names that mean two things: what was scanned might not be what is run."""
    for scope, name in program.contents.shared_names:
        yield _ambiguity(program, scope, "NodeDef", name, "is the name of two nodes")
    for name in program.functions.keys() & known_ops():
        scope = program.functions[name]
        yield _ambiguity(program, scope, "FunctionDef", name, "is the name of an op, too")
    if len(program.functions) == len(program.scopes) - 1:
        return
    contents: dict[str, bytes] = {}
    for scope in program.scopes[1:]:
        name, content = scope.function or "", _content(scope)
        if contents.setdefault(name, content) != content:
            yield _ambiguity(program, scope, "FunctionDef", name, "is the name of two functions")


def _content(scope: Scope) -> bytes:
    return bytes(scope.definition.SerializeToString(deterministic=True))


def _ambiguity(program: Program, scope: Scope, kind: str, name: str, reason: str) -> Finding:
    return program.finding_in(scope, kind, name, reason, Family.ATTRIBUTE)
