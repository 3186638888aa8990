"""Ops on known values: what NumPy computes exactly as TensorFlow's CPU kernels do.

For folding constants, and for values that never leave the host: shapes, indices, strings that are
only moved. Floating-point functions that differ between libraries in the last bit (exponentials,
say) are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anyhub.errors import SavedModelError
from anyhub.graph import (
    const_arrays,
    const_cast,
    const_integers,
    const_joins,
    const_math,
    const_reductions,
    const_shapes,
    const_slices,
)
from anyhub.graph.const_call import Array, Call, Evaluators

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anyhub.graph.ir import Node

MAX_ELEMENTS = 1 << 28

EVALUATORS: Evaluators = {
    **const_math.EVALUATORS,
    **const_integers.EVALUATORS,
    **const_reductions.EVALUATORS,
    **const_cast.EVALUATORS,
    **const_shapes.EVALUATORS,
    **const_arrays.EVALUATORS,
    **const_joins.EVALUATORS,
    **const_slices.EVALUATORS,
}
"""All evaluators by op."""

MOVING = frozenset({**const_arrays.EVALUATORS, **const_joins.EVALUATORS, **const_slices.EVALUATORS})
"""Ops that move elements and do not look at them (but for axes and the like)."""


def compute(
    node: Node, inputs: Sequence[Array], *, max_elements: int = MAX_ELEMENTS
) -> list[Array]:
    """Compute a node.

    Args:
        node: The node.
        inputs: The values of its inputs; strings as arrays of `bytes` objects.
        max_elements: How many elements a result may have.

    Returns:
        The values of its outputs, maybe views of inputs: they must not be written to.

    Raises:
        SavedModelError: The op is not known here, or TensorFlow would refuse the inputs, or its
            result depends on the machine.
    """
    evaluator = EVALUATORS.get(node.op)
    call = Call(node, inputs, max_elements)
    if evaluator is None:
        call.fail("the op has no evaluator")
    try:
        with np.errstate(all="ignore"):
            return [*evaluator(call)]
    except (ValueError, TypeError, IndexError, OverflowError, MemoryError) as error:
        if isinstance(error, SavedModelError):
            raise
        # NumPy checks shapes with these; what else it says is of no use to a reader.
        raise SavedModelError(f"node {node.name!r} (op {node.op!r}): {error}") from error


def evaluate(
    node: Node, inputs: Sequence[Array], *, max_elements: int = MAX_ELEMENTS
) -> list[Array] | None:
    """Like `compute`, but None where that raises."""
    try:
        return compute(node, inputs, max_elements=max_elements)
    except SavedModelError:
        return None
