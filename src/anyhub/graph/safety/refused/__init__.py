"""Ops that are refused wherever they stand, a table per family.

Sources: the list of anyhub's design notes (section 3.4), checked against the registry of
TensorFlow 2.21.0 (1,910 ops) and read through op by op; `tests/graph/safety/test_op_tables.py`
holds it to the registry. Ops that are refused only in some uses are not here: see the modules
that judge them (`savers`, `assets`, `attributes`, `custom_calls`, `tensorrt`).
"""

from __future__ import annotations

from dataclasses import dataclass

from anyhub.graph.safety.findings import Family
from anyhub.graph.safety.refused import (
    code,
    datasets,
    denial_of_service,
    files_read,
    files_write,
    network,
)


@dataclass(frozen=True)
class Refusal:
    """Why an op is refused.

    Attributes:
        family: The kind of harm.
        reason: What the op does.
    """

    family: Family
    reason: str


_TABLES = {
    Family.FILES_READ: files_read.OPS,
    Family.FILES_WRITE: files_write.OPS,
    Family.DATASETS: datasets.OPS,
    Family.NETWORK: network.OPS,
    Family.CODE: code.OPS,
    Family.DENIAL_OF_SERVICE: denial_of_service.OPS,
}

REFUSED = {
    op: Refusal(family, reason)
    for family, table in _TABLES.items()
    for reason, ops in table.items()
    for op in ops.split()
}
"""The refusal of each op, by the op's name."""

__all__ = ["REFUSED", "Refusal"]
