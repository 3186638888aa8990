"""What can be run in a main graph, and by whom.

Source: TensorFlow's loaders. `saved_model/load_v1_in_v2.py` and `loader_impl.py` run the saver's
restore op with the file name fed into its file name tensor, then the initializer with the paths of
the assets fed into theirs; everything else is run by signatures, where only the signature's inputs
are fed. Names: `saved_model/constants.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError

from anyhub.savedmodel import schema

if TYPE_CHECKING:
    from anyhub.graph.safety.program import Program

INIT_SIGNATURE = "__saved_model_init_op"
_SAVERS = "savers"
_SaverDef = schema.message_class("SaverDef")


@dataclass(frozen=True)
class Saver:
    """The nodes by which a saver is used.

    Attributes:
        filename: The tensor that gets the file name.
        save: What saves.
        restore: What restores.
    """

    filename: str
    save: str
    restore: str


@dataclass(frozen=True, eq=False)
class Roots:
    """The nodes of a program's main graph that somebody runs or feeds."""

    program: Program

    @cached_property
    def savers(self) -> tuple[Saver, ...]:
        """The savers that the model declares."""
        return tuple(
            Saver(
                node_name(proto.filename_tensor_name),
                node_name(proto.save_tensor_name),
                node_name(proto.restore_op_name),
            )
            for proto in self._saver_protos()
            if proto.filename_tensor_name
        )

    @cached_property
    def fed(self) -> frozenset[str]:
        """Nodes that a caller of a signature gives any value."""
        return frozenset(
            name
            for signature in self._signatures().values()
            for info in signature.inputs.values()
            for name in _info_names(info)
        )

    @cached_property
    def run_by_signatures(self) -> frozenset[str]:
        """Nodes that run when a signature runs; the initializer is no such signature."""
        return self.reach(
            name
            for key, signature in self._signatures().items()
            if key != INIT_SIGNATURE
            for info in signature.outputs.values()
            for name in _info_names(info)
        )

    @cached_property
    def run_unasked(self) -> frozenset[str]:
        """Nodes that run without anybody asking to save or to restore."""
        return self.run_by_signatures | self.reach(self._initializers())

    @cached_property
    def run_at_restore(self) -> frozenset[str]:
        """Nodes that run when a checkpoint is read, so whenever the model is loaded."""
        return self.reach(saver.restore for saver in self.savers)

    def run_by_savers(self, *, other_than: str | None) -> frozenset[str]:
        """Nodes that run by savers that get their file name elsewhere, to save or to restore."""
        others = [saver for saver in self.savers if saver.filename != other_than]
        return self.reach(name for saver in others for name in (saver.save, saver.restore))

    def reach(self, names: Iterable[str]) -> frozenset[str]:
        """The nodes with these names, and all that they need."""
        nodes = self.program.main.by_name
        reached: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name in reached:
                continue
            reached.add(name)
            node = nodes.get(name)
            if node is not None:
                waiting.extend(node_name(value) for value in node.input)
        return frozenset(reached)

    def _signatures(self) -> Any:
        return self.program.metagraph.signature_def if self.program.metagraph is not None else {}

    def _collections(self) -> Any:
        return self.program.metagraph.collection_def if self.program.metagraph is not None else {}

    def _saver_protos(self) -> Iterator[Any]:
        if self.program.metagraph is None:
            return
        yield self.program.metagraph.saver_def
        if _SAVERS in self._collections():
            yield from _parse_all(_SaverDef, self._collections()[_SAVERS].bytes_list.value)

    def _initializers(self) -> Iterator[str]:
        for key, signature in self._signatures().items():
            if key == INIT_SIGNATURE:
                for info in signature.outputs.values():
                    yield from _info_names(info)
        for key, collection in self._collections().items():
            if key == _SAVERS:
                continue  # a SaverDef would pass for a VariableDef
            yield from (node_name(value) for value in collection.node_list.value)
            for variable in _parse_all(schema.VariableDef, collection.bytes_list.value):
                for name in (
                    variable.initializer_name,
                    variable.snapshot_name,
                    variable.initial_value_name,
                ):
                    yield node_name(name)


def node_name(tensor: str) -> str:
    """The node of a tensor of the main graph, or of a control input."""
    return tensor.removeprefix("^").partition(":")[0]


def _info_names(info: Any) -> Iterator[str]:
    yield node_name(info.name)
    sparse = info.coo_sparse
    for name in (
        sparse.values_tensor_name,
        sparse.indices_tensor_name,
        sparse.dense_shape_tensor_name,
    ):
        yield node_name(name)
    for component in info.composite_tensor.components:
        yield from _info_names(component)


def _parse_all(message: Any, values: Iterable[bytes]) -> Iterator[Any]:
    for value in values:
        try:
            yield message.FromString(value)
        except DecodeError:
            continue  # the collection holds something else
