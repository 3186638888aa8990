"""The graph of objects: what a TF2 SavedModel restores in Python.

Two such graphs exist with different node numbers: the SavedObjectGraph of the metagraph (kinds,
functions, shapes) and the TrackableObjectGraph of the checkpoint (keys of values). A variable's
value is found by walking both from the root by the names of children.

Source: `tensorflow/core/protobuf/saved_object_graph.proto` and `trackable_object_graph.proto`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from anyhub.errors import SavedModelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# All paths of a chain of objects take the square of its length; models' are a tenth of this.
_MAX_PATH = 2048


@dataclass(frozen=True)
class ObjectNode:
    """An object.

    Attributes:
        id: Its number.
        kind: "user_object", "variable", "function", "bare_concrete_function", "asset",
            "constant", "resource" or "captured_tensor".
        children: Numbers of the objects it refers to, by name.
        proto: The SavedObject message, with what each kind tells.
    """

    id: int
    kind: str
    children: Mapping[str, int]
    proto: Any

    @property
    def details(self) -> Any:
        """The message of the kind, e.g. a SavedVariable."""
        return getattr(self.proto, self.kind)


@dataclass(frozen=True)
class ObjectGraph:
    """The objects of a model, the root being number 0; empty for TF1 models.

    Attributes:
        proto: The SavedObjectGraph message.
    """

    proto: Any

    @cached_property
    def nodes(self) -> tuple[ObjectNode, ...]:
        """All objects.

        Raises:
            SavedModelError: An object refers to one that does not exist.
        """
        return tuple(self._node(index, proto) for index, proto in enumerate(self.proto.nodes))

    def _node(self, index: int, proto: Any) -> ObjectNode:
        count = len(self.proto.nodes)
        children = {}
        for reference in proto.children:
            if not 0 <= reference.node_id < count:
                raise SavedModelError(
                    f"object {index} of the object graph refers to object {reference.node_id} as "
                    f"{reference.local_name!r}, but there are only {count}"
                )
            children[reference.local_name] = reference.node_id
        return ObjectNode(index, proto.WhichOneof("kind") or "user_object", children, proto)

    @cached_property
    def paths(self) -> Mapping[int, str]:
        """The shortest path from the root to each object, e.g. "encoder.layers.0.kernel".

        Raises:
            SavedModelError: A path is longer than any model needs.
        """
        if not self.nodes:
            return {}
        found = {0: ""}
        queue = deque([0])
        while queue:
            current = queue.popleft()
            for name, child in self.nodes[current].children.items():
                if child not in found:
                    found[child] = _join(found[current], name, child)
                    queue.append(child)
        return found

    def steps(self, node_id: int) -> tuple[str, ...]:
        """The names of children on the shortest way from the root to an object.

        Raises:
            SavedModelError: Nothing leads to it.
        """
        found: list[str] = []
        while node_id:
            if node_id not in self._parents:
                raise SavedModelError(f"nothing leads from the root to object {node_id}")
            node_id, name = self._parents[node_id]
            found.append(name)
        return tuple(reversed(found))

    @cached_property
    def _parents(self) -> Mapping[int, tuple[int, str]]:
        """For each object but the root, the nearest that refers to it, and as what."""
        found: dict[int, tuple[int, str]] = {}
        queue = deque([0])
        while queue:
            current = queue.popleft()
            for name, child in self.nodes[current].children.items():
                if child and child not in found:
                    found[child] = (current, name)
                    queue.append(child)
        return found

    def find(self, path: str) -> ObjectNode | None:
        """The object at a path of children's names, the root for ""; None if there is none."""
        if not self.nodes:
            return None
        node = self.nodes[0]
        rest = path
        while rest:
            # Names may hold dots themselves, so the longest that fits is taken.
            fitting = [n for n in node.children if rest == n or rest.startswith(f"{n}.")]
            if not fitting:
                return None
            name = max(fitting, key=len)
            node = self.nodes[node.children[name]]
            rest = rest[len(name) + 1 :]
        return node

    def of_kind(self, kind: str) -> Iterator[ObjectNode]:
        """All objects of a kind, in order."""
        return (node for node in self.nodes if node.kind == kind)


def _join(path: str, name: str, child: int) -> str:
    result = f"{path}.{name}" if path else name
    if len(result) > _MAX_PATH:
        raise SavedModelError(
            f"object {child} of the object graph has a path of {len(result)} characters, "
            f"{result[:40]!r}…; accepted are {_MAX_PATH}"
        )
    return result


def match_checkpoint_keys(objects: ObjectGraph, checkpoint: Any) -> Mapping[int, Mapping[str, str]]:
    """Find the checkpoint keys of each object's values.

    Args:
        objects: The objects of the metagraph.
        checkpoint: The TrackableObjectGraph of the checkpoint.

    Returns:
        For each object that has values: their keys by the name of the value
        ("VARIABLE_VALUE" for variables).

    Raises:
        SavedModelError: The checkpoint's graph refers to an object that does not exist.
    """
    if not objects.nodes or not checkpoint.nodes:
        return {}
    pairs = {0: 0}
    queue = deque([0])
    while queue:
        ours = queue.popleft()
        for child, theirs in _common_children(objects.nodes[ours], checkpoint, pairs[ours]):
            if child not in pairs:
                pairs[child] = theirs
                queue.append(child)
    pairs |= _slot_pairs(objects, checkpoint, pairs)
    found = {}
    for ours, theirs in pairs.items():
        values = {a.name: a.checkpoint_key for a in checkpoint.nodes[theirs].attributes}
        if values:
            found[ours] = values
    return found


def _common_children(node: ObjectNode, checkpoint: Any, theirs: int) -> Iterator[tuple[int, int]]:
    for reference in checkpoint.nodes[theirs].children:
        if not 0 <= reference.node_id < len(checkpoint.nodes):
            raise SavedModelError(
                f"object {theirs} of the checkpoint's object graph refers to object "
                f"{reference.node_id}, but there are only {len(checkpoint.nodes)}"
            )
        ours = node.children.get(reference.local_name)
        if ours is not None:
            yield ours, reference.node_id


def _slot_pairs(objects: ObjectGraph, checkpoint: Any, pairs: Mapping[int, int]) -> dict[int, int]:
    """Optimizers keep slots beside their children, by name and the variable they belong to."""
    found = {}
    for ours, theirs in pairs.items():
        slots = {
            (slot.original_variable_node_id, slot.slot_name): slot.slot_variable_node_id
            for slot in checkpoint.nodes[theirs].slot_variables
        }
        for slot in objects.nodes[ours].proto.slot_variables:
            match = slots.get((pairs.get(slot.original_variable_node_id, -1), slot.slot_name))
            if match is not None and 0 <= match < len(checkpoint.nodes):
                found[slot.slot_variable_node_id] = match
    return found
