"""Branches and calls."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from anyhub.engines.portable import values
from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.forms import Kept, form_of, is_same, joined, tensors_of, values_of
from anyhub.engines.portable.registry import lower_raw
from anyhub.engines.portable.staging import Staged, truth

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anyhub.engines.portable.forms import Form
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.plan import Plan
    from anyhub.engines.portable.registry import Compute
    from anyhub.engines.portable.run import Run
    from anyhub.engines.portable.variables import VariableHandle

_control = primitives("control")

_BRANCHES = (
    "A condition that is known only when compiled code runs chooses between tensors of one shape; "
    "strings that differ are refused."
)


@lower_raw("If", "StatelessIf", limits=_BRANCHES)
def if_(node: NodeView) -> Compute:
    branches = (node.plan("else_branch"), node.plan("then_branch"))

    def run(run: Run, condition: Any, *arguments: Any) -> Sequence[Any]:
        found = truth(condition)
        if isinstance(found, bool):
            return branches[found](run, *arguments)
        return _choose(run, values.cast(found, "int32"), branches, arguments)

    return run


@lower_raw("Case", "StatelessCase", limits=_BRANCHES)
def case(node: NodeView) -> Compute:
    branches = node.plans("branches")

    def run(run: Run, index: Any, *arguments: Any) -> Sequence[Any]:
        if values.is_traced(index):
            return _choose(run, index, branches, arguments)
        number = int(values.to_host(index))
        # TensorFlow takes the last branch for any other number.
        return branches[number if 0 <= number < len(branches) else -1](run, *arguments)

    return run


@lower_raw("PartitionedCall", "StatefulPartitionedCall")
def partitioned_call(node: NodeView) -> Compute:
    return node.plan("f")


def _choose(
    run: Run, index: Any, branches: Sequence[Plan], arguments: Sequence[Any]
) -> Sequence[Any]:
    """Compute one of several branches in compiled code."""
    staged = [_Branch(run, branch, arguments) for branch in branches]
    handles = tuple(dict.fromkeys(handle for branch in staged for handle in branch.handles))
    state = {handle: run.read(handle) for handle in handles}
    results = [branch.complete(branch.staged.values, state) for branch in staged]
    forms = [_form(found, index) for index, found in enumerate(zip(*results, strict=True))]

    def compute(branch: _Branch) -> list[Any]:
        return tensors_of(branch.complete(branch.staged(), state), forms)

    tensors: list[Any] = []
    if not all(isinstance(form, Kept) for form in forms):
        tensors = _control.switch(index, [partial(compute, branch) for branch in staged])
    found = values_of(tensors, forms)
    count = len(found) - len(handles)
    for handle, value in zip(handles, found[count:], strict=True):
        run.assign(handle, value)
    return found[:count]


class _Branch:
    """A branch taken down, with the variables that it assigns."""

    def __init__(self, run: Run, plan: Plan, arguments: Sequence[Any]) -> None:
        fork = run.fork()
        self._count = len(plan.outputs)

        def compute() -> list[Any]:
            return [*plan(fork, *arguments), *fork.updates.values()]

        self.staged = Staged(compute, ())
        self.handles = tuple(fork.updates)

    def complete(self, found: Sequence[Any], state: Mapping[VariableHandle, Any]) -> Sequence[Any]:
        """Its outputs, and the values of all variables that some branch assigns."""
        assigned = dict(zip(self.handles, found[self._count :], strict=True))
        return [*found[: self._count], *({**state, **assigned}[handle] for handle in state)]


def _form(found: Sequence[Any], index: int) -> Form:
    if all(is_same(value, found[0]) for value in found):
        return Kept(found[0])
    return joined([form_of(value) for value in found], f"output {index} of a branch")
