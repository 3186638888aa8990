"""A model's objects in Python: attributes, lists, dicts, functions, variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyhub.engines.portable.functions import PortableFunction, PortableSignature
from anyhub.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anyhub.engines.portable.model_state import ModelState
    from anyhub.savedmodel.objects import ObjectNode

_FUNCTIONS = ("function", "bare_concrete_function")


class PortableObject:
    """An object of a loaded model; its children are its attributes.

    What a child is: a function (`PortableFunction`), a variable (`keras.Variable`), the path of an
    asset (`str`), an array, a list, tuple or dict, or another object. Children are made when they
    are first asked for.
    """

    def __init__(self, restorer: Restorer, node: ObjectNode) -> None:
        self._restorer = restorer
        self._node = node

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "_node" not in self.__dict__:
            raise AttributeError(name)
        if name not in self._node.children:
            raise AttributeError(self._restorer.unknown_child(self._node, name))
        return self._restorer.restore(self._node.children[name])

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._node.children})

    def __repr__(self) -> str:
        path = self._restorer.path(self._node)
        return f"<object {path!r} of model {self._restorer.state.name!r}>"


class CallableObject(PortableObject):
    """An object with a function `__call__`."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the object; see `PortableFunction.__call__`."""
        return self._restorer.restore(self._node.children["__call__"])(*args, **kwargs)


class Restorer:
    """Makes the Python objects of a model, each once.

    Args:
        state: The model.
    """

    def __init__(self, state: ModelState) -> None:
        self.state = state
        self._made: dict[int, Any] = {}

    def adopt(self, node_id: int, made: Any) -> None:
        """Say what the Python object of a number is."""
        self._made[node_id] = made

    def close(self) -> None:
        """Let go of the model."""
        self._made.clear()
        self.state.close()

    def check_open(self) -> None:
        """Refuse to go on after `close`."""
        _ = self.state.model

    def path(self, node: ObjectNode) -> str:
        """Where an object is."""
        return self.state.meta_graph.objects.paths.get(node.id, "")

    def unknown_child(self, node: ObjectNode, name: str) -> str:
        """What to say of an attribute that there is not."""
        path = self.path(node) or "the root"
        known = ", ".join(sorted(node.children)) or "none"
        return f"model {self.state.name!r}: {path} has no attribute {name!r}; it has: {known}"

    def restore(self, node_id: int) -> Any:
        """The Python object of a number."""
        if node_id not in self._made:
            self.check_open()
            node = self.state.meta_graph.objects.nodes[node_id]
            self._made[node_id] = self._make(node)
        return self._made[node_id]

    def _make(self, node: ObjectNode) -> Any:
        if node.kind == "user_object":
            return self._user_object(node)
        if node.kind in _FUNCTIONS:
            return self._function(node)
        if node.kind == "variable":
            return self.state.handles[node.id].variable
        if node.kind == "asset":
            return str(self.state.resource(node.id).item(), "utf-8")
        if node.kind == "constant":
            return self.state.constant(node)
        raise EngineError(
            f"model {self.state.name!r}: {self.path(node)!r} is a {node.kind}, which engine "
            "'portable' does not have; use engine='tensorflow'"
        )

    def _user_object(self, node: ObjectNode) -> Any:
        identifier = node.details.identifier
        if identifier == "trackable_list_wrapper":
            return [self.restore(child) for child in _in_order(node)]
        if identifier == "trackable_tuple_wrapper":
            return tuple(self.restore(child) for child in _in_order(node))
        if identifier == "trackable_dict_wrapper":
            return {name: self.restore(child) for name, child in sorted(node.children.items())}
        if identifier == "signature_map":
            return self.signatures()
        kind = CallableObject if "__call__" in node.children else PortableObject
        return kind(self, node)

    def _function(self, node: ObjectNode) -> PortableFunction:
        path = self.path(node)
        return PortableFunction(self.state, self.state.meta_graph.restored_functions[path])

    def signatures(self) -> dict[str, PortableSignature]:
        """The model's signatures by name."""
        found = self.state.meta_graph.signatures
        return {name: PortableSignature(self.state, name, found[name]) for name in sorted(found)}


def _in_order(node: ObjectNode) -> Iterator[int]:
    numbered = [name for name in node.children if name.isdigit()]
    return (node.children[name] for name in sorted(numbered, key=int))
