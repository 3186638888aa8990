"""TRTEngineOp: allowed as long as it holds no compiled engine.

A TensorRT engine is GPU code, and its documentation warns to load engines of trusted origin only.
The op may also hold a graph, which TensorFlow compiles on the spot; that is scanned like any other
graph inside a string.

Source: `tensorflow/compiler/tf2tensorrt/ops/trt_engine_op.cc`; only builds with TensorRT know it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from anyhub.graph.safety.findings import Family, Finding
from anyhub.graph.safety.nested import parse_graph

if TYPE_CHECKING:
    from anyhub.graph.safety.program import Program

TRT_ENGINE = "TRTEngineOp"


def engine_findings(program: Program) -> Iterator[Finding]:
    """Judge the TensorRT nodes of a graph."""
    for site in program.contents.by_op.get(TRT_ENGINE, ()):
        attributes = site.node.attr
        if "serialized_segment" not in attributes:
            continue
        segment = attributes["serialized_segment"]
        if segment.WhichOneof("value") == "s" and (not segment.s or parse_graph(segment.s)):
            continue
        yield Finding(
            TRT_ENGINE,
            site.scope.function,
            site.node.name,
            program.place(site.scope),
            "holds a compiled TensorRT engine",
            Family.CODE,
        )
