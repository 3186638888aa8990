"""How functions call each other: circles, depth, and size when every call is expanded.

A function that calls another twice, which calls a third twice, and so on, is a billion nodes after
thirty functions: TensorFlow and our own engines expand calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from anyhub.graph.safety.findings import Family, Finding, quote

if TYPE_CHECKING:
    from anyhub.graph.safety.program import Program, Scope

MAX_CALL_DEPTH = 200
MAX_EXPANDED_NODES = 50_000_000

_MAX_CIRCLES = 5


def call_findings(program: Program) -> Iterator[Finding]:
    """Judge the calls of a program."""
    calls = CallGraph(program)
    for circle in calls.circles:
        shown = " → ".join(quote(name) for name in circle[:8])
        scope = program.functions[circle[0]]
        yield _finding(program, scope, "FunctionDef", circle[0], f"calls itself: {shown}")
    if calls.circles:
        return
    depth, expanded = calls.measure()
    if depth > MAX_CALL_DEPTH:
        reason = f"functions call each other {depth} levels deep, the limit is {MAX_CALL_DEPTH}"
        yield _finding(program, program.main, "FunctionDef", "", reason)
    if expanded > MAX_EXPANDED_NODES:
        reason = (
            f"has {expanded:.3g} nodes when every call is expanded, "
            f"the limit is {MAX_EXPANDED_NODES:.3g}"
        )
        yield _finding(program, program.main, "FunctionDef", "", reason)


class CallGraph:
    """Which function mentions which; walked without recursion, as hostile graphs are deep."""

    def __init__(self, program: Program) -> None:
        self._program = program
        known = program.functions
        self._edges = {
            name: [callee for callee in program.contents.edges.get(name, ()) if callee in known]
            for name in (None, *known)
        }
        self._order: list[str | None] = []
        self._circles: list[list[str]] = []
        self._sort()

    @property
    def circles(self) -> list[list[str]]:
        """A chain of functions for each circle that was met; the first few only."""
        return self._circles

    def measure(self) -> tuple[int, float]:
        """How deep calls go, and how many nodes there are when every call is expanded.

        Only for programs without circles.
        """
        depths: dict[str | None, int] = {}
        sizes: dict[str | None, float] = {}
        for name in self._order:  # callees come first
            scope = self._program.main if name is None else self._program.functions[name]
            callees = self._edges[name]
            depths[name] = 1 + max((depths[callee] for callee in callees), default=0)
            sizes[name] = len(scope.nodes) + sum(sizes[callee] for callee in callees)
            sizes[name] = min(sizes[name], 1e300)
        return max(depths.values()), max(sizes.values())

    def _sort(self) -> None:
        done: set[str | None] = set()
        for start in self._edges:
            if start in done:
                continue
            if len(self._circles) >= _MAX_CIRCLES:
                return
            path: list[str | None] = [start]
            on_path = {start}
            waiting = [iter(dict.fromkeys(self._edges[start]))]
            while path and len(self._circles) < _MAX_CIRCLES:
                callee = next(waiting[-1], None)
                if callee is None:
                    name = path.pop()
                    waiting.pop()
                    on_path.discard(name)
                    done.add(name)
                    self._order.append(name)
                elif callee in on_path:
                    circle = [name for name in path[path.index(callee) :] if name is not None]
                    self._circles.append([*circle, callee])
                elif callee not in done:
                    path.append(callee)
                    on_path.add(callee)
                    waiting.append(iter(dict.fromkeys(self._edges[callee])))


def _finding(program: Program, scope: Scope, op: str, node: str, reason: str) -> Finding:
    return program.finding_in(scope, op, node, reason, Family.DENIAL_OF_SERVICE)
