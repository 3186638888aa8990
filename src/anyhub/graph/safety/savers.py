"""Save and restore ops: allowed only as the model's own saver.

A saver writes where it is told to, and reads from there: its file name is a tensor that TensorFlow
feeds when it loads or saves the model. So an op of a checkpoint is the saver's if

- its file name can only come from that tensor, with fixed endings appended, and
- the nodes that run it are run by nobody else: no signature, no initializer, no function of the
  loaded objects, no other saver; and what writes does not run when the model is loaded.

Names like `save/RestoreV2` or `__inference__traced_restore_12` prove nothing and are not looked at.

Source: `tensorflow/python/training/saver.py` and `checkpoint/functional_saver.py`, which write the
same few ops around the file name: StringJoin with `_temp_<uuid>/part` or, where a file system has
no directories, `.part`, then ShardedFilename.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from anyhub.graph.safety.findings import Family, Finding
from anyhub.graph.safety.strings import text_values
from anyhub.graph.safety.tracing import Exposure, SourceRule, data_inputs

if TYPE_CHECKING:
    from anyhub.graph.safety.program import Program, Scope, Site
    from anyhub.graph.safety.roots import Roots

SAVER_OPS = {
    "RestoreV2": (0,),
    "SaveV2": (0,),
    "ShardedFilename": (0,),
    "MergeV2Checkpoints": (0, 1),
}
"""The inputs that are file names, by op."""

_READERS = frozenset({"RestoreV2"})
_REASONS = {
    "RestoreV2": "reads a checkpoint",
    "SaveV2": "writes a checkpoint",
    "ShardedFilename": "names the file of a checkpoint",
    "MergeV2Checkpoints": "writes, moves and deletes files of checkpoints",
}
# Harmless below any prefix: no way up, no other start.
_ENDING = re.compile(rb"[A-Za-z0-9_.\-]+(/[A-Za-z0-9_.\-]+)*")
# What TF1's Saver writes as the default of its file name.
_DEFAULT_NAMES = frozenset({b"model"})
# It wraps that into two placeholders with defaults.
_MAX_DEFAULTS = 4


class _SaverPath(SourceRule):
    """Accepts what the loader feeds as file name, and what a saver appends to it.

    Args:
        program: The graph.
        roots: What is run in it.
        exposure: Who calls its functions.
        filename: The node that is fed.
    """

    def __init__(
        self, program: Program, roots: Roots, exposure: Exposure, filename: str | None = None
    ) -> None:
        super().__init__(program, roots, exposure)
        self._filename = filename

    def accepts_node(self, scope: Scope, node: Any, steps: int) -> bool:
        """See the base class."""
        if scope.function is None and self.is_source(node):
            return True
        inputs = data_inputs(node)
        if not inputs:
            return False
        if node.op in {"ShardedFilename", "ExpandDims", "Reshape"}:
            return self.allows(scope, inputs[0], steps)
        if node.op == "Pack":
            return all(self.allows(scope, value, steps) for value in inputs)
        if node.op == "StringJoin":
            endings = all(_is_ending(scope, value) for value in inputs[1:])
            return endings and self.allows(scope, inputs[0], steps)
        return False

    def accepts_capture(self, node_id: int) -> bool:
        """See the base class."""
        del node_id
        return False

    def is_source(self, node: Any) -> bool:
        """Whether a node of the main graph holds a file name that a saver gets."""
        return bool(node.name == self._filename)


class _UnusedSaverPath(_SaverPath):
    """Accepts the default name of a saver that the model no longer uses.

    TF1 graphs often carry the savers of their training along. Nothing runs them, and what their
    file name would be then is the word "model".
    """

    def is_source(self, node: Any) -> bool:
        """See the base class."""
        for _ in range(_MAX_DEFAULTS):
            if node is None or node.op != "PlaceholderWithDefault" or not node.input:
                break
            node = self.program.main.by_name.get(node.input[0].partition(":")[0])
        texts = _texts(node) if node is not None and node.op == "Const" else None
        return texts is not None and texts <= _DEFAULT_NAMES


class SaverJudge:
    """Finds ops of checkpoints that are not the saver's."""

    def __init__(self, program: Program, roots: Roots, exposure: Exposure) -> None:
        self._program = program
        self._roots = roots
        self._exposure = exposure
        self._used = {
            filename: _SaverPath(program, roots, exposure, filename)
            for filename in {saver.filename for saver in roots.savers}
        }
        self._unused = _UnusedSaverPath(program, roots, exposure)

    def findings(self) -> Iterator[Finding]:
        """Judge every op of a checkpoint."""
        for op, inputs in SAVER_OPS.items():
            for site in self._program.contents.by_op.get(op, ()):
                problem = self._problem(site, inputs)
                if problem is not None:
                    yield self._finding(site, problem)

    def _problem(self, site: Site, inputs: tuple[int, ...]) -> str | None:
        names = data_inputs(site.node)
        if len(names) <= max(inputs):
            return "has no file name"
        runners = self._exposure.runners(site)
        if runners is None:
            return "stands in a function that others than the model's saver can run"
        if runners & self._roots.run_unasked:
            return "is run by a signature or an initializer"
        if site.node.op not in _READERS and runners & self._roots.run_at_restore:
            return "is run when the model is loaded"
        paths = [names[position] for position in inputs]
        for filename, rule in (*self._used.items(), (None, self._unused)):
            if all(rule.allows(site.scope, path) for path in paths):
                # Only the saver's own file name is fed while it runs.
                others = runners & self._roots.run_by_savers(other_than=filename)
                return "is run by another saver" if others else None
        return "its file name does not come from the model's saver"

    def _finding(self, site: Site, problem: str) -> Finding:
        op = site.node.op
        return Finding(
            op=op,
            function=site.scope.function,
            node=site.node.name,
            place=self._program.place(site.scope),
            reason=f"{_REASONS[op]} outside of the model's saver: {problem}",
            family=Family.FILES_READ if op in _READERS else Family.FILES_WRITE,
        )


def _texts(node: Any) -> frozenset[bytes] | None:
    return text_values(node.attr["value"].tensor) if "value" in node.attr else None


def _is_ending(scope: Scope, tensor: str) -> bool:
    """Whether a tensor is one of the endings that savers append: a constant, or one of two."""
    node = scope.by_name.get(tensor.partition(":")[0])
    if node is None or node.name in scope.arguments:
        return False
    if node.op not in {"Select", "SelectV2", "Merge"}:
        return _is_fixed_ending(node)
    inputs = data_inputs(node)
    names = inputs if node.op == "Merge" else inputs[1:]
    choices = [scope.by_name.get(name.partition(":")[0]) for name in names]
    return all(choice is not None and _is_fixed_ending(choice) for choice in choices)


def _is_fixed_ending(node: Any) -> bool:
    texts = _texts(node) if node.op == "Const" else None
    return texts is not None and all(
        _ENDING.fullmatch(text) and b".." not in text for text in texts
    )
